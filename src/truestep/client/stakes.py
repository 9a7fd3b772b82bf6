"""An account's coins in the contracts: its stake, what it is owed, and who may act for it."""

from collections.abc import Mapping
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address
from truestep.base.units import coins
from truestep.ports.chain import Balances, Chain
from truestep.protocol.calls import (
    NATIVE,
    NOBODY,
    Call,
    Deposit,
    SetDelegate,
    WithdrawRewards,
    WithdrawStake,
    WithdrawWinnings,
)
from truestep.roles.duties import WITHDRAWALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What came out of the contracts."""

    receiver: Address
    rewards_wei: int
    """Of native coins: rewards, and refunds of jobs."""
    winnings_wei: int
    """Bonds of games and their rewards."""
    tokens: Mapping[Address, int]
    for_data_wei: int = 0
    """Bonds and fees of items, fees of keepers, and what challenges of data have brought."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was owed."""
        return not (self.rewards_wei or self.winnings_wei or self.tokens or self.for_data_wei)


def withdraw(chain: Chain, receiver: Address | None = None) -> Withdrawn:
    """Take all that the contracts owe the account, of native coins and of tokens.

    `receiver` gets it, the account if none is named. Raises Rejected if a token or the receiver refuses: what
    is withdrawn by then stays so.
    """
    balances, to = _newest_balances(chain), receiver or NOBODY
    for asset, amount in {NATIVE: balances.rewards_wei, **balances.tokens}.items():
        if amount:
            _once_a_block(chain, f"withdraw rewards:{asset}", WithdrawRewards(asset=asset, receiver=to))
    if balances.winnings_wei:
        _once_a_block(chain, "withdraw winnings", WithdrawWinnings(receiver=to))
    for contract in sorted(balances.for_data):
        call = WITHDRAWALS[contract](receiver=receiver or chain.account)
        _once_a_block(chain, f"withdraw {contract.lower()}", call)
    return Withdrawn(
        receiver=receiver or chain.account,
        rewards_wei=balances.rewards_wei,
        winnings_wei=balances.winnings_wei,
        tokens={asset: amount for asset, amount in balances.tokens.items() if amount},
        for_data_wei=sum(balances.for_data.values()),
    )


def withdraw_asset(chain: Chain, asset: Address) -> None:
    """Take what Jobs owes the account of one asset, if it owes any."""
    balances = _newest_balances(chain)
    owed = balances.rewards_wei if asset == NATIVE else balances.tokens.get(asset, 0)
    if owed:
        _once_a_block(chain, f"withdraw rewards:{asset}", WithdrawRewards(asset=asset))


def withdraw_stake(chain: Chain, amount_wei: int, receiver: Address | None = None) -> None:
    """Take stake that no bond locks. Raises Rejected if less is free."""
    balances = chain.balances(chain.account)
    free_wei = balances.free_stake_wei
    if amount_wei > free_wei:
        locked_wei = balances.stake_wei - free_wei
        advice = (
            f"; {coins(locked_wei)} are locked: by bonds until their tasks are final, by a pledge until"
            " `truestep stake unpledge`"
        )
        advice = advice if locked_wei else ""
        raise Rejected(
            Reject.STAKE_TOO_LOW,
            f"expected up to {coins(free_wei)} of free stake, got {coins(amount_wei)}{advice}",
        )
    call = WithdrawStake(amount_wei=amount_wei, receiver=receiver or NOBODY)
    try:
        _once_a_block(chain, f"withdraw stake:{amount_wei}", call)
    except Rejected as error:
        if error.reason is not Reject.CAP_EXCEEDED:
            raise
        raise Rejected(
            Reject.CAP_EXCEEDED,
            "what would be left of the stake has a cap below what its bonds lock,"
            f" {coins(balances.locked_wei)}; take less, or wait until claims are final"
            " (`truestep operator show`)",
        ) from error


def deposit(chain: Chain, amount_wei: int, operator: Address | None = None) -> None:
    """Add to the stake of an operator, the account if none is named."""
    call = Deposit(amount_wei=amount_wei, operator=operator or NOBODY)
    _once_a_block(chain, f"deposit for:{call.operator}:{amount_wei}", call)


def set_delegate(chain: Chain, delegate: Address, roles: int) -> bool:
    """Say what a delegate may do for the account (S1.8). Returns whether that is a change."""
    if delegate == chain.account:
        raise Rejected(
            Reject.NOT_DELEGATE, f"expected another account than {delegate}, which needs no leave of its own"
        )
    if chain.roles_of(chain.account, delegate) == roles:
        return False
    call = SetDelegate(delegate=delegate, roles=roles)
    _once_a_block(chain, f"set delegate:{delegate}:{roles}", call)
    return True


def _newest_balances(chain: Chain) -> Balances:
    """What the account has. Only events tell in which tokens it is owed something: they are read first."""
    chain.parameters()
    return chain.balances(chain.account)


def _once_a_block(chain: Chain, intent: str, call: Call) -> None:
    """Send a call that may be made again later: its intent names the newest block."""
    chain.transact(call, intent=f"{intent}:{chain.account}:{chain.head().hash.hex()}")
