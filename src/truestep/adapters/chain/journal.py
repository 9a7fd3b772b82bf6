"""The journal of one account's transactions, written before they are sent."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from threading import RLock

from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.sidecars import SentBlob
from truestep.base.ids import Address, Bytes32
from truestep.commitments.kzg import BLOB_SIZE_BYTES, CELLS_PER_BLOB, COMMITMENT_SIZE_BYTES
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.rows import RowCodec, by_name
from truestep.ports.store import Change, Store, each_row

TABLE = "transactions"
"""Entries that may still change: pending, or landed so recently that a reorganisation may undo them."""
DONE_TABLE = "transactions_done"
"""Entries that are final. They are read only on demand."""
ATTEMPTS_KEPT = 4
"""Signed forms that are kept completely. Of older ones the hashes are kept, because any of them may land."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One signed form of a transaction; a later one has the same nonce and higher fees."""

    hash: str
    raw: str
    fee_cap_wei: int
    tip_wei: int
    blob_fee_cap_wei: int = 0
    """Per unit of blob gas; 0 without blobs, and in rows of releases that had no cap of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One intent: its call, its signed forms and its outcome. Bytes are hex."""

    intent: str
    nonce: int
    to: str | None
    payload: str
    value_wei: int
    gas_limit: int
    attempts: tuple[Attempt, ...]
    outcome: Outcome = Outcome.PENDING
    landed_hash: str = ""
    block_number: int | None = None
    block_hash: str = ""
    gas_used: int = 0
    gas_price_wei: int = 0
    reason: str = ""
    contract: str | None = None
    """The address of the contract it created."""
    earlier_hashes: tuple[str, ...] = ()
    """The hashes of forms that are no longer kept, or that had another nonce."""
    signed_block: int = 0
    """The newest block when it was signed with its nonce; it cannot have landed before."""
    is_urgent: bool = False
    """Whether a clock is running."""
    is_once: bool = False
    """Whether the contracts would do it twice. Then it is never signed with another nonce."""
    blob: str = ""
    """The blobs that it publishes, one after the other, if it is of type 3; so are their commitments."""
    commitment: str = ""
    cell_proofs: tuple[str, ...] = ()
    """128 of each blob."""

    def message(self) -> Message:
        """Its message."""
        to = Address(self.to) if self.to else None
        return Message(
            to=to,
            payload=bytes.fromhex(self.payload),
            value_wei=self.value_wei,
            blobs=self._sent_blobs(),
        )

    def _sent_blobs(self) -> tuple[SentBlob, ...]:
        if not self.blob:  # none, or they are not kept any more
            return ()
        blobs = _pieces(bytes.fromhex(self.blob), BLOB_SIZE_BYTES)
        commitments = _pieces(bytes.fromhex(self.commitment), COMMITMENT_SIZE_BYTES)
        proofs = [bytes.fromhex(proof) for proof in self.cell_proofs]
        return tuple(
            SentBlob(
                blob=blob,
                commitment=commitment,
                cell_proofs=proofs[number * CELLS_PER_BLOB : (number + 1) * CELLS_PER_BLOB],
            )
            for number, (blob, commitment) in enumerate(zip(blobs, commitments, strict=True))
        )

    @property
    def is_pending(self) -> bool:
        """Whether its outcome is unknown."""
        return self.outcome is Outcome.PENDING

    @property
    def hashes(self) -> tuple[str, ...]:
        """The hashes of all signed forms, newest first."""
        return (*(attempt.hash for attempt in reversed(self.attempts)), *reversed(self.earlier_hashes))

    def transaction(self) -> Transaction:
        """Its outcome, in the terms of the port."""
        return Transaction(
            intent=self.intent,
            outcome=self.outcome,
            transaction_hash=Bytes32(bytes.fromhex(self.landed_hash or self.attempts[-1].hash)),
            block_number=self.block_number,
            gas_used=self.gas_used,
            gas_price_wei=self.gas_price_wei,
            reason=self.reason,
        )


def _pieces(content: bytes, size_bytes: int) -> list[bytes]:
    return [content[start : start + size_bytes] for start in range(0, len(content), size_bytes)]


_ROWS = RowCodec[Entry](by_name(Entry), unversioned=lambda fields: fields)
"""Release 0.1.0 wrote an entry's fields alone."""


class Journal:
    """Entries by intent, in the store; those that may still change are also in memory. For any thread."""

    def __init__(self, store: Store, account: Address) -> None:
        self._store = store
        self._prefix = f"{account.lower()}/"
        until = f"{account.lower()}0"  # the character after "/"
        rows = store.rows(TABLE, key_from=self._prefix, key_until=until)
        self._live = {entry.intent: entry for entry in (_ROWS.from_row(value) for _, value in rows)}
        self.lock = RLock()
        """Held while a nonce is assigned and written; never while waiting for a node."""

    def entry(self, intent: str) -> Entry | None:
        """The entry of an intent."""
        with self.lock:
            live = self._live.get(intent)
        if live is not None:
            return live
        value = self._store.read(DONE_TABLE, self._prefix + intent)
        return _ROWS.from_row(value) if value is not None else None

    def pending(self) -> list[Entry]:
        """The entries without an outcome, by nonce."""
        return [entry for entry in self.live() if entry.is_pending]

    def landed(self) -> list[Entry]:
        """The entries that a reorganisation may still undo, by nonce."""
        return [entry for entry in self.live() if entry.block_number is not None and not entry.is_pending]

    def live(self) -> list[Entry]:
        """Everything that is in memory, by nonce."""
        with self.lock:
            entries = list(self._live.values())
        return sorted(entries, key=lambda entry: entry.nonce)

    def archived(self) -> Iterator[Entry]:
        """Everything that has left memory, a page at a time."""
        until = f"{self._prefix[:-1]}0"
        rows = each_row(self._store, DONE_TABLE, key_from=self._prefix, key_until=until)
        return (_ROWS.from_row(value) for _, value in rows)

    def add(self, entry: Entry) -> None:
        """Write a new entry. Raises `Unavailable` if that fails; then the entry does not exist."""
        with self.lock:
            self._store.write([self._change(TABLE, entry)])
            self._live[entry.intent] = entry

    def replace(self, old: Entry, new: Entry) -> bool:
        """Write `new`, unless another thread has changed `old` in the meantime."""
        with self.lock:
            if self._live.get(old.intent) != old:
                return False
            self.add(new)
            return True

    def archive(self, entries: Iterable[Entry]) -> None:
        """Remove final entries from memory. They stay in the store, without their signed forms."""
        with self.lock:
            over = [entry for entry in entries if self._live.get(entry.intent) == entry]
            changes = [change for entry in over for change in self._moved(entry)]
            if changes:
                self._store.write(changes)
            for entry in over:
                del self._live[entry.intent]

    def _moved(self, entry: Entry) -> tuple[Change, Change]:
        bare = replace(entry, attempts=tuple(replace(attempt, raw="") for attempt in entry.attempts))
        gone = Change(table=TABLE, key=self._prefix + entry.intent, value=None)
        return gone, self._change(DONE_TABLE, replace(bare, payload="", blob="", cell_proofs=()))

    def _change(self, table: str, entry: Entry) -> Change:
        return Change(table=table, key=self._prefix + entry.intent, value=_ROWS.to_row(entry))


def with_attempt(entry: Entry, attempt: Attempt) -> Entry:
    """The entry with one more signed form; of the oldest forms only the hashes stay."""
    attempts = (*entry.attempts, attempt)
    dropped = tuple(old.hash for old in attempts[:-ATTEMPTS_KEPT])
    return replace(
        entry, attempts=attempts[-ATTEMPTS_KEPT:], earlier_hashes=(*entry.earlier_hashes, *dropped)
    )
