"""Programs, jobs, tasks and games as nodes and clients see them (docs/protocol.md S1, S4, S6)."""

from enum import IntEnum
from fractions import Fraction
from functools import lru_cache

from truestep.base.ids import (
    Address,
    BatchId,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    claim_of,
)
from truestep.base.records import record
from truestep.machine.program import initial_memory_root
from truestep.machine.state import initial_state


class TaskStage(IntEnum):
    """The stage of a task (S4)."""

    OPEN = 0
    TAKEN = 1
    CLAIMED = 2
    FINAL = 3
    REFUNDED = 4


class GameStage(IntEnum):
    """The stage of a game: whose move it is, or what `settle` would make of it (S6, S7)."""

    OPERATOR_TURN = 1
    """The defender has to split: the operator, or the sponsor that has adopted the game."""
    CHALLENGER_TURN = 2
    STEP_DUE = 3
    OPERATOR_WON = 4
    """The challenger's clock has run out: anybody can settle."""
    CHALLENGER_WON = 5
    """The defender's clock has run out, and the time of sponsors: anybody can settle."""
    CLOSED = 6
    """Settled."""
    REVEAL_DUE = 7
    CLAIM_FELL = 8
    """Another game has struck the claim: anybody can settle, and the bond comes back."""


SHARES_KEPT = 2**8
"""Most jobs have the same terms, and a worker asks at each look how much they lock."""


@record
class ProgramRecord:
    """A registered program. `uri` says where its ELF file is."""

    program_id: ProgramId
    image_root: Bytes32
    entry: int
    max_cycles: int
    digest: Bytes32
    owner: Address
    uri: str


@record
class Parameters:
    """The rules of one job: its set of parameters, with the job's own window and bond (S2.1, S3.1)."""

    operator_bond_wei: int
    """Of each task, the job's multiple of the set's bond."""
    challenger_bond_wei: int
    """Of the first games on a claim; it grows with their number (S6.2)."""
    window_seconds: int
    clock_seconds: int
    rescue_seconds: int
    lease_penalty_bps: int
    release_penalty_bps: int
    winner_share_bps: int
    gas_price_cap_wei: int
    arity: int
    parameters_id: int = 1
    """The number of its set. All tasks of a batch have the same (S1.5)."""
    bond_multiple: int = 1
    """Of the set's bond: what a requester may ask of each task, and need not pay for."""
    least_window_seconds: int = 0
    """The shortest that its requester could have asked for (S2.3); 0 if the window is that short."""

    @property
    def lock_multiple(self) -> Fraction:
        """How many times as much a task locks, by bond and window, as the least that it could."""
        least_seconds = self.least_window_seconds or self.window_seconds
        return _share(self.bond_multiple * self.window_seconds, least_seconds)


@lru_cache(maxsize=SHARES_KEPT)
def _share(part: int, whole: int) -> Fraction:
    return Fraction(part, whole)


@record
class JobRecord:
    """A posted job. `input_uri` says where its input is."""

    job_id: JobId
    program_id: ProgramId
    input_root: Bytes32
    input_size: int
    input_uri: str
    seed: Bytes32
    shard_count: int
    reward: int
    """For each shard, in units of the asset; of native coins, in wei."""
    asset: Address
    """A token, or the zero address for native coins."""
    lease_seconds: int
    deadline: int
    max_cycles: int
    requester: Address
    policy: int
    """Of assurance (S8)."""
    parameters: Parameters
    reducer_of: JobId | None = None
    slot_level: int = 0
    """Of a reducer: 2^level leaves of its input hold one output."""
    is_ready: bool = True
    """Whether its input is known: a reducer's is not before the outputs are in."""

    def header(self, shard_index: int) -> bytes:
        """The task header of one shard, 64 bytes (machine M3.5)."""
        counts = (self.input_size, shard_index, self.shard_count, 0)
        return self.seed + b"".join(count.to_bytes(8, "little") for count in counts)

    def initial_state_hash(self, program: ProgramRecord, shard_index: int) -> Bytes32:
        """The hash of a run's first state, as the chain computes it (S5.2)."""
        root = initial_memory_root(program.image_root, self.header(shard_index), self.input_root)
        return initial_state(memory_root=root, entry=program.entry).hash()


@record
class TaskRecord:
    """A task on the chain. `until` is the end of the lease (TAKEN) or of the window (CLAIMED)."""

    task_id: TaskId
    stage: TaskStage
    batch_id: BatchId
    """The batch that has it, or the last one that had it; 0 if nobody took it yet."""
    operator: Address
    until: int

    @property
    def claim_id(self) -> ClaimId:
        """What that batch claims of the task."""
        return claim_of(self.task_id, self.batch_id)


@record
class GameRecord:
    """A game as it stands at some second, which decides the stage when a clock has run out.

    At REVEAL_DUE `low` is already in a micro-run and `high` is not: they form no interval until the reveal.
    """

    game_id: GameId
    stage: GameStage
    operator: Address
    """Its defender: the operator, or a sponsor."""
    challenger: Address
    low: int
    high: int
    low_hash: Bytes32
    high_hash: Bytes32
    arity: int
    split_hashes: tuple[Bytes32, ...]
    """The defender's hashes inside the interval, once it has split."""
    last_second: int
    """In which whoever is to move can do so."""
    rescue_end: int | None = None
    """The last second in which a sponsor can adopt the game, which its operator has lost on time."""

    def clock_runs_out_at(self) -> int | None:
        """The last second of the side to move, since the epoch; None if no clock runs."""
        turns = (
            GameStage.OPERATOR_TURN,
            GameStage.CHALLENGER_TURN,
            GameStage.STEP_DUE,
            GameStage.REVEAL_DUE,
        )
        return self.last_second if self.stage in turns else None
