"""One task as its events tell it: what is left of them is all that a node needs to know."""

from dataclasses import dataclass, field, replace

from truestep.base.ids import (
    Address,
    BatchId,
    ClaimId,
    GameId,
    TaskId,
    batch_of_claim,
    claim_of_game,
    task_of_claim,
    task_of_game,
)
from truestep.protocol import events
from truestep.protocol.calls import NOBODY
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import TaskRecord, TaskStage


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGame:
    """A game that was opened and not settled, and who plays it."""

    game_id: GameId
    operator: Address
    """Its defender: the operator, or a sponsor that has adopted it."""
    challenger: Address

    @property
    def claim_id(self) -> ClaimId:
        """The claim that it disputes."""
        return claim_of_game(self.game_id)


@dataclass(slots=True)
class TaskState:
    """Filled by `apply`, event by event in the chain's order."""

    record: TaskRecord
    claims: dict[ClaimId, events.TaskClaimed] = field(default_factory=dict[ClaimId, events.TaskClaimed])
    """Those that stand, or have games."""
    games: dict[GameId, OpenGame] = field(default_factory=dict[GameId, OpenGame])
    struck: dict[ClaimId, Address] = field(default_factory=dict[ClaimId, Address])
    """Claims that were proved false, and whose they were."""
    failed: dict[ClaimId, Address] = field(default_factory=dict[ClaimId, Address])
    """Claims that have lost coins because their outputs were not kept."""
    newest: LogPosition | None = None

    @property
    def is_finished(self) -> bool:
        """Whether nothing can happen to the task any more."""
        return not self.games and self.record.stage in (TaskStage.FINAL, TaskStage.REFUNDED)

    @property
    def is_busy(self) -> bool:
        """Whether somebody has taken or claimed the task."""
        return self.record.stage in (TaskStage.TAKEN, TaskStage.CLAIMED)

    def games_on(self, claim_id: ClaimId) -> list[OpenGame]:
        """The games on one claim that were not settled."""
        return [game for game in self.games.values() if game.claim_id == claim_id]

    def claims_in_question(self) -> list[events.TaskClaimed]:
        """The standing claim, and any other with a game that was not settled."""
        return [claim for claim in self.claims.values() if self._is_in_question(claim.claim_id)]

    def apply(self, event: ChainEvent) -> None:
        """Take in one event about this task, its claims or its games."""
        self.newest = event.at
        match event:
            case events.TaskTaken():
                self._change(TaskStage.TAKEN, event.operator, event.until, event.batch_id)
            case events.TaskClaimed():
                self.claims[event.claim_id] = event
                batch_id = batch_of_claim(event.claim_id)
                self._change(TaskStage.CLAIMED, event.operator, event.until, batch_id)
            case events.WindowExtended() if self.record.claim_id == event.claim_id:
                self.record = replace(self.record, until=max(event.until, self.record.until))
            case events.LeaseExpired():
                self._change(TaskStage.OPEN, NOBODY, 0)
            case events.ClaimStruck():
                self.struck[event.claim_id] = event.operator
                self._change(TaskStage.OPEN, NOBODY, 0)
            case events.ClaimFailed():
                operator = self.struck.pop(event.claim_id, NOBODY)
                if event.is_seized and operator != NOBODY:
                    self.failed[event.claim_id] = operator
            case events.TaskFinalized():
                self._change(TaskStage.FINAL, event.operator, 0, batch_of_claim(event.claim_id))
            case events.TaskReclaimed():
                self._change(TaskStage.REFUNDED, self.record.operator, 0)
            case _:
                self._apply_to_game(event)
        self._drop_old_claims()

    def adopt(self, record: TaskRecord) -> None:
        """Take the task as a contract has it; what it claims, no contract says."""
        self.record = record
        self._drop_old_claims()

    def adopt_game(self, game_id: GameId, operator: Address) -> None:
        """Take a game's defender as the game's record has it."""
        self.games[game_id] = replace(self.games[game_id], operator=operator)

    def drop_game(self, game_id: GameId) -> None:
        """Forget a game."""
        self.games.pop(game_id, None)
        self._drop_old_claims()

    def _drop_old_claims(self) -> None:
        for claim_id in [claim for claim in self.claims if not self._is_in_question(claim)]:
            del self.claims[claim_id]

    def _apply_to_game(self, event: ChainEvent) -> None:
        match event:
            case events.GameOpened():
                self.games[event.game_id] = OpenGame(
                    game_id=event.game_id, operator=event.operator, challenger=event.challenger
                )
            case events.GameAdopted() if event.game_id in self.games:
                self.adopt_game(event.game_id, event.sponsor)
            case events.GameSettled():
                self.drop_game(event.game_id)
            case _:
                pass

    def _is_in_question(self, claim_id: ClaimId) -> bool:
        is_standing = self.record.stage is TaskStage.CLAIMED and self.record.claim_id == claim_id
        return is_standing or any(game.claim_id == claim_id for game in self.games.values())

    def _change(
        self, stage: TaskStage, operator: Address, until: int, batch_id: BatchId | None = None
    ) -> None:
        batch_id = self.record.batch_id if batch_id is None else batch_id
        self.record = replace(self.record, stage=stage, operator=operator, until=until, batch_id=batch_id)


def untouched(task_id: TaskId) -> TaskState:
    """A task that nobody has taken yet."""
    return TaskState(
        TaskRecord(task_id=task_id, stage=TaskStage.OPEN, batch_id=BatchId(0), operator=NOBODY, until=0)
    )


TaskEvent = (
    events.TaskTaken
    | events.TaskClaimed
    | events.WindowExtended
    | events.LeaseExpired
    | events.ClaimStruck
    | events.ClaimFailed
    | events.TaskFinalized
    | events.TaskReclaimed
    | events.ClaimRefuted
    | events.GameOpened
    | events.GameSplit
    | events.GamePicked
    | events.GameStepped
    | events.GameDescended
    | events.GameRevealed
    | events.GameAdopted
    | events.GameSettled
    | events.GameRewarded
)
"""About one task, its claims or its games."""


def task_of(event: TaskEvent) -> TaskId:
    """The task that an event is about."""
    match event:
        case events.ClaimRefuted():
            return task_of_claim(event.claim_id)
        case (
            events.TaskTaken()
            | events.TaskClaimed()
            | events.WindowExtended()
            | events.LeaseExpired()
            | events.ClaimStruck()
            | events.ClaimFailed()
            | events.TaskFinalized()
            | events.TaskReclaimed()
        ):
            return event.task_id
        case _:
            return task_of_game(event.game_id)


def task_of_event(event: ChainEvent) -> TaskId | None:
    """The task that an event changes; None for programs and jobs, and for what only gives coins away."""
    match event:
        case events.ProgramRegistered() | events.JobPosted() | events.JobChanged():
            return None
        case events.GameRewarded() | events.ClaimRefuted():
            return None
        case _:
            return task_of(event)
