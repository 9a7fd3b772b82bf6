"""The contracts' records of programs, jobs, tasks and games, as values (docs/protocol.md P1, P7)."""

from dataclasses import dataclass
from enum import IntEnum

from truestep.base.ids import Address, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId, claim_of
from truestep.machine.program import initial_memory_root
from truestep.machine.state import initial_state


class TaskStage(IntEnum):
    """The stage of a task (P2)."""

    OPEN = 0
    TAKEN = 1
    CLAIMED = 2
    FINAL = 3
    REFUNDED = 4


class GameStage(IntEnum):
    """The stage of a game: whose move it is, or how it ended (P4, P5)."""

    NONE = 0
    OPERATOR_TURN = 1
    CHALLENGER_TURN = 2
    STEP_DUE = 3
    OPERATOR_WON = 4
    CHALLENGER_WON = 5
    CLOSED = 6
    REVEAL_DUE = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRecord:
    """A registered program. `uri` says where its ELF file is."""

    program_id: ProgramId
    image_root: Bytes32
    entry: int
    max_cycles: int
    digest: Bytes32
    owner: Address
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A posted job. `input_uri` says where its input is."""

    job_id: JobId
    program_id: ProgramId
    input_root: Bytes32
    input_size: int
    input_uri: str
    seed: Bytes32
    shard_count: int
    reward_wei: int
    lease_seconds: int
    deadline: int
    max_cycles: int
    requester: Address
    final_count: int

    def header(self, shard_index: int) -> bytes:
        """The task header of one shard, 64 bytes (machine M3.5)."""
        counts = (self.input_size, shard_index, self.shard_count, 0)
        return self.seed + b"".join(count.to_bytes(8, "little") for count in counts)

    def initial_state_hash(self, program: ProgramRecord, shard_index: int) -> Bytes32:
        """The hash of a run's first state, as the chain computes it (P4.2)."""
        root = initial_memory_root(program.image_root, self.header(shard_index), self.input_root)
        return initial_state(memory_root=root, entry=program.entry).hash()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """A task on the chain. `until` is the end of the lease (TAKEN) or of the window (CLAIMED)."""

    task_id: TaskId
    stage: TaskStage
    attempt: int
    operator: Address
    until: int
    claim_hash: Bytes32

    @property
    def claim_id(self) -> ClaimId:
        """The id of the current attempt's claim."""
        return claim_of(self.task_id, self.attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class GameRecord:
    """A game on the chain. The clocks show the time that was left at `moved_at`.

    At REVEAL_DUE `low` is already in a micro-run and `high` is not: they form no interval until the reveal.
    """

    game_id: GameId
    stage: GameStage
    operator: Address
    challenger: Address
    low: int
    high: int
    low_hash: Bytes32
    high_hash: Bytes32
    split_root: Bytes32
    operator_clock_seconds: int
    challenger_clock_seconds: int
    moved_at: int
    rounds: int

    def clock_runs_out_at(self) -> int | None:
        """The time at which the side to move loses, in seconds since the epoch; None if no clock runs."""
        if self.stage in (GameStage.OPERATOR_TURN, GameStage.REVEAL_DUE):
            return self.moved_at + self.operator_clock_seconds
        if self.stage in (GameStage.CHALLENGER_TURN, GameStage.STEP_DUE):
            return self.moved_at + self.challenger_clock_seconds
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """The rules of one deployment (P6.2)."""

    operator_bond_wei: int
    challenger_bond_wei: int
    window_seconds: int
    clock_seconds: int
    lease_penalty_bps: int
    winner_share_bps: int
    gas_price_cap_wei: int
    arity: int
