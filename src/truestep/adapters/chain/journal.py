"""The transactions of one account as they are kept: written down before they are sent."""

from dataclasses import asdict, dataclass, replace
from json import dumps, loads

from truestep.adapters.chain.codec import Message
from truestep.base.ids import Address, Bytes32
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.store import Change, Store

TABLE = "transactions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One signed form of a transaction; a later one has the same nonce and higher fees."""

    hash: str
    raw: str
    fee_cap_wei: int
    tip_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One intent: what is sent for it, in how many forms, and what became of it. Bytes are hex."""

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
    gas_used: int = 0
    gas_price_wei: int = 0
    reason: str = ""
    contract: str | None = None
    """The address of the contract it created."""

    def message(self) -> Message:
        """What it carries."""
        to = Address(self.to) if self.to else None
        return Message(to=to, payload=bytes.fromhex(self.payload), value_wei=self.value_wei)

    def transaction(self) -> Transaction:
        """What became of it, as the port says it."""
        return Transaction(
            intent=self.intent,
            outcome=self.outcome,
            transaction_hash=Bytes32(bytes.fromhex(self.landed_hash or self.attempts[-1].hash)),
            block_number=self.block_number,
            gas_used=self.gas_used,
            gas_price_wei=self.gas_price_wei,
            reason=self.reason,
        )


class Journal:
    """Entries by intent, in the store; the pending ones in memory as well."""

    def __init__(self, store: Store, account: Address) -> None:
        self._store = store
        self._prefix = f"{account.lower()}/"
        until = f"{account.lower()}0"  # the character after "/"
        rows = store.rows(TABLE, key_from=self._prefix, key_until=until)
        entries = [_parse(value) for _, value in rows]
        self._pending = {entry.intent: entry for entry in entries if entry.outcome is Outcome.PENDING}

    def entry(self, intent: str) -> Entry | None:
        """The entry of an intent."""
        pending = self._pending.get(intent)
        if pending is not None:
            return pending
        value = self._store.read(TABLE, self._prefix + intent)
        return _parse(value) if value is not None else None

    def pending(self) -> list[Entry]:
        """The entries without an outcome, by nonce."""
        return sorted(self._pending.values(), key=lambda entry: entry.nonce)

    def keep(self, entry: Entry) -> None:
        """Write an entry down."""
        change = Change(table=TABLE, key=self._prefix + entry.intent, value=dumps(asdict(entry)))
        self._store.write([change])
        if entry.outcome is Outcome.PENDING:
            self._pending[entry.intent] = entry
        else:
            self._pending.pop(entry.intent, None)


def with_attempt(entry: Entry, attempt: Attempt) -> Entry:
    """The entry with one more signed form."""
    return replace(entry, attempts=(*entry.attempts, attempt))


def _parse(value: str) -> Entry:
    fields = loads(value)
    fields["attempts"] = tuple(Attempt(**attempt) for attempt in fields["attempts"])
    fields["outcome"] = Outcome(fields["outcome"])
    return Entry(**fields)
