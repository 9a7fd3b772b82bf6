"""The transaction manager: every intent is journaled before it is sent, and sent at most once."""

import time
from dataclasses import replace
from typing import Any, Protocol

from web3 import Web3
from web3.exceptions import TransactionNotFound
from web3.types import TxParams, TxReceipt

from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import asking_node
from truestep.adapters.chain.fees import BPS, Offer, TransactionPolicy, first_offer, higher_offer
from truestep.adapters.chain.journal import Attempt, Entry, Journal, with_attempt
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.ports.chain import Outcome
from truestep.ports.store import Store

TRANSACTION_GAS_LIMIT = 2**24
"""EIP-7825: no transaction may ask for more."""


class Signer(Protocol):
    """An account's key, wherever it is kept. `eth_account`'s local accounts satisfy it."""

    @property
    def address(self) -> Any:
        """The account."""
        ...

    def sign_transaction(self, transaction_dict: Any) -> Any:
        """The signed transaction, with `raw_transaction` and `hash`."""
        ...


class Sender:
    """Sends for one account. One process at a time: its store is locked.

    The journal decides what was done: an intent found there is never signed for a second nonce, unless a
    foreign transaction has used up its nonce for good.
    """

    def __init__(
        self, web3: Web3, chain_id: int, signer: Signer, store: Store, policy: TransactionPolicy
    ) -> None:
        self.account = Address(Web3.to_checksum_address(signer.address))
        self._web3 = web3
        self._chain_id = chain_id
        self._signer = signer
        self._policy = policy
        self._journal = Journal(store, self.account)
        self._sent_at_seconds: dict[str, float] = {}
        self._signed_at_seconds: dict[str, float] = {}
        self._gone_since_seconds: dict[str, float] = {}
        self._refusals: dict[str, str] = {}

    def entry(self, intent: str) -> Entry | None:
        """What is known of an intent."""
        return self._journal.entry(intent)

    def submit(self, message: Message, intent: str) -> Entry:
        """Check, journal, send. Raises `Rejected` if it is refused now: then nothing was journaled."""
        known = self._journal.entry(intent)
        if known is not None:
            return self._look_again(known)
        offer = self._first_offer()
        gas_limit = self._gas_limit(message)
        self._check_funds(message, gas_limit * offer.fee_cap_wei)
        entry = self._signed(intent, message, gas_limit, self._next_nonce(), offer)
        self._journal.keep(entry)
        self._broadcast(entry)
        return self._look_after(entry)

    def _look_again(self, entry: Entry) -> Entry:
        """A transaction that a reorganisation took out of the chain is pending again."""
        if entry.outcome is Outcome.PENDING or self._receipt(entry) is not None:
            return entry
        again = replace(entry, outcome=Outcome.PENDING, block_number=None)
        self._journal.keep(again)
        return self._look_after(again)

    def refresh(self) -> list[Entry]:
        """Look after everything pending, oldest first; what it was and is."""
        return [self._look_after(entry) for entry in self._journal.pending()]

    def wait(self, intent: str, deadline_seconds: float) -> Entry:
        """Look after an intent until it has an outcome. Raises `Unavailable` after `deadline_seconds`."""
        deadline = time.monotonic() + deadline_seconds
        while (entry := self._journal.entry(intent)) and entry.outcome is Outcome.PENDING:
            if time.monotonic() > deadline:
                refusal = self._refusals.get(intent)
                raise Unavailable(
                    f"transaction 0x{entry.attempts[-1].hash} ({intent}) is not confirmed after"
                    f" {deadline_seconds:g} s; it may land yet: run the same command again to go on waiting"
                    + (f". The node said: {refusal}" if refusal else "")
                )
            self.refresh()
            if (present := self._journal.entry(intent)) and present.outcome is Outcome.PENDING:
                time.sleep(self._policy.poll_seconds)
        if entry is None:
            raise Unavailable(f"no transaction was ever submitted for {intent}; submit it first")
        return entry

    # --- one pending transaction --------------------------------------------------------------------------

    def _look_after(self, entry: Entry) -> Entry:
        """Move one entry on: to its outcome, to a fresh broadcast, to higher fees, or to another nonce."""
        receipt = self._receipt(entry)
        if receipt is not None:
            return self._finish(entry, receipt)
        if self._is_nonce_gone(entry):
            return self._sign_again(entry)
        now = time.monotonic()
        if now - self._signed_at_seconds.setdefault(entry.intent, now) > self._policy.bump_after_seconds:
            entry = self._bump(entry)
        if now - self._sent_at_seconds.get(entry.intent, -1e9) > self._policy.rebroadcast_after_seconds:
            self._broadcast(entry)
        return entry

    def _receipt(self, entry: Entry) -> TxReceipt | None:
        for attempt in reversed(entry.attempts):
            with asking_node():
                try:
                    return self._web3.eth.get_transaction_receipt(_hash(attempt))
                except TransactionNotFound:
                    continue
        return None

    def _finish(self, entry: Entry, receipt: TxReceipt) -> Entry:
        with asking_node():
            head = self._web3.eth.block_number
        if head - receipt["blockNumber"] + 1 < self._policy.confirmations:
            return entry
        has_succeeded = receipt["status"] == 1
        finished = replace(
            entry,
            outcome=Outcome.CONFIRMED if has_succeeded else Outcome.REVERTED,
            landed_hash=bytes(receipt["transactionHash"]).hex(),
            block_number=receipt["blockNumber"],
            gas_used=receipt["gasUsed"],
            gas_price_wei=receipt["effectiveGasPrice"],
            reason="" if has_succeeded else self._cause(entry, receipt),
            contract=receipt["contractAddress"],
        )
        self._journal.keep(finished)
        return finished

    def _cause(self, entry: Entry, receipt: TxReceipt) -> str:
        """Why a transaction was reverted: make the same call again where it stood."""
        if receipt["gasUsed"] >= entry.gas_limit:
            return f"ran out of gas: all {entry.gas_limit} units were used"
        for block_number in (receipt["blockNumber"] - 1, receipt["blockNumber"]):
            try:
                with asking_node():
                    self._web3.eth.call(self._request(entry.message()), block_identifier=block_number)
            except Rejected as error:
                return str(error) if error.reason is Reject.CALL_REVERTED else error.reason.value
        return "the same call succeeds now: another transaction came first in its block"

    def _is_nonce_gone(self, entry: Entry) -> bool:
        """Whether a transaction that is not ours used the nonce: deep enough to stay, and long enough ago."""
        with asking_node():
            head = self._web3.eth.block_number
            deep = max(head - self._policy.confirmations + 1, 0)
            used = self._web3.eth.get_transaction_count(_checksum(self.account), deep)
        if used <= entry.nonce:
            self._gone_since_seconds.pop(entry.intent, None)
            return False
        since = self._gone_since_seconds.setdefault(entry.intent, time.monotonic())
        is_long_ago = time.monotonic() - since >= self._policy.nonce_grace_seconds
        return is_long_ago and self._receipt(entry) is None

    def _sign_again(self, entry: Entry) -> Entry:
        """Another nonce for an intent whose own was used by a foreign transaction."""
        self._gone_since_seconds.pop(entry.intent, None)
        again = self._signed(
            entry.intent, entry.message(), entry.gas_limit, self._next_nonce(), self._first_offer()
        )
        again = replace(again, attempts=(*entry.attempts, *again.attempts))
        self._journal.keep(again)
        self._broadcast(again)
        return again

    def _bump(self, entry: Entry) -> Entry:
        last = entry.attempts[-1]
        offer = Offer(fee_cap_wei=last.fee_cap_wei, tip_wei=last.tip_wei)
        higher = higher_offer(offer, self._base_fee_wei(), self._policy)
        self._signed_at_seconds[entry.intent] = time.monotonic()
        if higher is None:
            return entry
        signed = self._signed(entry.intent, entry.message(), entry.gas_limit, entry.nonce, higher)
        bumped = with_attempt(entry, signed.attempts[0])
        self._journal.keep(bumped)
        self._broadcast(bumped)
        return bumped

    def _broadcast(self, entry: Entry) -> None:
        """Send the last form. A failure is no outcome: only the chain tells whether it landed."""
        self._sent_at_seconds[entry.intent] = time.monotonic()
        try:
            with asking_node():
                self._web3.eth.send_raw_transaction(Web3.to_bytes(hexstr=_hex(entry.attempts[-1].raw)))
            self._refusals.pop(entry.intent, None)
        except (Rejected, Unavailable) as error:
            self._refusals[entry.intent] = str(error)

    # --- making one ---------------------------------------------------------------------------------------

    def _signed(self, intent: str, message: Message, gas_limit: int, nonce: int, offer: Offer) -> Entry:
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": nonce,
            "value": message.value_wei,
            "data": message.payload,
            "gas": gas_limit,
            "maxFeePerGas": offer.fee_cap_wei,
            "maxPriorityFeePerGas": offer.tip_wei,
        }
        if message.to is not None:
            fields["to"] = message.to
        signed = self._signer.sign_transaction(fields)
        attempt = Attempt(
            hash=bytes(signed.hash).hex(),
            raw=bytes(signed.raw_transaction).hex(),
            fee_cap_wei=offer.fee_cap_wei,
            tip_wei=offer.tip_wei,
        )
        self._signed_at_seconds[intent] = time.monotonic()
        return Entry(
            intent=intent,
            nonce=nonce,
            to=message.to,
            payload=message.payload.hex(),
            value_wei=message.value_wei,
            gas_limit=gas_limit,
            attempts=(attempt,),
        )

    def _next_nonce(self) -> int:
        with asking_node():
            used = self._web3.eth.get_transaction_count(_checksum(self.account), "pending")
        return max([used, *(entry.nonce + 1 for entry in self._journal.pending())])

    def _base_fee_wei(self) -> int:
        with asking_node():
            return int(self._web3.eth.get_block("latest").get("baseFeePerGas", 0))

    def _first_offer(self) -> Offer:
        base_fee_wei = self._base_fee_wei()
        with asking_node():
            tip_wei = int(self._web3.eth.max_priority_fee)
        return first_offer(base_fee_wei, tip_wei, self._policy)

    def _request(self, message: Message) -> TxParams:
        request: TxParams = {
            "from": _checksum(self.account),
            "value": Web3.to_wei(message.value_wei, "wei"),
            "data": Web3.to_bytes(message.payload),
        }
        if message.to is not None:
            request["to"] = _checksum(message.to)
        return request

    def _gas_limit(self, message: Message) -> int:
        """Estimate, with headroom: also the trial that finds out whether the contract would refuse."""
        self._check_funds(message, 0)
        with asking_node():
            estimate = self._web3.eth.estimate_gas(self._request(message))
        return min(estimate * self._policy.gas_headroom_bps // BPS, TRANSACTION_GAS_LIMIT)

    def _check_funds(self, message: Message, gas_wei: int) -> None:
        with asking_node():
            have_wei = self._web3.eth.get_balance(_checksum(self.account))
        need_wei = message.value_wei + gas_wei
        if have_wei < need_wei:
            raise Rejected(
                Reject.FUNDS_TOO_LOW,
                f"{self.account} has {have_wei} wei and needs {need_wei} wei"
                f" ({message.value_wei} to send, up to {gas_wei} for gas); send it at least"
                f" {need_wei - have_wei} wei more",
            )


def _checksum(address: Address) -> Any:
    return Web3.to_checksum_address(address)


def _hex(text: str) -> Any:
    return f"0x{text}"


def _hash(attempt: Attempt) -> Any:
    return f"0x{attempt.hash}"
