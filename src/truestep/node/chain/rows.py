"""Events as rows of the store: their codec, and the keys by which they are found again."""

from collections.abc import Iterable
from typing import Any, get_args

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32, JobId, ProgramId, TaskId, job_of_task, shard_of_task
from truestep.commitments.keccak import keccak256
from truestep.node.chain.spans import Spans
from truestep.node.chain.task_state import task_of
from truestep.ports.rows import RowCodec, by_name
from truestep.protocol.events import ChainEvent, JobChanged, JobPosted, ProgramRegistered

EVENTS = "events"
"""By what they are about, then by position: whatever a task needs lies together."""
POSITIONS = "positions"
"""Where each event is kept, by its position in the chain."""
CHECKPOINTS = "checkpoints"
"""The hash of a block up to which everything was read, by its number."""
SPANS = "spans"
"""Sets of numbers: known programs, jobs and batches, jobs that are over, finished shards of each job."""

NUMBER_DIGITS = 20
"""Of programs and jobs, which the contracts count from 1."""
SHARD_DIGITS = 10
PREFIX_END = "0"
"""The character after `/`: the end of the keys below a prefix."""
MARK_SIZE_BYTES = 8


def _of_version_1(row: dict[str, Any]) -> dict[str, Any]:
    raise Rejected(
        Reject.STORE_FILE,
        f"a {row.get('kind')} of contracts that no release knows any more: choose another state directory",
    )


_EVENTS: RowCodec[ChainEvent] = RowCodec(by_name(*get_args(ChainEvent)), version=2, upgrades=(_of_version_1,))
_HASHES: RowCodec[Bytes32] = RowCodec({"block_hash": Bytes32})
_SPANS: RowCodec[tuple[tuple[int, int], ...]] = RowCodec({"spans": tuple[tuple[int, int], ...]})


def block_key(number: int) -> str:
    """Orders blocks."""
    return f"{number:012d}"


def position_key(event: ChainEvent) -> str:
    """Orders events as the chain does, and names each once."""
    return f"{block_key(event.at.block_number)}/{event.at.log_index:08d}/{event.at.part:05d}"


def program_prefix(program_id: ProgramId) -> str:
    """Where the event of a program is."""
    return f"program/{program_id:0{NUMBER_DIGITS}d}/"


def job_prefix(job_id: JobId | int) -> str:
    """Where the events of a job are, without those of its tasks."""
    return f"job/{job_id:0{NUMBER_DIGITS}d}/"


def tasks_prefix(job_id: JobId | int) -> str:
    """Where the events of all tasks of a job are."""
    return f"task/{job_id:0{NUMBER_DIGITS}d}/"


def shard_prefix(job_id: JobId | int, shard_index: int) -> str:
    """Where the events of one task, its claims and its games are."""
    return f"{tasks_prefix(job_id)}{shard_index:0{SHARD_DIGITS}d}/"


def prefix_end(prefix: str) -> str:
    """The first key behind all that begin with a prefix."""
    return prefix[:-1] + PREFIX_END


def task_prefix(task_id: TaskId) -> str:
    """Where the events of one task, its claims and its games are."""
    return shard_prefix(job_of_task(task_id), shard_of_task(task_id))


def event_key(event: ChainEvent) -> str:
    """Where an event is kept."""
    if isinstance(event, ProgramRegistered):
        prefix = program_prefix(event.program_id)
    elif isinstance(event, JobPosted | JobChanged):
        prefix = job_prefix(event.job_id)
    else:
        prefix = task_prefix(task_of(event))
    return prefix + position_key(event)


def to_row(event: ChainEvent) -> str:
    """The row of an event. Raises `Bug` for one that `from_row` would refuse."""
    return _EVENTS.to_row(event)


def from_row(row: str) -> ChainEvent:
    """The event of a row. Raises `Rejected` if it is damaged, or of a newer release."""
    return _EVENTS.from_row(row)


def position_row(event: ChainEvent, row: str) -> str:
    """Where the event of a position is kept, and a mark by which another one there is told from it."""
    return f"{event_key(event)} {keccak256(row.encode('ascii'))[:MARK_SIZE_BYTES].hex()}"


def key_of_position(row: str) -> str:
    """Where the event of a position is kept."""
    return row.partition(" ")[0]


def hash_row(block_hash: Bytes32) -> str:
    """The row of a checkpoint."""
    return _HASHES.to_row(block_hash)


def hash_of_row(row: str) -> Bytes32:
    """The hash that a checkpoint has. Raises `Rejected` as `from_row` does."""
    return _HASHES.from_row(row)


def spans_row(spans: Iterable[tuple[int, int]]) -> str:
    """The row of a set of numbers."""
    return _SPANS.to_row(tuple(spans))


def spans_of_row(row: str | None) -> Spans:
    """The set of a row, empty if there is none. Raises `Rejected` as `from_row` does."""
    return Spans(_SPANS.from_row(row) if row is not None else ())
