"""Scripted attackers. They send from the node itself, so no fault of an endpoint ever hinders them.

Each has `tick()`, which looks at the chain as it is now and does what there is to do: after a reorganisation
the same thing is simply done again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.lab.anvil import COIN_WEI, address_of
from tests.lab.guests import Guest, false_claim, false_hashes, task_of_job
from tests.lab.node import NodeRefused
from truestep.base.ids import (
    ClaimId,
    GameId,
    JobId,
    TaskId,
    claim_of_game,
    job_of_task,
    shard_of_task,
    task_of,
    task_of_game,
)
from truestep.commitments.keccak import keccak256
from truestep.machine.program import Task
from truestep.protocol.bisection import Interval
from truestep.protocol.calls import (
    AdoptGame,
    Call,
    Deposit,
    OpenGame,
    SubmitClaims,
    SubmitPick,
    SubmitSplit,
    TakeTasks,
)
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.events import GameOpened, GamePicked
from truestep.protocol.records import GameRecord, GameStage, TaskStage
from truestep.protocol.settlement.facts.batch_calls import claim_leaves
from truestep.protocol.settlement.facts.rehearsal import Caller
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.settlement.tasks.duties import duties

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
        for task_id, (guest, task, claimed) in self.tasks.items():
            record = self.world.reader.task(task_id)
            is_mine = record.operator == address_of(self.name)
            if record.stage is TaskStage.OPEN and record.batch_id == 0:
                attempt(self.world, self.name, TakeTasks(tasks=(task_id,)))
            elif record.stage is TaskStage.TAKEN and is_mine:
                claims = ((task_id, claimed),)
                attempt(self.world, self.name, SubmitClaims(batch_id=record.batch_id, claims=claims))
            elif record.stage is TaskStage.CLAIMED and is_mine and self.defends:
                self._defend(record.claim_id, guest, task)
        do_duties(self.world, self.name)

    def _defend(self, claim_id: ClaimId, guest: Guest, task: Task) -> None:
        for game_id, low, high in self.world.history.splits_due(address_of(self.name)):
            if claim_of_game(game_id) == claim_id:
                inner = Interval(low=low, high=high).boundaries(self.world.parameters.arity)[1:-1]
                hashes = tuple(false_hashes(guest, task, self.fault_cycle, inner))
                split = SubmitSplit(game_id=game_id, low=low, high=high, hashes=hashes)
                attempt(self.world, self.name, split)


def do_duties(world: World, name: str) -> None:
    """Make final, settle and expire what an account gains from."""
    facts, now = world.contracts.reader.newest_facts()
    for duty in duties(facts, address_of(name), now):
        if duty.beneficiary == address_of(name) and duty.call is not None:
            attempt(world, name, duty.call)


@dataclass
class BatchLiar:
    """An operator that takes shards of one job as one batch and claims these leaves, whatever they say."""

    world: World
    guest: Guest
    content: bytes
    job_id: JobId
    leaves: list[Leaf]
    name: str = "batchliar"
    fault_cycle: int = 1_000
    """From which the claims that it defends are false."""
    defends: bool = True

    @property
    def tasks(self) -> tuple[TaskId, ...]:
        """Shard by shard."""
        return tuple(task_of(self.job_id, shard) for shard in range(len(self.leaves)))

    def enter(self) -> None:
        """Get coins, and stake enough for one batch."""
        bonds = len(self.leaves)
        self.world.anvil.fund(self.name, (bonds + 10) * COIN_WEI)
        bond_wei = self.world.parameters.operator_bond_wei
        self.world.contracts.do(self.name, Deposit(amount_wei=bonds * bond_wei))

    def tick(self) -> None:
        """Take, claim, defend, make final."""
        record = self.world.reader.task(self.tasks[0])
        if record.stage is TaskStage.OPEN and record.batch_id == 0:
            attempt(self.world, self.name, TakeTasks(tasks=self.tasks))
        elif record.stage is TaskStage.TAKEN and record.operator == address_of(self.name):
            facts, now = self.world.contracts.reader.newest_facts()
            caller = Caller(account=address_of(self.name), now=now)
            with suppress(NodeRefused):
                answer = claim_leaves(facts, caller, record.batch_id, self.leaves)
                self.world.contracts.send_prepared(self.name, answer)
        for game_id, low, high in self.world.history.splits_due(address_of(self.name)):
            if self.defends:
                split_falsely(self, game_id, low, high)
        do_duties(self.world, self.name)


@dataclass
class Sponsor:
    """A friend of a liar: it adopts the games that the liar loses on time, and defends them with its lie."""

    world: World
    guest: Guest
    content: bytes
    fault_cycle: int = 1_000
    name: str = "sponsor"

    def enter(self, bonds: int = 1) -> None:
        """Get coins for so many adoptions."""
        self.world.anvil.fund(self.name, (bonds + 10) * COIN_WEI)

    def tick(self) -> None:
        """Adopt what can be adopted, and split where it is its turn."""
        for game in self.world.games(event.game_id for event in self.world.history.all(GameOpened)).values():
            is_own = game.operator == address_of(self.name)
            if game.rescue_end is not None and not is_own:
                attempt(self.world, self.name, AdoptGame(game_id=game.game_id))
            elif is_own and game.stage is GameStage.OPERATOR_TURN:
                split_falsely(self, game.game_id, game.low, game.high)


def split_falsely(liar: BatchLiar | Sponsor, game_id: GameId, low: int, high: int) -> None:
    """Make the defender's move with states that are false from a cycle on."""
    job = liar.world.reader.job(job_of_task(task_of_game(game_id)))
    task = task_of_job(job, shard_of_task(task_of_game(game_id)), liar.content)
    inner = Interval(low=low, high=high).boundaries(liar.world.parameters.arity)[1:-1]
    hashes = tuple(false_hashes(liar.guest, task, liar.fault_cycle, inner))
    attempt(liar.world, liar.name, SubmitSplit(game_id=game_id, low=low, high=high, hashes=hashes))


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
        do_duties(self.world, self.name)
        for task_id, claimed in self.claims.items():
            record = self.world.reader.task(task_id)
            if record.stage is not TaskStage.CLAIMED:
                continue
            games = [
                opened.game_id
                for opened in self.world.history.games(record.claim_id)
                if opened.challenger == address_of(self.name)
            ]
            if not games:
                found = keccak256(f"what {self.name} says of {record.claim_id}".encode())
                call = OpenGame(
                    claim_id=record.claim_id,
                    claimed_hash=claimed.state_hash(),
                    state_hash=found,
                    salt=ZERO_HASH,
                )
                attempt(self.world, self.name, call)
            for game in self.world.games(games).values():
                if game.stage is GameStage.CHALLENGER_TURN:
                    self._pick(game)

    def will_move(self, game: GameRecord) -> bool:
        """Whether it is going to pick once more."""
        return game.stage is GameStage.CHALLENGER_TURN and self._rounds(game) < self.picks_limit

    def _rounds(self, game: GameRecord) -> int:
        picked = self.world.history.all(GamePicked)
        return sum(event.game_id == game.game_id for event in picked)

    def _pick(self, game: GameRecord) -> None:
        if self.will_move(game) and game.split_hashes:
            part = self.choose(len(game.split_hashes) + 1, self._rounds(game))
            attempt(self.world, self.name, SubmitPick(game_id=game.game_id, part=part))
