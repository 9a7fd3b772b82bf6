"""One task as its events tell it: what is left of them is all that a node needs to know."""

from dataclasses import dataclass, field, replace

from truestep.base.ids import (
    PART_MASK,
    Address,
    ClaimId,
    GameId,
    TaskId,
    claim_of_game,
    task_of_game,
)
from truestep.protocol import events
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import TaskRecord, TaskStage

NOBODY = Address("0x" + "0" * 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGame:
    """A game that was opened and not settled, and who plays it."""

    game_id: GameId
    operator: Address
    challenger: Address

    @property
    def claim_id(self) -> ClaimId:
        """The claim that it disputes."""
        return claim_of_game(self.game_id)


@dataclass(slots=True)
class TaskState:
    """Filled by `apply`, event by event in the chain's order. `record` leaves out the claim's hash."""

    record: TaskRecord
    claims: dict[ClaimId, events.TaskClaimed] = field(default_factory=dict[ClaimId, events.TaskClaimed])
    """Those that stand, or have games."""
    games: dict[GameId, OpenGame] = field(default_factory=dict[GameId, OpenGame])
    splits: dict[GameId, events.GameSplit] = field(default_factory=dict[GameId, events.GameSplit])
    """The last one of each game, if nobody has moved since."""
    struck: dict[ClaimId, Address] = field(default_factory=dict[ClaimId, Address])
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
                self._change(TaskStage.TAKEN, event.operator, event.until, event.attempt)
            case events.TaskClaimed():
                self.claims[event.claim_id] = event
                attempt = event.claim_id & PART_MASK
                self._change(TaskStage.CLAIMED, event.operator, event.until, attempt)
            case events.LeaseExpired():
                self._change(TaskStage.OPEN, NOBODY, 0)
            case events.ClaimStruck():
                self.struck[event.claim_id] = event.operator
                self._change(TaskStage.OPEN, NOBODY, 0)
            case events.TaskFinalized():
                attempt = event.claim_id & PART_MASK
                self._change(TaskStage.FINAL, event.operator, 0, attempt)
            case events.TaskReclaimed():
                self._change(TaskStage.REFUNDED, self.record.operator, 0)
            case _:
                self._apply_to_game(event)
        self._drop_old_claims()

    def adopt(self, record: TaskRecord, claimed: events.TaskClaimed | None) -> None:
        """Take the task as a contract has it; `claimed` is what its standing claim says, if that is known."""
        self.record = replace(record, claim_hash=ZERO_HASH)
        if claimed is not None:
            self.claims[claimed.claim_id] = claimed
        self._drop_old_claims()

    def drop_game(self, game_id: GameId) -> None:
        """Forget a game."""
        self.games.pop(game_id, None)
        self.splits.pop(game_id, None)
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
            case events.GameSplit():
                self.splits[event.game_id] = event
            case events.GamePicked():
                self.splits.pop(event.game_id, None)
            case events.GameSettled():
                self.drop_game(event.game_id)
            case _:
                pass

    def _is_in_question(self, claim_id: ClaimId) -> bool:
        is_standing = self.record.stage is TaskStage.CLAIMED and self.record.claim_id == claim_id
        return is_standing or any(game.claim_id == claim_id for game in self.games.values())

    def _change(self, stage: TaskStage, operator: Address, until: int, attempt: int | None = None) -> None:
        number = self.record.attempt if attempt is None else attempt
        self.record = replace(self.record, stage=stage, operator=operator, until=until, attempt=number)


def untouched(task_id: TaskId) -> TaskState:
    """A task that nobody has taken yet."""
    return TaskState(
        TaskRecord(
            task_id=task_id,
            stage=TaskStage.OPEN,
            attempt=0,
            operator=NOBODY,
            until=0,
            claim_hash=ZERO_HASH,
        )
    )


def task_of_event(event: ChainEvent) -> TaskId | None:
    """The task that an event is about; None for programs, jobs and stakes."""
    match event:
        case (
            events.TaskTaken()
            | events.TaskClaimed()
            | events.LeaseExpired()
            | events.ClaimStruck()
            | events.TaskFinalized()
            | events.TaskReclaimed()
        ):
            return event.task_id
        case events.ProgramRegistered() | events.JobPosted() | events.BondSeized():
            return None
        case _:
            return task_of_game(event.game_id)


def game_of_event(event: ChainEvent) -> GameId | None:
    """The game that an event is about, if it is about one."""
    match event:
        case (
            events.GameOpened()
            | events.GameSplit()
            | events.GamePicked()
            | events.GameStepped()
            | events.GameDescended()
            | events.GameRevealed()
            | events.GameSettled()
        ):
            return event.game_id
        case _:
            return None
