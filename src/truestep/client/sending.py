"""Sends that must be made only once although the contracts would accept them twice: post and deposit."""

from collections.abc import Callable

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.ports.chain import Chain, Outcome, Transaction
from truestep.protocol.calls import Call, Deposit
from truestep.protocol.events import ChainEvent

TRIES = 16
"""Attempts at one send. Each earlier one was reverted, or lost its nonce to another program."""
LAG_BLOCKS = 32
"""A node that lags more is put aside, so every stake that is read includes older deposits."""
EVENT_SECONDS = 30.0
"""How long a node's logs may lag behind its receipts."""

DEPOSIT_PREFIX = "deposit/"


def transact_once(chain: Chain, call: Call, intent: str, is_done: Callable[[], bool] = lambda: False) -> str:
    """Send `call` unless it was sent under this intent. Returns its name in the journal.

    If another program with the same key took its nonce, `is_done` says whether that program did the same;
    then the name is empty. Raises Rejected if the chain refuses, Unavailable if something outside fails.
    """
    for number in range(TRIES):
        name = numbered(intent, number)
        known = chain.transaction(name)
        if known is not None and known.outcome is Outcome.REVERTED:
            continue
        try:
            chain.transact(call, intent=name)
        except Rejected as error:
            if error.reason is not Reject.NONCE_TAKEN:
                raise
            if is_done():
                return ""
            continue
        return name
    raise Unavailable(
        f"{intent} failed {TRIES} times, for example because another program uses the key of {chain.account};"
        " give each program an account of its own"
    )


def event_of(chain: Chain, name: str, is_it: Callable[[ChainEvent], bool]) -> tuple[Transaction, ChainEvent]:
    """The journal's transaction `name`, with the event that it emitted.

    Raises Unavailable if the node does not show the event: its logs lag, or a reorganisation moved it.
    """

    def look() -> tuple[Transaction, ChainEvent] | None:
        chain.refresh()
        transaction = chain.transaction(name)
        if transaction is None or transaction.block_number is None:
            return None
        events = chain.events(transaction.block_number, transaction.block_number)
        own = (event for event in events if event.at.transaction_hash == transaction.transaction_hash)
        return next(((transaction, event) for event in own if is_it(event)), None)

    retrying = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(EVENT_SECONDS),
        wait=wait_exponential(multiplier=0.1, max=2.0),
    )
    try:
        found = retrying(look)
    except RetryError:
        found = None
    if found is None:
        raise Unavailable(
            f"{name} landed, but the node does not show its event after {EVENT_SECONDS:g} s; run the same"
            " command again with the same state file, or ask another node"
        )
    return found


def raise_stake(chain: Chain, target_wei: int) -> int:
    """Deposit what is missing to a stake of `target_wei`. Returns the amount deposited now.

    Waits first for deposits of an interrupted run. Raises Unavailable if the stake that is read may be older
    than the last deposit, which would then be made twice.
    """
    finish_pending(chain, DEPOSIT_PREFIX)
    for number in range(TRIES):
        stake_wei = chain.balances(chain.account).stake_wei
        missing_wei = target_wei - stake_wei
        if missing_wei <= 0:
            return 0
        name = numbered(f"{DEPOSIT_PREFIX}{stake_wei}/{target_wei}", number)
        known = chain.transaction(name)
        if known is not None and known.outcome is not Outcome.PENDING:
            _check_age(chain, known, stake_wei)
            continue
        try:
            chain.transact(Deposit(amount_wei=missing_wei), intent=name)
        except Rejected as error:
            if error.reason is not Reject.NONCE_TAKEN:
                raise
            continue
        return missing_wei
    raise Unavailable(
        f"the stake of {chain.account} fell from {coins(target_wei)} {TRIES} times; find out why it is"
        " slashed before more is deposited"
    )


def finish_pending(chain: Chain, prefix: str) -> None:
    """Wait for what an interrupted run has sent under intents that begin so, whatever comes of it."""
    for transaction in chain.refresh():
        if transaction.intent.startswith(prefix) and transaction.outcome is Outcome.PENDING:
            try:
                chain.transact(Deposit(amount_wei=0), intent=transaction.intent)  # known, so this only waits
            except Rejected:
                continue


def _check_age(chain: Chain, deposit: Transaction, stake_wei: int) -> None:
    if deposit.outcome is not Outcome.CONFIRMED or deposit.block_number is None:
        return
    age_blocks = chain.head().number - deposit.block_number
    if age_blocks < LAG_BLOCKS:
        raise Unavailable(
            f"a deposit landed in block {deposit.block_number}, but the node still gives a stake of"
            f" {coins(stake_wei)}: it lags, or the stake was slashed since. Nothing more is deposited for"
            f" {counted(LAG_BLOCKS - age_blocks, 'block')}; ask another node, or wait"
        )


def numbered(intent: str, number: int) -> str:
    """The name of attempt `number`, from 0, at an intent."""
    return f"{intent}#{number}" if number else intent
