"""What a log holds: records of what an operator has done, in one way to write each (docs/logs.md L7)."""

import json
import re
from dataclasses import dataclass, fields
from typing import Any, ClassVar, cast

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32, JobId
from truestep.protocol.logs.tiles import ENTRY_LIMIT_BYTES
from truestep.protocol.settlement.records import Leaf

ENTRY_VERSION = 1
_NUMBER_LIMIT = 2**256
_WORD_LIMIT = 2**64
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}", re.ASCII)
TEXT_LIMIT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOpened:
    """The first entry of a log: whose it is, in which network, and from when on it is complete."""

    KIND: ClassVar[str] = "opened"

    chain_id: int
    jobs: Address
    operator: Address
    account: Address
    """That claims for the operator: of several, each has a log of its own."""
    batch_count: int
    """Of the network at that time. What the account claimed of earlier batches is not in the log."""
    software: str
    logged_at: int
    """When, by the clock of the operator, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimEntry:
    """A claim that is about to be sent (S4.3): of which task, and everything that it says."""

    KIND: ClassVar[str] = "claim"

    batch_id: int
    leaf_index: int
    job_id: JobId
    shard_index: int
    image_root: Bytes32
    entry: int
    max_cycles: int
    input_root: Bytes32
    input_size: int
    seed: Bytes32
    shard_count: int
    status: int
    code: int
    cycle: int
    output_size: int
    output_root: Bytes32
    """Of a run that was cut off: the hash of its state (S5.3)."""
    left_root: Bytes32
    state_hash: Bytes32
    machine: int
    """The version of the machine that the task was run on."""
    logged_at: int

    @property
    def leaf(self) -> Leaf:
        """What the chain must have of the claim."""
        head = self.status << 192 | self.code << 128 | self.cycle << 64 | self.output_size
        return Leaf(head=head, output_root=self.output_root, left_root=self.left_root)

    @property
    def place(self) -> tuple[int, int]:
        """The batch, and the leaf in it."""
        return self.batch_id, self.leaf_index


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What the operator is about to show in an audit (U4.3): its run of the claim had these checkpoints.

    To show them is to confirm the claim: who finds another result disputes it.
    """

    KIND: ClassVar[str] = "audit"

    batch_id: int
    leaf_index: int
    seat: int
    """0: of its own claim; 1, 2: as an auditor."""
    digest: Bytes32
    """Of the checkpoints."""
    logged_at: int

    @property
    def word(self) -> tuple[int, int, int, Bytes32]:
        """What the chain must have of it."""
        return self.batch_id, self.leaf_index, self.seat, self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedEntry:
    """Data that the operator is about to delete of its own accord (docs/privacy.md)."""

    KIND: ClassVar[str] = "deleted"

    what: str
    """`output`: of a task that was run here."""
    root: Bytes32
    size: int
    """In bytes."""
    reason: str
    logged_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherEntry:
    """A record of a kind or version that this release does not know."""

    kind: str
    version: int


Entry = LogOpened | ClaimEntry | AuditEntry | DeletedEntry
_FORMS = (LogOpened, ClaimEntry, AuditEntry, DeletedEntry)
_KINDS: dict[str, type[Entry]] = {kind.KIND: kind for kind in _FORMS}


def entry_bytes(entry: Entry) -> bytes:
    """The entry as the log holds it."""
    said = {"kind": entry.KIND, "version": ENTRY_VERSION}
    content = _json(said | {each.name: _written(getattr(entry, each.name)) for each in fields(entry)})
    if len(content) > ENTRY_LIMIT_BYTES:
        raise Rejected(
            Reject.LOG_ENTRY, f"expected at most {ENTRY_LIMIT_BYTES:,} bytes, got {len(content):,}"
        )
    return content


def parse_entry(content: bytes) -> Entry | OtherEntry:
    """Read an entry. Raises `Rejected` if it is no record, or is not written in the one way there is."""
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    if not isinstance(said, dict):
        raise _malformed("expected an object")
    values = cast(dict[str, Any], said)
    kind, version = values.pop("kind", None), values.pop("version", None)
    is_version = type(version) is int and 0 <= version < _WORD_LIMIT
    if not isinstance(kind, str) or not _NAME.fullmatch(kind) or not is_version:
        raise _malformed("expected a kind and a version")
    form = _KINDS.get(kind)
    if form is None or version != ENTRY_VERSION:
        return OtherEntry(kind=kind, version=cast(int, version))
    names = [each.name for each in fields(form)]
    if list(values) != names:
        raise _malformed(f"expected the fields {', '.join(names)}")
    read = {each.name: _read(each.name, each.type, values[each.name]) for each in fields(form)}
    entry = form(**read)
    if entry_bytes(entry) != content:
        raise _malformed("it is not written in the one way there is")
    return entry


def _json(said: dict[str, Any]) -> bytes:
    return json.dumps(said, separators=(",", ":"), ensure_ascii=True).encode()


def _written(value: Any) -> Any:
    return f"0x{value.hex()}" if isinstance(value, bytes) else value


def _read(name: str, form: Any, value: Any) -> Any:
    """A field's value by its type."""
    if form is Bytes32:
        if isinstance(value, str) and _HASH.fullmatch(value):
            return Bytes32(bytes.fromhex(value[2:]))
    elif form is Address:
        if isinstance(value, str) and _ADDRESS.fullmatch(value):
            return Address(value)
    elif form is str:
        if isinstance(value, str) and len(value) <= TEXT_LIMIT:
            return value
    elif type(value) is int and 0 <= value < (_NUMBER_LIMIT if name.endswith("_id") else _WORD_LIMIT):
        return value
    raise _malformed(f"{name} has no value of its kind")


def _malformed(why: str) -> Rejected:
    return Rejected(Reject.LOG_ENTRY, why)
