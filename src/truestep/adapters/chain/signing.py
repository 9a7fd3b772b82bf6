"""Signs the journal's entries."""

import time
from dataclasses import replace
from typing import Any, Protocol

from truestep.adapters.chain.fees import Offer
from truestep.adapters.chain.journal import Attempt, Entry, Journal
from truestep.adapters.chain.sidecars import with_blobs


class Signer(Protocol):
    """An account's key, as in `eth_account`. It must not block: nonces are assigned while it signs."""

    @property
    def address(self) -> Any:
        """The account."""
        ...

    def sign_transaction(self, transaction_dict: Any) -> Any:
        """The signed transaction, with `raw_transaction` and `hash`."""
        ...


class Signing:
    """Signs for one account on one chain, and remembers when."""

    def __init__(self, chain_id: int, signer: Signer, journal: Journal) -> None:
        self._chain_id = chain_id
        self._signer = signer
        self._journal = journal
        self._signed_at_seconds: dict[str, float] = {}
        self._next: int | None = None

    def signed(self, entry: Entry, offer: Offer) -> Entry:
        """The entry with one signed form."""
        message = entry.message()
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": entry.nonce,
            "value": message.value_wei,
            "data": message.payload,
            "gas": entry.gas_limit,
            "maxFeePerGas": offer.fee_cap_wei,
            "maxPriorityFeePerGas": offer.tip_wei,
        }
        if message.to is not None:
            fields["to"] = message.to
        if message.blobs:
            fields |= {"type": 3, "maxFeePerBlobGas": offer.blob_fee_cap_wei}
            fields["blobVersionedHashes"] = message.versioned_hashes
        signed = self._signer.sign_transaction(fields)
        raw = bytes(signed.raw_transaction)
        attempt = Attempt(
            hash=bytes(signed.hash).hex(),
            raw=(with_blobs(raw, message.blobs) if message.blobs else raw).hex(),
            fee_cap_wei=offer.fee_cap_wei,
            tip_wei=offer.tip_wei,
            blob_fee_cap_wei=offer.blob_fee_cap_wei,
        )
        self.touch(entry)
        return replace(entry, attempts=(attempt,))

    def next_nonce(self, used_count: int) -> int:
        """The next nonce, above all used and all pending ones. The journal's lock is held."""
        nonce = max([used_count, *(entry.nonce + 1 for entry in self._journal.live())])
        self._next = max(nonce + 1, self._next or 0)
        return nonce

    def foreign_count(self, used_count: int) -> int:
        """How many nonces were used, since the last one was assigned, that this process did not assign."""
        return 0 if self._next is None else max(used_count - self._next, 0)

    def touch(self, entry: Entry) -> None:
        """Start waiting again."""
        self._signed_at_seconds[entry.intent] = time.monotonic()

    def seconds_since(self, entry: Entry) -> float:
        """How long the newest form has waited in this process."""
        now = time.monotonic()
        return now - self._signed_at_seconds.setdefault(entry.intent, now)

    def forget(self, intent: str) -> None:
        """Stop waiting."""
        self._signed_at_seconds.pop(intent, None)
