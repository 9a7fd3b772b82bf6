"""What happens to programs, jobs, tasks, claims and games, as values. Amounts in wei.

An event of a contract may be about a whole batch: `protocol.settlement.tasks` tells one event for each task.
"""

from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import GameStage, Parameters


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LogPosition:
    """The position of an event in the chain, ordered as the chain is."""

    block_number: int
    log_index: int
    part: int = 0
    """Which of the events that one log stands for."""
    transaction_hash: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRegistered:
    """A program was registered."""

    at: LogPosition
    program_id: ProgramId
    owner: Address
    image_root: Bytes32
    entry: int
    max_cycles: int
    digest: Bytes32
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPosted:
    """A job was posted."""

    at: LogPosition
    job_id: JobId
    program_id: ProgramId
    requester: Address
    input_root: Bytes32
    input_size: int
    input_uri: str
    seed: Bytes32
    shard_count: int
    max_cycles: int
    reward: int
    asset: Address
    lease_seconds: int
    deadline: int
    policy: int
    parameters: Parameters
    reducer_of: JobId | None
    slot_level: int = 0
    is_ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobChanged:
    """A job was topped up, closed, or given its input."""

    at: LogPosition
    job_id: JobId
    reward: int
    deadline: int
    input_root: Bytes32
    input_size: int
    is_ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTaken:
    """An operator took the task; its lease ends at `until`."""

    at: LogPosition
    task_id: TaskId
    operator: Address
    batch_id: BatchId
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskClaimed:
    """An operator claimed a final state; its challenge window ends at `until`."""

    at: LogPosition
    task_id: TaskId
    operator: Address
    claim_id: ClaimId
    until: int
    claimed: ClaimedState
    is_malformed: bool = False
    """Whether it is false by its shape, so that anybody can refute it (S5.4); then the state says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowExtended:
    """Somebody waits for data of the claim's batch, so games may be opened on it until then (A5.4)."""

    at: LogPosition
    task_id: TaskId
    claim_id: ClaimId
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseExpired:
    """An operator missed its lease, or gave it back, and lost part of its bond."""

    at: LogPosition
    task_id: TaskId
    operator: Address
    penalty_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimStruck:
    """A claim was proved false; the task is open again."""

    at: LogPosition
    task_id: TaskId
    operator: Address
    claim_id: ClaimId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFailed:
    """A claim that was just struck was not proved false: data that it depends on is gone (A5.5)."""

    at: LogPosition
    task_id: TaskId
    claim_id: ClaimId
    is_seized: bool
    """Whether its operator loses coins, because outputs were not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFinalized:
    """A claim is final and paid."""

    at: LogPosition
    task_id: TaskId
    operator: Address
    claim_id: ClaimId
    claimed: ClaimedState
    is_accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReclaimed:
    """A task that nobody had taken was cancelled; its reward went back to the requester."""

    at: LogPosition
    task_id: TaskId
    requester: Address
    amount_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GameOpened:
    """A challenger disputes a claim."""

    at: LogPosition
    game_id: GameId
    claim_id: ClaimId
    challenger: Address
    operator: Address
    high: int
    low_hash: Bytes32
    high_hash: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class GameSplit:
    """The defender split [low, high] and stated the inner hashes."""

    at: LogPosition
    game_id: GameId
    low: int
    high: int
    hashes: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GamePicked:
    """The challenger picked a part; [low, high] is now the interval."""

    at: LogPosition
    game_id: GameId
    low: int
    high: int
    low_hash: Bytes32
    high_hash: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class GameStepped:
    """The chain executed one instruction: `after` is its result, `expected` is what was claimed."""

    at: LogPosition
    game_id: GameId
    before: Bytes32
    after: Bytes32
    expected: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class GameDescended:
    """The game went on in the micro-run of a float instruction, which begins at state number `low`."""

    at: LogPosition
    game_id: GameId
    low: int
    micro_start: Bytes32
    template: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class GameRevealed:
    """The defender revealed the end of the micro-run; [low, high] is now the interval."""

    at: LogPosition
    game_id: GameId
    low: int
    high: int
    high_hash: Bytes32


@dataclass(frozen=True, slots=True, kw_only=True)
class GameAdopted:
    """A sponsor defends the game now."""

    at: LogPosition
    game_id: GameId
    sponsor: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class GameSettled:
    """A game was paid out."""

    at: LogPosition
    game_id: GameId
    claim_id: ClaimId
    stage: GameStage
    operator_wei: int
    challenger_wei: int
    burned_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GameRewarded:
    """A winner got its part of what a struck claim lost."""

    at: LogPosition
    game_id: GameId
    claim_id: ClaimId
    challenger: Address
    amount_wei: int
    burned_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRefuted:
    """Somebody showed that a claim was false by itself, without a game, and got this for it."""

    at: LogPosition
    claim_id: ClaimId
    caller: Address
    amount_wei: int
    burned_wei: int


ChainEvent = (
    ProgramRegistered
    | JobPosted
    | JobChanged
    | TaskTaken
    | TaskClaimed
    | WindowExtended
    | LeaseExpired
    | ClaimStruck
    | ClaimFailed
    | TaskFinalized
    | TaskReclaimed
    | GameOpened
    | GameSplit
    | GamePicked
    | GameStepped
    | GameDescended
    | GameRevealed
    | GameAdopted
    | GameSettled
    | GameRewarded
    | ClaimRefuted
)
