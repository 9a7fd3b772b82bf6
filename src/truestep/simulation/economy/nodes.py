"""Operators and challengers: they see a part of the chain, let their role decide, and act."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from truestep.base import ids
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.protocol.calls import OpenGame, RewardGame
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.settlement.ids import NATIVE, LeafGameId, LeafId, batch_of_claim
from truestep.protocol.settlement.standing import room_wei
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles import challenger, duties, taking, worker
from truestep.roles.actions import Action, ComputeHashes, Run, Send
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.views import Disputed, GameView, TaskView, View
from truestep.roles.worker_policy import WorkerPolicy
from truestep.simulation.economy import runs
from truestep.simulation.economy.acting import contract_call, reward_of
from truestep.simulation.economy.sight import (
    claim_view,
    game_seen,
    leaf_game_of,
    task_view,
)
from truestep.simulation.economy.strategies import BPS, Strategy
from truestep.simulation.economy.world import World

WALLET_WEI = 10**27
"""Coins in every wallet: what an attack needs is measured, not limited."""
CYCLES_PER_SECOND = 10**8
START_SECONDS = 5
WITNESS = b"\0"
"""The step contract's answer comes from the truth about the run, not from a witness."""


@dataclass(kw_only=True)
class Node:
    """What operators and challengers have in common."""

    world: World
    name: Address
    strategy: Strategy
    in_flight: set[str] = field(default_factory=set[str])
    finals: dict[TaskId, LeafId] = field(default_factory=dict[TaskId, LeafId])
    """The final claims of tasks on which it has a reward to collect."""

    @cached_property
    def is_honest(self) -> bool:
        """Whether it is one of those that the protocol is made for."""
        return self.world.sides[self.name] == "honest"

    def play(self, game_id: LeafGameId) -> None:
        """Make the move that is due in a game that it has opened."""

    def defend(self, game_id: LeafGameId) -> None:
        """Make the move that is due in a game on its claim."""

    def do(self, duty: Duty) -> None:
        """Do what is due besides moves."""

    def when_up(self, deed: Callable[[], None]) -> None:
        """Do something as soon as the node is up: attackers always are."""
        second = self.world.up_at(self.name) if self.is_honest else self.world.clock.now
        if second == self.world.clock.now:
            deed()
        else:
            self.world.clock.at(second, lambda: self.when_up(deed))

    def view(
        self,
        tasks: Iterable[TaskView],
        duties: Sequence[Duty] = (),
        commitments: dict[Disputed, Bytes32] | None = None,
        struck_count: int = 0,
    ) -> View:
        """What it knows when it decides."""
        chain = self.world.chain
        stake = chain.life.stakes.get(self.name)
        admission, phase = chain.deployment.admission, chain.life.phase
        room = room_wei(admission, phase, stake.entry, chain.now) if stake is not None else 0
        return View(
            now=chain.now,
            account=self.name,
            operator=self.name,
            wallet_wei=WALLET_WEI,
            free_stake_wei=room,
            rewards_wei=chain.life.credits.get((NATIVE, self.name), 0),
            winnings_wei=chain.games.credits.get(self.name, 0),
            tasks=tuple(tasks),
            in_flight=frozenset(self.in_flight),
            struck_count=struck_count,
            duties=tuple(duties),
            commitments=commitments or {},
        )

    def act(self, actions: Iterable[Action]) -> None:
        """Send what was decided; it is in a later block."""
        for action in actions:
            if isinstance(action, Send):
                self.in_flight.add(action.intent)
                for reader in self.world.mempool:
                    reader(self.name, action)
                self.world.clock.at(self.landing(), lambda action=action: self._land(action))

    def landing(self) -> int:
        """The second of the block that has what is sent now."""
        return self.world.next_block()

    def _land(self, send: Send) -> None:
        self.in_flight.discard(send.intent)
        world = self.world
        if isinstance(send.call, RewardGame):
            final_id = self.finals.get(ids.task_of_game(send.call.game_id))
            made = (
                reward_of(world.chain, leaf_game_of(world.chain, send.call.game_id), final_id)
                if final_id
                else None
            )
        else:
            made = contract_call(world.chain, self.name, send.call, world.truth)
        if made is not None:
            call, value_wei, proved = made
            world.chain.send(self.name, call, value_wei, proved)


@dataclass(kw_only=True)
class Operator(Node):
    """Takes tasks, runs and claims them, and defends its claims."""

    policy: WorkerPolicy
    held: dict[BatchId, tuple[TaskId, ...]] = field(default_factory=dict[BatchId, tuple[TaskId, ...]])
    """Taken and not claimed."""
    ready: set[TaskId] = field(default_factory=set[TaskId])
    """Tasks whose runs have ended."""
    struck_count: int = 0
    engine_free_at: int = 0
    """When it has computed what its games ask for."""
    computing: set[tuple[int, int, int]] = field(default_factory=set[tuple[int, int, int]])

    def look(self, tasks: Sequence[TaskId]) -> bool:
        """Look at open tasks; whether it takes some."""
        world = self.world
        if self.is_honest and world.up_at(self.name) != world.clock.now:
            return False
        opened = [task_view(world.chain, world.program, task_id, None) for task_id in tasks]
        sent = [action for action in self._decided_on(opened) if isinstance(action, Send)]
        takes = [send for send in sent if send.intent[:5] == "take/"]
        self.act(takes)
        return bool(takes)

    def _decided_on(self, opened: Sequence[TaskView]) -> list[Action]:
        """What the role says of open tasks, and perhaps of what it holds."""
        chain, program = self.world.chain, self.world.program
        own = [
            task_view(chain, program, task_id, batch_id)
            for batch_id, held in self.held.items()
            for task_id in held
            if task_id not in self.ready
        ]
        view = self.view([*own, *opened], struck_count=self.struck_count)
        if own or self.world.is_exact:
            return worker.decide(view, self.policy)
        return duties.once(view, taking.take(view, self.policy, [], load_seconds=0.0))

    def taken(self, batch_id: BatchId, tasks: tuple[TaskId, ...]) -> None:
        """A batch is its own."""
        self.held[batch_id] = tasks
        if not self.strategy.withholds:
            self.when_up(lambda: self.work(batch_id))

    def work(self, batch_id: BatchId) -> None:
        """Run what the role says, or claim."""
        if batch_id not in self.held:
            return
        world, program = self.world, self.world.program
        if not world.is_exact and self._is_to_run(batch_id):
            self._run(batch_id, self.held[batch_id])
            return
        stories = {task_id: self.story(batch_id, task_id) for task_id in self.held[batch_id]}
        if not world.is_exact and self._is_to_claim(batch_id):
            self._claim(batch_id, stories)
            return
        views = [
            task_view(
                world.chain, program, task_id, batch_id, story.stated if task_id in self.ready else None
            )
            for task_id, story in stories.items()
        ]
        actions = worker.decide(self.view(views, struck_count=self.struck_count), self.policy)
        runs_due = [action.task_id for action in actions if isinstance(action, Run)]
        if runs_due:
            self._run(batch_id, runs_due)
            return
        if any(isinstance(action, Send) and action.intent[:6] == "claim/" for action in actions):
            for task_id, story in stories.items():
                world.told[batch_id, task_id] = story
        self.act(actions)

    def _is_to_claim(self, batch_id: BatchId) -> bool:
        """Whether the role would do nothing but claim a batch: all of it has run, nothing is to withdraw."""
        return self.ready.issuperset(self.held[batch_id]) and not self._has_enough()

    def _claim(self, batch_id: BatchId, stories: dict[TaskId, runs.Run]) -> None:
        chain = self.world.chain
        ends = [(task_id, story.stated) for task_id, story in stories.items()]
        claims = worker.claim(chain.now, chain.life.batches[batch_id].until, batch_id, ends)
        for task_id, story in stories.items() if claims else ():
            self.world.told[batch_id, task_id] = story
        self.act(claims)

    def _is_to_run(self, batch_id: BatchId) -> bool:
        """Whether the role would have all tasks of a batch run: while its lease lasts, and none has."""
        is_fresh = self.ready.isdisjoint(self.held[batch_id])
        return is_fresh and self.world.clock.now <= self.world.chain.life.batches[batch_id].until

    def _run(self, batch_id: BatchId, tasks: Sequence[TaskId]) -> None:
        cycles = 0
        for task_id in tasks:
            if self.strategy.computes or not self._lies(task_id):
                cycles += self.world.run_of(task_id).cycles
        self.world.pay_cycles(self.name, cycles)
        self.ready.update(tasks)
        seconds = START_SECONDS + cycles // (CYCLES_PER_SECOND * max(self.policy.active_limit, 1))
        self.world.clock.at(self.world.clock.now + seconds, lambda: self.when_up(lambda: self.work(batch_id)))

    def story(self, batch_id: BatchId, task_id: TaskId) -> runs.Run:
        """What it claims, or has claimed, of a task."""
        told = self.world.told.get((batch_id, task_id))
        if told is not None:
            return told
        return self.world.lie_of(task_id, self.name) if self._lies(task_id) else self.world.run_of(task_id)

    def _lies(self, task_id: TaskId) -> bool:
        """Whether it lies about a task: about all of them, none, or one in so many of its side's."""
        lies_bps, lied = self.strategy.lies_bps, self.world.lies
        if lies_bps in (0, BPS) or ids.job_of_task(task_id) in self.world.floods:
            return bool(lies_bps) and ids.job_of_task(task_id) not in self.world.floods
        if task_id not in lied:
            lied[task_id] = len(lied) % (BPS // lies_bps) == 0
        return lied[task_id]

    def claimed(self, batch_id: BatchId) -> None:
        """Its claim is on the chain."""
        for task_id in self.held.pop(batch_id, ()):
            self.ready.discard(task_id)

    def lost(self, batch_id: BatchId) -> None:
        """A batch is over without a claim."""
        self.claimed(batch_id)

    def do(self, duty: Duty) -> None:
        """Do what is due, if the role says so."""
        self.when_up(lambda: self.act(self._due(duty)))

    def _due(self, duty: Duty) -> list[Action]:
        """What the role would do: no more than end its own batch, with too little to withdraw (0072)."""
        is_plain = duty.action is DutyKind.FINALIZE and duty.beneficiary == self.name
        if is_plain and not self.world.is_exact and not self._has_enough():
            return [
                each
                for each in duties.sends((duty,))
                if isinstance(each, Send) and each.intent not in self.in_flight
            ]
        return worker.decide(self.view((), (duty,)), self.policy)

    def _has_enough(self) -> bool:
        chain, above_wei = self.world.chain, self.policy.withdraw_above_wei
        rewards_wei = chain.life.credits.get((NATIVE, self.name), 0)
        return max(rewards_wei, chain.games.credits.get(self.name, 0)) > above_wei

    def defend(self, game_id: LeafGameId) -> None:
        """Answer a game, if it is its move."""
        game = self.world.chain.games.games.get(game_id)
        if game is None or game.defender != self.name:
            return
        batch_id = batch_of_claim(LeafId(game_id >> ids.PART_BITS))
        story = self.story(batch_id, game.task_id)
        if not story.is_true and not self.strategy.defends:
            return
        record = game_seen(self.world.chain, game_id)
        if record is None:
            return
        view = _disputed_view(self.world, story, game_id, (GameView(record=record),), {})
        actions = worker.decide(self.view((view,)), self.policy)
        wanted = [action for action in actions if isinstance(action, ComputeHashes)]
        if wanted:
            self._compute(game_id, story, wanted[0])
        else:
            self.act(action for action in actions if isinstance(action, Send))

    def _compute(self, game_id: LeafGameId, story: runs.Run, work: ComputeHashes) -> None:
        """Find the hashes that a move needs, one piece of work after the other, and make the move then.

        Games that stand on the same node share the work and the move. A lie's hashes need no run.
        """
        place = (game_id >> ids.PART_BITS, work.cycles[0], work.cycles[-1])
        if place in self.computing:
            return
        self.computing.add(place)
        span = work.cycles[-1] - work.cycles[0] if self.strategy.computes else 0
        self.world.pay_cycles(self.name, span)
        self.engine_free_at = max(self.engine_free_at, self.world.clock.now) + 1 + span // CYCLES_PER_SECOND
        self.world.clock.at(
            self.engine_free_at, lambda: self.when_up(lambda: self._move(game_id, story, place))
        )

    def _move(self, game_id: LeafGameId, story: runs.Run, place: tuple[int, int, int]) -> None:
        self.computing.discard(place)
        record = game_seen(self.world.chain, game_id)
        if record is None:
            return
        hashes = self.world.hashes(story, record.low, record.high, record.arity)
        view = _disputed_view(self.world, story, game_id, (GameView(record=record),), hashes)
        actions = worker.decide(self.view((view,)), self.policy)
        self.act(action for action in actions if isinstance(action, Send))


@dataclass(kw_only=True)
class Challenger(Node):
    """Checks claims, disputes false ones and plays its games."""

    policy: ChallengerPolicy
    cores: list[int] = field(default_factory=list[int])
    """When each of them has done what it does now."""
    pending: dict[LeafId, tuple[runs.Run, int]] = field(default_factory=dict[LeafId, tuple[runs.Run, int]])
    """Claims that wait for a core, and the ends of their windows."""
    missed: int = 0
    """Claims whose windows were over before a core was free."""
    commitments: dict[Disputed, Bytes32] = field(default_factory=dict[Disputed, Bytes32])

    def landing(self) -> int:
        """Censors leave out what honest challengers send."""
        return self.world.next_block(is_honest_challenge=self.is_honest)

    def watch(self, leaf_id: LeafId, told: runs.Run, until: int) -> None:
        """A claim is on the chain: check it now if a core is free, or later, in the role's order."""
        core = self._free_core()
        if core is not None and not self.pending:
            self._check(core, leaf_id, told)
            return
        self.pending[leaf_id] = (told, until)
        if len(self.pending) == 1:
            self.world.clock.at(min(self.cores), self._next_check)

    def _free_core(self) -> int | None:
        now = self.world.clock.now
        for core, free_at in enumerate(self.cores):
            if free_at <= now:
                return core
        return None

    def _check(self, core: int, leaf_id: LeafId, told: runs.Run) -> None:
        world = self.world
        begin = world.up_at(self.name) if self.is_honest else world.clock.now
        ready_at = begin + START_SECONDS + told.cycles // CYCLES_PER_SECOND
        self.cores[core] = ready_at
        world.pay_cycles(self.name, told.cycles)
        if told.is_true and not world.is_exact and not self.commitments and world.is_up(self.name, ready_at):
            return  # no game of its own can have ended by then, so there will be no coins to withdraw
        world.clock.at(ready_at, lambda: self.when_up(lambda: self._checked(leaf_id, told)))

    def _checked(self, leaf_id: LeafId, told: runs.Run) -> None:
        """A check of a true claim does nothing, unless there are coins to withdraw (decision 0064)."""
        world = self.world
        if not told.is_true or world.is_exact or world.chain.games.credits.get(self.name):
            self.judge(leaf_id, told)

    def _next_check(self) -> None:
        """A core has become free: the role says which claim comes next."""
        core = self._free_core()
        now = self.world.clock.now
        self.missed += sum(until < now for _, until in self.pending.values())
        self.pending = {leaf: each for leaf, each in self.pending.items() if each[1] >= now}
        if core is not None and self.pending:
            leaf_id = self._first_pending()
            told, _ = self.pending.pop(leaf_id)
            self._check(core, leaf_id, told)
        if self.pending:
            self.world.clock.at(max(min(self.cores), now + 1 if core is None else now), self._next_check)

    def _first_pending(self) -> LeafId:
        if len(self.pending) == 1:
            return next(iter(self.pending))
        places = {told.task_id: leaf_id for leaf_id, (told, _) in self.pending.items()}
        seen = (self._unchecked(leaf_id, told) for leaf_id, (told, _) in self.pending.items())
        standing = tuple(view for view in seen if view is not None)
        actions = challenger.decide(self.view(standing), self.policy)
        checks = [action.task_id for action in actions if isinstance(action, ComputeHashes)]
        return places[checks[0]] if checks else next(iter(self.pending))

    def _unchecked(self, leaf_id: LeafId, told: runs.Run) -> TaskView | None:
        """A claim of which it knows nothing yet; None of one that is over."""
        chain, batch_id = self.world.chain, batch_of_claim(leaf_id)
        if batch_id not in chain.leaves:
            return None
        seen = claim_view(chain, leaf_id, told.task_id, told.stated, ())
        return task_view(chain, self.world.program, told.task_id, batch_id, claims=(seen,))

    def judge(self, leaf_id: LeafId, told: runs.Run) -> None:
        """Compare a claim with its own run, and open a game if they differ."""
        truth = self.world.run_of(told.task_id)
        view = self._claim_seen(leaf_id, told, (), {told.cycles: truth.hash_at(told.cycles)})
        if view is not None:
            self._decide((view,))

    def _claim_seen(
        self,
        leaf_id: LeafId,
        told: runs.Run,
        games: tuple[GameView, ...],
        hashes: dict[int, Bytes32],
        witnesses: dict[int, bytes] | None = None,
    ) -> TaskView | None:
        chain = self.world.chain
        batch_id = batch_of_claim(leaf_id)
        if batch_id not in chain.leaves:
            return None
        own = self.world.run_of(told.task_id).claimed
        seen = claim_view(chain, leaf_id, told.task_id, told.claimed, games)
        program = self.world.program
        return task_view(chain, program, told.task_id, batch_id, own, (seen,), hashes, witnesses or {})

    def _decide(self, tasks: tuple[TaskView, ...], duties: Sequence[Duty] = ()) -> None:
        actions = challenger.decide(self.view(tasks, duties, self.commitments), self.policy)
        for action in actions:
            if isinstance(action, Send) and isinstance(action.call, OpenGame):
                call = action.call
                self.commitments[call.claim_id, call.claimed_hash] = call.state_hash
        self.act(actions)

    def play(self, game_id: LeafGameId) -> None:
        """Make the move that is due."""
        record = game_seen(self.world.chain, game_id)
        if record is None or record.challenger != self.name:
            return
        leaf_id = LeafId(game_id >> ids.PART_BITS)
        told = self.world.told[batch_of_claim(leaf_id), ids.task_of_game(record.game_id)]
        truth = self.world.run_of(told.task_id)
        hashes = self.world.hashes(truth, record.low, record.high, record.arity)
        view = self._claim_seen(leaf_id, told, (GameView(record=record),), hashes, {record.low: WITNESS})
        if view is not None:
            self._decide((view,))

    def do(self, duty: Duty) -> None:
        """Do what is due, if the role says so."""
        self.when_up(lambda: self._decide((), (duty,)))


def _disputed_view(
    world: World,
    story: runs.Run,
    game_id: LeafGameId,
    games: tuple[GameView, ...],
    hashes: dict[int, Bytes32],
) -> TaskView:
    leaf_id = LeafId(game_id >> ids.PART_BITS)
    chain, batch_id = world.chain, batch_of_claim(leaf_id)
    own = story.claimed
    seen = claim_view(chain, leaf_id, story.task_id, own, games)
    return task_view(chain, world.program, story.task_id, batch_id, own, (seen,), hashes)
