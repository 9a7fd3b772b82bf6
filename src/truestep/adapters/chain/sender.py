"""The transaction manager: every intent is journaled before it is sent, and sent at most once.

Any thread may call it. A lock is held while a nonce is assigned and journaled, never while a node is asked.
So a node that hangs delays only the thread that asked it.
"""

import time
from dataclasses import replace

from web3 import Web3

from truestep.adapters.chain.account_node import AccountNode, Block, Receipt
from truestep.adapters.chain.alarms import Alarms
from truestep.adapters.chain.broadcasts import HANGING_SECONDS, Broadcasts
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.fate import Fate, Foreign, Own, find_fate
from truestep.adapters.chain.fees import (
    GWEI,
    Offer,
    TransactionPolicy,
    above_cap,
    blobs_above_cap,
    higher_offer,
)
from truestep.adapters.chain.holes import FILL_PREFIX, Holes
from truestep.adapters.chain.journal import Attempt, Entry, Journal, with_attempt
from truestep.adapters.chain.market import Market
from truestep.adapters.chain.outages import NodeError
from truestep.adapters.chain.refusals import Refusal
from truestep.adapters.chain.signing import Signer, Signing
from truestep.adapters.chain.watch import Moved, Watch, finished
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.base.text import counted
from truestep.base.units import coins_or_more
from truestep.ports.chain import Outcome
from truestep.ports.store import Store
from truestep.roles.intents import in_words

OUTAGE_SECONDS = 20.0
"""A thread that waits for an outcome tolerates failures of the node up to this long."""


class Sender:
    """Sends for one account, from any thread. One process at a time: its store is locked.

    The journal decides what was done. An intent in it is never signed with a second nonce, unless the chain
    shows a foreign transaction with the first one.
    """

    def __init__(
        self, web3: Web3, chain_id: int, signer: Signer, store: Store, policy: TransactionPolicy
    ) -> None:
        self.account = Address(Web3.to_checksum_address(signer.address))
        self._policy = policy
        self._node = AccountNode(web3, self.account)
        self._journal = Journal(store, self.account)
        self._market = Market(self._node, self.account, policy)
        self._watch = Watch(self._node, self._journal, policy)
        self._broadcasts = Broadcasts(self._node, policy.broadcast_wait_seconds)
        self._alarms = Alarms()
        self._signing = Signing(chain_id, signer, self._journal)
        self._holes = Holes(
            self.account, self._node, self._journal, self._market, self._signing, self._alarms, policy
        )
        self._looked: dict[str, tuple[str, float]] = {}
        self._used_since_seconds: dict[str, float] = {}
        self._pending_since_seconds: dict[str, float] = {}
        self._watched_at_seconds = float("-inf")

    # --- for callers --------------------------------------------------------------------------------------

    def gas_price_wei(self) -> int:
        """What a unit of gas costs now, tip included. Raises `Unavailable`."""
        prices = self._market.prices()
        return prices.block.base_fee_wei + prices.tip_wei

    def entry(self, intent: str) -> Entry | None:
        """The state of an intent."""
        return self._journal.entry(intent)

    def alarms(self) -> tuple[str, ...]:
        """The problems since the last call, one sentence each: what happened and what to do."""
        for intent in self._broadcasts.hanging():
            self._alarms.say_again(
                "silent",
                f"the node has been silent for {HANGING_SECONDS:.0f} s since {in_words(intent)} was sent to"
                " it; the chain shows whether it took it, and if not, it is sent again. If this goes on, add"
                " another node with --rpc",
            )
        return self._alarms.take()

    def again(self, intent: str) -> Entry | None:
        """An intent that is known already, with whatever a reorganisation has made of it."""
        known = self._journal.entry(intent)
        return self._look_again(known) if known is not None else None

    def submit(
        self, message: Message, intent: str, *, is_urgent: bool = False, is_once: bool = False
    ) -> Entry:
        """Check, journal, send. Raises `Rejected` if it is refused now; then nothing was journaled.

        `is_urgent`: a clock runs, so it may cost more. `is_once`: the contracts would do it twice; then, if
        a foreign transaction took its nonce, its outcome is REVERTED with the reason NONCE_TAKEN, and the
        caller looks whether it is done already before asking again under another name.
        """
        known = self.again(intent)
        if known is not None:
            return known
        offer, block = self._market.first_offer(is_urgent=is_urgent, has_blobs=bool(message.blobs))
        means = self._market.means(message, offer, block)
        draft = Entry(
            intent=intent,
            nonce=0,
            to=message.to,
            payload=message.payload.hex(),
            value_wei=message.value_wei,
            gas_limit=means.gas_limit,
            attempts=(),
            signed_block=block.number,
            is_urgent=is_urgent,
            is_once=is_once,
            blob="".join(each.blob.hex() for each in message.blobs),
            commitment="".join(each.commitment.hex() for each in message.blobs),
            cell_proofs=tuple(proof.hex() for each in message.blobs for proof in each.cell_proofs),
        )
        with self._journal.lock:
            known = self._journal.entry(intent)
            if known is not None:
                return known
            foreign_count = self._signing.foreign_count(means.used_count)
            entry = self._signing.signed(
                replace(draft, nonce=self._signing.next_nonce(means.used_count)), offer
            )
            self._journal.add(entry)
        if foreign_count:
            self._alarms.say_again(
                "foreign",
                f"another program uses the key of {self.account}: it took {counted(foreign_count, 'nonce')}"
                " before"
                f" {entry.nonce}; give each program an account of its own",
            )
        self._broadcasts.send(entry)
        return entry

    def refresh(self) -> list[Entry]:
        """Check everything pending or undone, oldest first. Returns it with its outcomes."""
        pending, landed = self._journal.pending(), self._journal.landed()
        now = time.monotonic()
        is_watch_due = landed and now - self._watched_at_seconds >= self._policy.watch_after_seconds
        if not pending and not is_watch_due:
            return []
        self._watched_at_seconds = now
        head = self._node.head()
        moved = [self._undo(each) for each in self._watch.moved(head)]
        pending = self._journal.pending()
        used = self._settle(pending, head)
        if used is not None:
            self._broadcasts.send(*self._holes.fill(used, head))
        self._rebroadcast()
        looked = {each.intent: each for each in (*moved, *pending) if not each.intent.startswith(FILL_PREFIX)}
        return [self._journal.entry(intent) or each for intent, each in looked.items()]

    def wait(self, intent: str, deadline_seconds: float) -> Entry:
        """Wait until an intent has an outcome. Raises `Unavailable` after `deadline_seconds`."""
        start = answered_at = time.monotonic()
        while (entry := self._journal.entry(intent)) and entry.is_pending:
            now = time.monotonic()
            if now - start > deadline_seconds:
                raise self._unconfirmed(entry, deadline_seconds)
            try:
                self.refresh()
                answered_at = now
            except Unavailable:
                if now - answered_at > OUTAGE_SECONDS:
                    raise
            if (present := self._journal.entry(intent)) and present.is_pending:
                time.sleep(self._policy.poll_seconds)
        if entry is None:
            raise Unavailable(f"no transaction was ever submitted for {in_words(intent)}; submit it first")
        return entry

    def _unconfirmed(self, entry: Entry, deadline_seconds: float) -> Unavailable:
        refusal = self._broadcasts.refusal(entry)
        why = f"The node said: {refusal[1]}" if refusal else self._alarms.why(entry.intent)
        return Unavailable(
            f"transaction 0x{entry.attempts[-1].hash} ({in_words(entry.intent)}) is not confirmed after"
            f" {deadline_seconds:g} s; it may still land; run the same command again to go on waiting"
            + (f". {why}" if why else "")
        )

    # --- what landed --------------------------------------------------------------------------------------

    def _look_again(self, entry: Entry) -> Entry:
        """Transactions that a reorganisation took out of the chain become pending again."""
        if entry.block_number is None or entry not in self._journal.landed():
            return entry
        return self._undo(Moved(entry=entry, receipt=None)) if self._watch.is_gone(entry) else entry

    def _undo(self, moved: Moved) -> Entry:
        """Note that a landed transaction is in another block, or in none; then it is sent again."""
        entry = moved.entry
        self._looked.pop(entry.intent, None)
        if moved.receipt is not None:
            again = finished(entry, moved.receipt, self._cause(entry, moved.receipt))
        else:
            again = replace(
                entry, outcome=Outcome.PENDING, landed_hash="", block_number=None, block_hash="", reason=""
            )
        if not self._journal.replace(entry, again):
            return self._journal.entry(entry.intent) or entry
        if again.is_pending:
            self._alarms.say(
                f"a reorganisation took {in_words(entry.intent)} (nonce {entry.nonce}) out of block"
                f" {entry.block_number}; it is sent again"
            )
            self._broadcasts.forget(again)
            self._broadcasts.send(again)
        return again

    # --- what is pending ----------------------------------------------------------------------------------

    def _settle(self, pending: list[Entry], head: Block) -> int | None:
        """Find outcomes and advance what has none. Returns how many nonces are used, if that was asked."""
        due = [entry for entry in pending if self._is_due(entry, head)]
        if not due:
            return None
        hashes = [each for entry in due for each in entry.hashes]
        deep = max(head.number - self._policy.confirmations + 1, 0)
        questions = [self._node.count_question(deep), *self._node.receipt_questions(hashes)]
        count, *answers = self._node.ask_all(questions)
        by_hash = {each.transaction_hash: each for each in answers if isinstance(each, Receipt)}
        used = None if isinstance(count, NodeError) else int(count)
        for entry in due:
            self._looked[entry.intent] = (head.hash, time.monotonic())
            receipt = next((by_hash[each] for each in entry.hashes if each in by_hash), None)
            if receipt is not None:
                self._finish(entry, receipt, head)
            elif used is not None and used > entry.nonce:
                self._question(entry, head)
            else:
                self._used_since_seconds.pop(entry.intent, None)
                self._push(entry, head, is_next=used == entry.nonce)
        return used

    def _is_due(self, entry: Entry, head: Block) -> bool:
        """Whether something may have changed since the last look."""
        hash_then, at_seconds = self._looked.get(entry.intent, ("", 0.0))
        return head.hash != hash_then or (
            time.monotonic() - at_seconds
            >= min(self._policy.receipt_after_seconds, self._policy.bump_after_seconds)
        )

    def _finish(self, entry: Entry, receipt: Receipt, head: Block) -> None:
        if max(head.number, receipt.block_number) - receipt.block_number + 1 < self._policy.confirmations:
            return
        if self._journal.replace(entry, finished(entry, receipt, self._cause(entry, receipt))):
            self._forget(entry)

    def _cause(self, entry: Entry, receipt: Receipt) -> str:
        """Why a transaction was reverted, found by making the same call again in its place."""
        if receipt.has_succeeded:
            return ""
        if receipt.gas_used >= entry.gas_limit:
            return f"ran out of gas: all {entry.gas_limit} units were used"
        for block_number in (receipt.block_number - 1, receipt.block_number):
            try:
                self._node.call(entry.message(), block_number)
            except Rejected as error:
                return str(error) if error.reason is Reject.CALL_REVERTED else error.reason.value
            except Unavailable as error:
                return f"unknown, because the call cannot be repeated: {error}"
        return "the same call succeeds now: another transaction came first in its block"

    def _question(self, entry: Entry, head: Block) -> None:
        """The nonce is used but there is no receipt: after a while, find out who used it."""
        now = time.monotonic()
        since = self._used_since_seconds.setdefault(entry.intent, now)
        if now - since < self._policy.nonce_grace_seconds:
            return
        self._used_since_seconds[entry.intent] = now
        receipt = self._node.receipt(entry.hashes)
        if receipt is not None:
            self._finish(entry, receipt, head)
            return
        fate = find_fate(self._node, entry, head.number)
        if isinstance(fate, Foreign):
            self._yield_nonce(entry, fate, head)
        else:
            self._alarms.tell(entry.intent, f"nonce {entry.nonce} is used: {_why(fate)}")

    def _yield_nonce(self, entry: Entry, fate: Foreign, head: Block) -> None:
        """A transaction of our key that is not in the journal has our nonce."""
        sent = fate.sent
        is_same = (sent.to or "").lower() == (entry.to or "").lower()
        if is_same and (sent.value_wei, sent.payload) == (entry.value_wei, entry.payload):
            self._alarms.say(
                f"another program sent {in_words(entry.intent)} from {self.account}, as 0x{sent.hash}"
            )
            self._journal.replace(entry, replace(entry, earlier_hashes=(*entry.earlier_hashes, sent.hash)))
            self._looked.pop(entry.intent, None)
            return
        is_last = entry.is_once or entry.intent.startswith(FILL_PREFIX)
        needed = self._policy.foreign_depth if is_last else self._policy.confirmations
        if head.number - fate.block_number + 1 < needed:
            self._alarms.tell(
                entry.intent, f"0x{sent.hash} took nonce {entry.nonce}; waiting until it has {needed} blocks"
            )
            return
        self._alarms.say(
            f"another program uses the key of {self.account}: 0x{sent.hash} took nonce {entry.nonce} of"
            f" {in_words(entry.intent)}; give each program an account of its own"
        )
        if is_last:
            self._give_up(entry, Reject.NONCE_TAKEN.value)
        else:
            self._sign_again(entry)

    def _give_up(self, entry: Entry, reason: str) -> None:
        if self._journal.replace(entry, replace(entry, outcome=Outcome.REVERTED, reason=reason)):
            self._forget(entry)

    def _sign_again(self, entry: Entry) -> None:
        """Sign an intent with another nonce, because a foreign transaction used its nonce."""
        message = entry.message()
        try:
            offer, block = self._market.first_offer(is_urgent=entry.is_urgent, has_blobs=bool(entry.blob))
            means = self._market.means(message, offer, block)
        except Rejected as error:
            if error.reason in (Reject.FEE_ABOVE_CAP, Reject.FUNDS_TOO_LOW):
                self._alarms.tell(entry.intent, str(error))
            else:
                self._give_up(entry, error.reason.value)
            return
        self._forget(entry)
        with self._journal.lock:
            nonce = self._signing.next_nonce(means.used_count)
            fresh = replace(
                entry,
                nonce=nonce,
                gas_limit=means.gas_limit,
                attempts=(),
                earlier_hashes=tuple(reversed(entry.hashes)),
                signed_block=block.number,
            )
            signed = self._signing.signed(fresh, offer)
            if not self._journal.replace(entry, signed):
                return
        self._broadcasts.send(signed)

    # --- higher fees --------------------------------------------------------------------------------------

    def _push(self, entry: Entry, head: Block, *, is_next: bool) -> None:
        """Raise the fees if the transaction is stuck, or if the node says that they are too low."""
        refusal = self._broadcasts.refusal(entry)
        if refusal is not None:
            self._heed(entry, *refusal)
        is_refused = refusal is not None and refusal[0] is Refusal.UNDERPRICED
        waited = self._signing.seconds_since(entry)
        if self._waits_long(entry):
            self._alarms.tell(
                entry.intent,
                f"there is no receipt of it after {self._policy.late_after_seconds:.0f} s; it is sent again,"
                " with higher fees if blocks have no room for it. If no transaction lands, use another node"
                " with --rpc",
            )
        patience = self._policy.bump_after_seconds / (2 if entry.is_urgent else 1)
        last = entry.attempts[-1]
        is_stuck = waited > patience and (is_next or last.fee_cap_wei < head.base_fee_wei + last.tip_wei)
        if is_refused or is_stuck:
            self._bump(entry, head)

    def _waits_long(self, entry: Entry) -> bool:
        """Whether an intent, whatever its fees, has no outcome long after this process first looked at it."""
        now = time.monotonic()
        since = self._pending_since_seconds.setdefault(entry.intent, now)
        return now - since >= self._policy.late_after_seconds and not self._alarms.why(entry.intent)

    def _heed(self, entry: Entry, refusal: Refusal, said: str) -> None:
        """Report what a person can do about a refusal."""
        if refusal is Refusal.FUNDS:
            most_wei = entry.value_wei + entry.gas_limit * entry.attempts[-1].fee_cap_wei
            self._alarms.tell(
                entry.intent,
                f"{self.account} is short of coins, up to {coins_or_more(most_wei)} may be needed; send coins"
                " to the account, then this and everything after it continues automatically",
            )
        elif refusal is Refusal.NONCE_USED:
            self._used_since_seconds[entry.intent] = float("-inf")
        elif refusal is Refusal.GAS:
            self._alarms.tell(
                entry.intent, f"the node refuses {entry.gas_limit} gas: {said}; try another node"
            )

    def _bump(self, entry: Entry, head: Block) -> None:
        last = entry.attempts[-1]
        offer = _offered(last)
        blob_price_wei = self._market.blob_price_wei(head) if entry.blob else None
        self._signing.touch(entry)
        higher = higher_offer(
            offer,
            head.base_fee_wei,
            self._policy,
            suggested_tip_wei=self._market.prices().tip_wei,
            is_urgent=entry.is_urgent,
            blob_price_wei=blob_price_wei,
        )
        if higher is None:
            self._say_capped(entry, head, blob_price_wei)
            return
        with self._journal.lock:
            signed = self._signing.signed(replace(entry, attempts=()), higher)
            bumped = with_attempt(entry, signed.attempts[0])
            if not self._journal.replace(entry, bumped):
                return
        self._broadcasts.send(bumped)

    def _say_capped(self, entry: Entry, head: Block, blob_price_wei: int | None) -> None:
        last, cap_wei = entry.attempts[-1], self._policy.cap_wei(is_urgent=entry.is_urgent)
        price_wei = head.base_fee_wei + last.tip_wei
        blob_cap_wei = self._policy.blob_cap_wei(is_urgent=entry.is_urgent)
        if price_wei > last.fee_cap_wei:
            why = above_cap(price_wei, cap_wei, is_urgent=entry.is_urgent)
        elif blob_price_wei is not None and blob_price_wei > last.blob_fee_cap_wei:
            why = blobs_above_cap(blob_price_wei, blob_cap_wei, self._policy)
        elif entry.blob and 2 * last.blob_fee_cap_wei > blob_cap_wei:
            why = (
                f"its fee for blobs cannot be doubled within the cap of {blob_cap_wei / GWEI:g} gwei; raise"
                " it with --max-blob-fee if it does not land"
            )
        else:
            tip_gwei = self._policy.tip_cap_wei // GWEI
            why = f"the tip is at its cap of {tip_gwei} gwei; raise it with --max-tip if it does not land"
        self._alarms.tell(entry.intent, f"{why}. It lands when gas is cheaper")

    # --- how ----------------------------------------------------------------------------------------------

    def _rebroadcast(self) -> None:
        """Send transactions again that the node may have lost."""
        after = self._policy.rebroadcast_after_seconds
        late = [entry for entry in self._journal.pending() if self._broadcasts.seconds_since(entry) > after]
        self._broadcasts.send(*late)

    def _forget(self, entry: Entry) -> None:
        """Forget an entry that is done, or starts again."""
        self._broadcasts.forget(entry)
        self._signing.forget(entry.intent)
        self._alarms.forget(entry.intent)
        self._looked.pop(entry.intent, None)
        self._used_since_seconds.pop(entry.intent, None)
        self._pending_since_seconds.pop(entry.intent, None)


def _offered(last: Attempt) -> Offer:
    """What a signed form offers. Blob forms of releases without a cap of its own had four times their fee."""
    blob_fee_cap_wei = last.blob_fee_cap_wei or 4 * last.fee_cap_wei
    return Offer(fee_cap_wei=last.fee_cap_wei, tip_wei=last.tip_wei, blob_fee_cap_wei=blob_fee_cap_wei)


def _why(fate: Fate) -> str:
    if isinstance(fate, Own):
        return f"our transaction is in block {fate.block_number}, but the node has no receipt of it yet"
    return "" if isinstance(fate, Foreign) else fate.why
