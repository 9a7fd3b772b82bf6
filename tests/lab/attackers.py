"""Scripted attackers. They send from the node itself, so no fault of an endpoint ever hinders them.

Each has `tick()`, which looks at the chain as it is now and does what there is to do: after a reorganisation
the same thing is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.lab.anvil import COIN_WEI, address_of
from tests.lab.guests import Guest, false_claim, false_hashes, task_of_job
from tests.lab.node import NodeRefused
from truestep.base.errors import Rejected
from truestep.base.ids import Bytes32, ClaimId, GameId, TaskId, claim_of_game, job_of_task, shard_of_task
from truestep.machine.program import Task
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.calls import (
    Call,
    Deposit,
    FinalizeTask,
    OpenGame,
    SettleGame,
    SubmitClaim,
    SubmitPick,
    SubmitSplit,
    TakeTask,
)
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import GameRecord, GameStage, TaskStage

if TYPE_CHECKING:
    from tests.lab.world import World


def attempt(world: World, name: str, call: Call) -> None:
    """Send what may be refused: it was done already, or somebody was first."""
    with suppress(NodeRefused):
        world.contracts.send(name, call)


@dataclass
class Liar:
    """An operator whose claims are false from one cycle on, and who defends them to the end."""

    world: World
    name: str = "liar"
    fault_cycle: int = 1_000
    defends: bool = True
    tasks: dict[TaskId, tuple[Guest, Task, ClaimedState]] = field(default_factory=dict)

    def stake(self, bonds: int) -> None:
        """Become an operator with stake for so many claims."""
        self.world.anvil.fund(self.name, (bonds + 10) * COIN_WEI)
        bond_wei = self.world.parameters.operator_bond_wei
        self.world.contracts.do(self.name, Deposit(amount_wei=bonds * bond_wei))

    def lie_on(
        self, task_id: TaskId, guest: Guest, content: bytes, claimed: ClaimedState | None = None
    ) -> None:
        """Take the task and claim something false, now and whenever the chain has forgotten it."""
        job = self.world.reader.job(job_of_task(task_id))
        task = task_of_job(job, shard_of_task(task_id), content)
        self.tasks[task_id] = (guest, task, claimed or false_claim(guest, task, self.fault_cycle))

    def tick(self) -> None:
        """Take, claim, defend, make final."""
        now = self.world.anvil.time_seconds()
        for task_id, (guest, task, claimed) in self.tasks.items():
            record = self.world.reader.task(task_id)
            is_mine = record.operator == address_of(self.name)
            if record.stage is TaskStage.OPEN and record.attempt == 0:
                call = TakeTask(job_id=job_of_task(task_id), shard_index=shard_of_task(task_id))
                attempt(self.world, self.name, call)
            elif record.stage is TaskStage.TAKEN and is_mine:
                attempt(self.world, self.name, SubmitClaim(task_id=task_id, claimed=claimed))
            elif record.stage is TaskStage.CLAIMED and is_mine:
                if self.defends:
                    self._defend(record.claim_id, guest, task)
                settle_won(self.world, self.name, record.claim_id, _CHALLENGERS_MOVES)
                if now > record.until:
                    attempt(self.world, self.name, FinalizeTask(task_id=task_id, claimed=claimed))

    def _defend(self, claim_id: ClaimId, guest: Guest, task: Task) -> None:
        for game_id, low, high in self.world.history.splits_due(address_of(self.name)):
            if claim_of_game(game_id) == claim_id:
                inner = Interval(low=low, high=high).boundaries(self.world.parameters.arity)[1:-1]
                hashes = tuple(false_hashes(guest, task, self.fault_cycle, inner))
                split = SubmitSplit(game_id=game_id, low=low, high=high, hashes=hashes)
                attempt(self.world, self.name, split)


_CHALLENGERS_MOVES = (GameStage.CHALLENGER_TURN, GameStage.STEP_DUE, GameStage.OPERATOR_WON)
_OPERATORS_MOVES = (GameStage.OPERATOR_TURN, GameStage.REVEAL_DUE, GameStage.CHALLENGER_WON)


def settle_won(world: World, name: str, claim_id: ClaimId, stages: Container[GameStage]) -> None:
    """Settle the games on a claim in which the other side, whose move it is in these stages, is late."""
    now = world.anvil.time_seconds()
    for opened in world.history.games(claim_id):
        if address_of(name) not in (opened.operator, opened.challenger):
            continue
        game = game_record(world, opened.game_id)
        if game is None or game.stage not in stages:
            continue
        clock = game.clock_runs_out_at()
        if clock is None or now > clock:
            attempt(world, name, SettleGame(game_id=game.game_id))


Choice = Callable[[int, int], int]
"""Which of so many parts to follow, in which round."""


@dataclass
class Contrarian:
    """A challenger who disputes a true claim and follows parts of its own choice until its clock runs out."""

    world: World
    name: str = "contrarian"
    choose: Choice = lambda parts, round_number: (round_number * 7 + 3) % parts
    picks_limit: int = 10
    """0: it opens games and never moves."""
    claims: dict[TaskId, ClaimedState] = field(default_factory=dict)

    def enter(self, bonds: int = 10) -> None:
        """Get the coins for some games."""
        self.world.anvil.fund(self.name, (bonds + 5) * COIN_WEI)

    def dispute(self, task_id: TaskId, claimed: ClaimedState) -> None:
        """Open a game on a claim of this state as soon as it is made, and play it."""
        self.claims[task_id] = claimed

    def tick(self) -> None:
        """Open, pick, and take the bond of an operator that is late."""
        for task_id, claimed in self.claims.items():
            record = self.world.reader.task(task_id)
            if record.stage is not TaskStage.CLAIMED:
                continue
            games = [
                opened
                for opened in self.world.history.games(record.claim_id)
                if opened.challenger == address_of(self.name)
            ]
            if not games:
                self._open(record.claim_id, claimed)
            settle_won(self.world, self.name, record.claim_id, _OPERATORS_MOVES)
            for opened in games:
                game = game_record(self.world, opened.game_id)
                if game is not None and game.stage is GameStage.CHALLENGER_TURN:
                    self._pick(game)

    def will_move(self, game: GameRecord) -> bool:
        """Whether it is going to pick once more."""
        return game.stage is GameStage.CHALLENGER_TURN and game.rounds < self.picks_limit

    def _open(self, claim_id: ClaimId, claimed: ClaimedState) -> None:
        bond_wei = self.world.parameters.challenger_bond_wei
        attempt(self.world, self.name, OpenGame(claim_id=claim_id, claimed=claimed, bond_wei=bond_wei))

    def _pick(self, game: GameRecord) -> None:
        hashes = self.world.history.split_hashes(game.game_id, game.low, game.high)
        if not self.will_move(game) or hashes is None:
            return
        arity = self.world.parameters.arity
        boundaries = [game.low_hash, *(Bytes32(inner) for inner in hashes), game.high_hash]
        part = self.choose(len(boundaries) - 1, game.rounds)
        call = SubmitPick(
            game_id=game.game_id,
            part=part,
            start=Bytes32(boundaries[part]),
            end=Bytes32(boundaries[part + 1]),
            siblings=tuple(Bytes32(each) for each in part_siblings(boundaries, arity, part)),
        )
        attempt(self.world, self.name, call)


def game_record(world: World, game_id: GameId) -> GameRecord | None:
    """A game as it stands; None if a reorganisation has taken it."""
    with suppress(Rejected):
        return world.reader.game(game_id)
    return None
