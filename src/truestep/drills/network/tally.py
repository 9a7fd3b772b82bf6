"""What has become of everything that was planned, by the chain's events."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from truestep.base.ids import (
    Address,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    TaskId,
    job_of_task,
    shard_of_task,
    task_of,
)
from truestep.commitments.merkle import root_of_bytes
from truestep.drills.guest import expected_output
from truestep.drills.network.plan import Plan, PlannedJob
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import RANGE_LEVEL
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import (
    ChainEvent,
    ClaimStruck,
    GameOpened,
    GameRewarded,
    GameSettled,
    JobPosted,
    LeaseExpired,
    TaskClaimed,
    TaskFinalized,
    TaskTaken,
    WindowExtended,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How far a drill is."""

    posted: int
    """Jobs; all else is in tasks."""
    taken: int
    claimed: int
    disputed: int
    struck: int
    final: int

    @property
    def words(self) -> str:
        """For people."""
        return (
            f"{self.posted} posted, {self.taken} taken, {self.claimed} claimed, {self.disputed} disputed,"
            f" {self.struck} struck, {self.final} final"
        )


@dataclass(slots=True)
class Tally:
    """Takes in the events of one drill, in the chain's order."""

    plan: Plan
    jobs: dict[JobId, PlannedJob] = field(default_factory=dict[JobId, PlannedJob])
    takers: dict[TaskId, Address] = field(default_factory=dict[TaskId, Address])
    """Who took each task first."""
    claimed: set[TaskId] = field(default_factory=set[TaskId])
    """Tasks of which there was a claim."""
    standing: dict[TaskId, TaskClaimed] = field(default_factory=dict[TaskId, TaskClaimed])
    """Claims that are neither struck nor final."""
    due: dict[TaskId, int] = field(default_factory=dict[TaskId, int])
    """Until when each of these can be challenged, in the chain's time."""
    final: dict[TaskId, TaskFinalized] = field(default_factory=dict[TaskId, TaskFinalized])
    struck: dict[ClaimId, ClaimStruck] = field(default_factory=dict[ClaimId, ClaimStruck])
    disputed: set[ClaimId] = field(default_factory=set[ClaimId])
    open_games: set[GameId] = field(default_factory=set[GameId])
    rewards: list[GameRewarded] = field(default_factory=list[GameRewarded])
    missed: list[LeaseExpired] = field(default_factory=list[LeaseExpired])

    def __post_init__(self) -> None:
        self._by_seed = {job.seed: job for job in self.plan.jobs}
        self._roots: dict[TaskId, Bytes32] = {}

    _by_seed: dict[Bytes32, PlannedJob] = field(init=False)
    _roots: dict[TaskId, Bytes32] = field(init=False)

    @property
    def counts(self) -> Counts:
        """How far it is."""
        return Counts(
            posted=len(self.jobs),
            taken=len(self.takers),
            claimed=len(self.claimed),
            disputed=len(self.disputed),
            struck=len(self.struck),
            final=len(self.final),
        )

    def take_in(self, events: Iterable[ChainEvent]) -> None:
        """What has happened."""
        for event in events:
            self._take_in(event)

    def _take_in(self, event: ChainEvent) -> None:
        match event:
            case JobPosted() if event.seed in self._by_seed:
                self.jobs[event.job_id] = self._by_seed[event.seed]
            case TaskTaken():
                self.takers.setdefault(event.task_id, event.operator)
            case TaskClaimed():
                self.claimed.add(event.task_id)
                self.standing[event.task_id], self.due[event.task_id] = event, event.until
            case WindowExtended():
                self.due[event.task_id] = event.until
            case ClaimStruck():
                self.struck[event.claim_id] = event
                self._fall(event.task_id)
            case TaskFinalized():
                self.final[event.task_id] = event
                self._fall(event.task_id)
            case LeaseExpired():
                self.missed.append(event)
            case GameOpened():
                self.disputed.add(event.claim_id)
                self.open_games.add(event.game_id)
            case GameSettled():
                self.open_games.discard(event.game_id)
            case GameRewarded():
                self.rewards.append(event)
            case _:
                return

    def _fall(self, task_id: TaskId) -> None:
        self.standing.pop(task_id, None)
        self.due.pop(task_id, None)

    # --- what is true ---------------------------------------------------------------------------------

    def is_right(self, task_id: TaskId, claimed: ClaimedState) -> bool:
        """Whether a state has the output that an honest run writes."""
        root = self._roots.get(task_id)
        if root is None:
            output = self.expected(task_id)
            root = self._roots[task_id] = root_of_bytes(output, RANGE_LEVEL, hash_many_pairs)
        return claimed.is_accepted and claimed.output_root == root

    def expected(self, task_id: TaskId) -> bytes:
        """What an honest run of a task writes."""
        return expected_output(shard_of_task(task_id), self.job_of(task_id).content)

    def job_of(self, task_id: TaskId) -> PlannedJob:
        """The job of a task, as it was planned."""
        return self.jobs[job_of_task(task_id)]

    def false_standing(self) -> list[TaskId]:
        """Tasks of which a false claim stands."""
        return [
            task_id for task_id, claim in self.standing.items() if not self.is_right(task_id, claim.claimed)
        ]

    def false_final(self) -> list[TaskId]:
        """Tasks whose final result is false."""
        return [task_id for task_id, each in self.final.items() if not self.is_right(task_id, each.claimed)]

    def lied_about(self) -> list[TaskId]:
        """The tasks of posted jobs that are to be lied about."""
        return [
            task_of(job_id, job.lie.shard_index) for job_id, job in self.jobs.items() if job.lie is not None
        ]

    # --- what is left to do ---------------------------------------------------------------------------

    def is_all_claimed(self) -> bool:
        """Whether all is posted, and every task has a standing claim or a result."""
        return len(self.jobs) == len(self.plan.jobs) and (
            len(self.standing) + len(self.final) == self.plan.task_count
        )

    def unrewarded(self) -> set[ClaimId]:
        """Struck claims whose challenger has not got its part yet."""
        return set(self.struck) - {each.claim_id for each in self.rewards}

    def is_over(self) -> bool:
        """Whether every task is final, and everybody is paid."""
        return len(self.final) == self.plan.task_count and not self.open_games and not self.unrewarded()
