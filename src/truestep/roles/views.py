"""What a role knows when it decides: the chain, its own results, and the work in progress."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from truestep.base.ids import Address, Bytes32, ClaimId
from truestep.base.records import nothing, record
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import (
    GameRecord,
    JobRecord,
    ProgramRecord,
    TaskRecord,
    TaskStage,
)
from truestep.protocol.settlement.tasks.duties import Duty

Disputed = tuple[ClaimId, Bytes32]
"""A claim and the hash of what it claims: after a reorganisation its id may be that of another one."""


class MaterialStage(StrEnum):
    """Whether a task's program and input are here."""

    MISSING = "missing"
    FETCHING = "fetching"
    READY = "ready"
    UNREACHABLE = "unreachable"
    WRONG = "wrong"


@record
class Material:
    """A task's program and input. `message` says what is wrong with them."""

    stage: MaterialStage
    message: str = ""
    code_bytes: int = 0
    """The size of the program's code, known once it is here."""


@record
class OwnRun:
    """The journaled end of one's own run: what to claim, and the packed state if it did not halt."""

    claimed: ClaimedState
    running_state: bytes = b""
    seconds: float = field(default=0.0, compare=False)
    """The measured duration of the run on this node. It is not compared: runs are equal at any speed."""


@record
class Reveal:
    """How a float instruction's micro-run ends, and the packed state after the instruction (S11.10)."""

    after: bytes
    cycles: int
    memory_root: Bytes32


@record
class GameView:
    """A game in which this account has a part."""

    record: GameRecord


@record
class ClaimView:
    """A claim that is not settled yet. `games` are those in which this account has a part."""

    claim_id: ClaimId
    operator: Address
    claimed: ClaimedState
    open_game_count: int
    games: tuple[GameView, ...] = ()
    is_malformed: bool = False
    """Whether it is false by its shape; then `claimed` says nothing (S5.4)."""
    has_batch_ended: bool = False
    """Whether only games keep it open: its batch is final, so it cannot be challenged or refuted."""
    is_proven: bool = False
    """Whether it was proven: games from before are over, others may begin (docs/validity.md V5.1)."""


@record
class TaskView:
    """A task, with all that this node knows of its run."""

    program: ProgramRecord
    job: JobRecord
    task: TaskRecord
    claims: tuple[ClaimView, ...] = ()
    material: Material = Material(stage=MaterialStage.MISSING)
    own_run: OwnRun | None = None
    hashes: Mapping[int, Bytes32] = field(default_factory=nothing)
    """State hashes of this node's run, by state number (machine M9.6)."""
    witnesses: Mapping[int, bytes] = field(default_factory=nothing)
    """Witnesses of the steps from states with these numbers."""
    reveals: Mapping[int, Reveal] = field(default_factory=nothing)
    """Reveals, by the number of the micro-run's first state."""
    halted_state: bytes = b""
    """The packed final state of this node's run, if one of the known hashes is that of a halted state."""
    run: str = ""
    """Names the run: tasks with the same program, input, seed and shard share it."""
    is_computing: bool = False
    run_failure: str = ""
    """Why the last work on this task failed for good."""
    slowness: str = ""
    """Why this node should not run the program again: it outlasted a lease."""
    distrust: str = ""
    """Why this node must not claim anything about the program: a self-check failed."""
    is_data_gone: bool = False
    """Whether an item of its program or input is lost or false: then its claims fall (A5.5)."""
    output_bytes: int | None = None
    """The largest output of the same program and input that this node has seen."""
    is_proven: bool = False
    """Whether a run of the program has ended on this node, and none has failed."""
    left_until: int = 0
    """Until then an open task is left to other workers, after races for such tasks were lost."""

    def is_standing(self, claim: ClaimView) -> bool:
        """Whether the claim is the task's present one, neither struck nor final."""
        return self.task.stage is TaskStage.CLAIMED and self.task.claim_id == claim.claim_id


@record
class Pace:
    """How quickly a node checks claims. The defaults are guesses for a node that has yet to check one."""

    start_seconds: float = 0.25
    """The time of a check that does not depend on its steps."""
    cycles_per_second: float = 50e6
    at_once: int = 1

    def seconds(self, cycles: int) -> float:
        """What one check of so many steps takes."""
        return self.start_seconds + cycles / self.cycles_per_second


@record
class KeepingView:
    """What a worker must know of keepers before it takes a job whose outputs they are to keep."""

    policy: int
    """The number of the policy *kept*."""
    rules: Rules
    keeper_count: int
    undelivered_count: int
    """Batches of this operator under that policy whose outputs are not kept yet."""


@record
class View:
    """Everything that a role needs to decide. Times in seconds since the epoch, as the chain counts them."""

    now: int
    account: Address
    """Who sends, and pays gas."""
    operator: Address
    """Whose stake and claims these are: the account, unless it is a delegate."""
    wallet_wei: int
    free_stake_wei: int
    """What may be locked for tasks now."""
    rewards_wei: int
    winnings_wei: int
    tasks: tuple[TaskView, ...]
    in_flight: frozenset[str] = frozenset()
    """Intents that were sent and have no outcome yet."""
    capped_wei: int = 0
    """Stake that no bond locks and that is beyond the operator's cap (operators O3)."""
    stopped_until: int = 0
    """Until then the guardian keeps batches from ending, and claims open to challenges (S6.1)."""
    struck_count: int = 0
    """Claims of this account that were proved false."""
    has_room: bool = True
    """Whether another run could be started now."""
    pace: Pace = Pace()
    tokens: Mapping[Address, int] = field(default_factory=nothing)
    """What Jobs owes the account in tokens."""
    owed_for_data: Mapping[str, int] = field(default_factory=nothing)
    """What the contracts of availability owe the account, by their names."""
    keeping: KeepingView | None = None
    """None if the network keeps no data."""
    duties: tuple[Duty, ...] = ()
    """What is left to do besides moves, for anybody, and what this account alone can show."""
    failed_count: int = 0
    """Claims of this account that have lost coins because their outputs were not kept."""
    commitments: Mapping[Disputed, Bytes32] = field(default_factory=nothing)
    """The state hash that each `OpenGame` of this account has committed to."""
    agreed: frozenset[ClaimId] = frozenset()
    """The claims that fail because data is gone, and that this node has found to be true."""
