"""What one stranger can do, with jobs, claims and disputes of its own."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tests.lab.anvil import COIN_WEI, address_of
from tests.lab.attackers import Contrarian, Liar, attempt
from tests.lab.decoys import inner_root
from tests.lab.guests import (
    POLYNOMIAL,
    SMALL_INPUT,
    Guest,
    false_claim,
    false_hashes,
    spinning,
    task_of_job,
    true_claim,
)
from tests.lab.node import NodeRefused
from tests.lab.scenario import Scenario, rules, scenario
from tests.lab.scenarios.story import END_SECONDS, Story, skip_idle_time
from tests.lab.stores import Manner
from tests.lab.world import REWARD_WEI, World
from truestep.base.ids import JobId, TaskId, job_of_task, shard_of_task, task_of, task_of_game
from truestep.machine.program import Task
from truestep.protocol.bisection import Interval
from truestep.protocol.calls import Call, Deposit, SubmitClaims, SubmitSplit, TakeTasks
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ClaimStruck, GameOpened, TaskClaimed, TaskFinalized, TaskTaken
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.tasks.duties import duties

STRANGER = "stranger"
DEAD_URI = "blob:" + "0d" * 32
SMALLER_CYCLES = 1_000
"""Less than the guest takes: a run under this maximum ends unfinished."""


@scenario("twin")
class Twin(Story):
    """Jobs and programs that resemble the victim's: another size, a dead URI, a smaller maximum of cycles."""

    told = r"cannot be had|not the (posted|input)|too large|size or root differ"

    def prepare(self, world: World) -> None:
        """Twins of both victims are posted first, and claims are made on those of the liar's victim."""
        world.anvil.fund(STRANGER, 100 * COIN_WEI)
        super().prepare(world)
        self.sock = Liar(world, name="sock", fault_cycle=500)
        self.sock.stake(8)
        for victim, reward_wei in ((self.truths[0], REWARD_WEI), (self.false[0], 0)):
            for twin in self._twins(world, victim, reward_wei):
                if not reward_wei:
                    self.sock.tasks[twin] = self._any_claim(world, twin)
        self.lies_on_victims = dict(self.liar.tasks)
        self.liar.tasks.clear()
        world.attackers.append(self.sock)

    def _twins(self, world: World, victim: TaskId, reward_wei: int) -> list[TaskId]:
        job = world.reader.job(job_of_task(victim))
        small = world.register(POLYNOMIAL, by=STRANGER, max_cycles=SMALLER_CYCLES)
        dead = world.register(POLYNOMIAL, by=STRANGER, uri=DEAD_URI)
        variants = (
            (job.program_id, {"input_size": len(SMALL_INPUT) - 1}),
            (job.program_id, {"input_size": len(SMALL_INPUT) + 1}),
            (job.program_id, {"uri": DEAD_URI}),
            (small, {}),
            (dead, {}),
        )
        return [
            task_of(
                world.post(
                    program_id,
                    by=STRANGER,
                    reward_wei=reward_wei,
                    lease_seconds=30,
                    exact_seed=job.seed,
                    **terms,  # pyright: ignore[reportArgumentType]
                ),
                0,
            )
            for program_id, terms in variants
        ]

    def _any_claim(self, world: World, twin: TaskId) -> tuple[Guest, Task, ClaimedState]:
        """A lie in the shape that the contract asks for."""
        job = world.reader.job(job_of_task(twin))
        task = task_of_job(job, 0, SMALL_INPUT)
        claimed = false_claim(POLYNOMIAL, task, 500)
        if claimed.cycle > job.max_cycles:
            claimed = replace(claimed, cycle=job.max_cycles)
        inner = inner_root(job.header(0), job.input_root)
        return POLYNOMIAL, task, replace(claimed, inner_root=inner)

    def at_start(self, world: World) -> None:
        """The twins are looked at first; then the lie on the victim, and a restart before the games."""
        disputed = dict(self.contrarian.claims)
        self.contrarian.claims.clear()
        self._disputed = disputed

    def attack(self, world: World) -> None:
        """Let twins be seen, then lie, restart the worker, and dispute its claims."""
        self.at_start(world)
        self.worker = self.start_worker(world)
        self.challenger = self.start_challenger(world)
        twins = set(self.sock.tasks)
        world.until(
            lambda: twins <= {event.task_id for event in world.history.all(TaskClaimed)},
            END_SECONDS,
            "the twins of the liar's victim were never claimed",
        )
        world.spend(8.0)
        self.liar.tasks.update(self.lies_on_victims)
        world.until(
            lambda: all(world.reader.task(task).stage is TaskStage.CLAIMED for task in self.truths),
            END_SECONDS,
            "the worker did not claim the victims' tasks",
        )
        self.worker.kill()
        self.worker.start()
        world.spend(6.0)
        self.contrarian.claims.update(self._disputed)
        world.until(lambda: self.is_over(world), END_SECONDS, "tasks are not final or games not settled")


@dataclass
class Flooder:
    """One operator with many claims a minute, every sixth of them false; it defends the false ones."""

    world: World
    job_id: JobId
    each_minute: int
    claims: list[ClaimedState]
    false: set[int]
    fault_cycle: int
    began_seconds: float = field(default_factory=time.monotonic)
    taken: int = 0
    claimed: set[int] = field(default_factory=set)
    sent: dict[tuple[int, int], float] = field(default_factory=dict)

    NAME = "flooder"
    AGAIN_SECONDS = 8.0
    GAS = 400_000

    def tick(self) -> None:
        """Take what is due, claim what is taken, split, make final."""
        due = min(int((time.monotonic() - self.began_seconds) * self.each_minute / 60), len(self.claims))
        for shard in range(self.taken, due):
            self._send(TakeTasks(tasks=(task_of(self.job_id, shard),)))
        self.taken = due
        for event in self.world.history.all(TaskTaken):
            shard = shard_of_task(event.task_id)
            if shard not in self.claimed:
                self.claimed.add(shard)
                claims = ((event.task_id, self.claims[shard]),)
                self._send(SubmitClaims(batch_id=event.batch_id, claims=claims))
        self._defend()
        self._finalize()

    def _send(self, call: Call) -> None:
        with suppress(NodeRefused):  # final already, or struck
            self.world.contracts.send(self.NAME, call, gas=self.GAS)

    def _defend(self) -> None:
        for game_id, low, high in self.world.history.splits_due(address_of(self.NAME)):
            if self._is_new(game_id, low):
                task_id = task_of_game(game_id)
                job = self.world.reader.job(self.job_id)
                task = task_of_job(job, shard_of_task(task_id), SMALL_INPUT)
                inner = Interval(low=low, high=high).boundaries(self.world.parameters.arity)[1:-1]
                hashes = tuple(false_hashes(POLYNOMIAL, task, self.fault_cycle, inner))
                call = SubmitSplit(game_id=game_id, low=low, high=high, hashes=hashes)
                attempt(self.world, self.NAME, call)

    def _finalize(self) -> None:
        facts, now = self.world.contracts.reader.newest_facts()
        for duty in duties(facts, address_of(self.NAME), now):
            if duty.beneficiary == address_of(self.NAME) and duty.call is not None:
                key = (duty.claim_id or 0, hash(duty.call))
                if self._is_new(*key):
                    self._send(duty.call)

    def _is_new(self, key: int, part: int) -> bool:
        now = time.monotonic()
        if now - self.sent.get((key, part), -1e9) < self.AGAIN_SECONDS:
            return False
        self.sent[key, part] = now
        return True


class FloodBase(Scenario):
    """Many claims a minute, one in six false, and one stock challenger at default options."""

    parameters = rules(clock_seconds=60, arity=64)
    count = 380
    each_minute = 200
    fault_cycle = 1_500

    def prepare(self, world: World) -> None:
        """All claims are computed beforehand: the flood itself costs little."""
        name = Flooder.NAME
        world.anvil.fund(name, (self.count + 100) * COIN_WEI)
        world.contracts.do(name, Deposit(amount_wei=self.count * world.parameters.operator_bond_wei))
        program = world.register(POLYNOMIAL)
        job_id = world.post(program, shard_count=self.count, reward_wei=REWARD_WEI, lease_seconds=600)
        job = world.reader.job(job_id)
        self.false = {shard for shard in range(self.count) if shard % 6 == 5}
        claims: list[ClaimedState] = []
        for shard in range(self.count):
            task = task_of_job(job, shard, SMALL_INPUT)
            true = true_claim(POLYNOMIAL, task)
            world.know_truth(task_of(job_id, shard), true)
            claims.append(false_claim(POLYNOMIAL, task, self.fault_cycle) if shard in self.false else true)
        self.job_id, self.claims = job_id, claims

    def attack(self, world: World) -> None:
        """Flood, until every lie is struck or final and every game settled."""
        challenger = world.daemon("challenger", "challenger", rpc=[world.proxy()])
        world.until(lambda: bool(challenger.said("watching")), 60.0, "the challenger did not start")
        world.attackers.append(
            Flooder(world, self.job_id, self.each_minute, self.claims, self.false, self.fault_cycle)
        )
        patience = self.count * 60 / self.each_minute + 4 * world.parameters.window_seconds
        world.until(lambda: self._is_over(world), patience, "the flood did not come to its end")

    def _is_over(self, world: World) -> bool:
        ended = {event.task_id for event in world.history.all(TaskFinalized)}
        struck = {event.task_id for event in world.history.all(ClaimStruck)}
        world.notes["claims"], world.notes["struck"] = len(world.history.all(TaskClaimed)), len(struck)
        if len(ended | struck) < self.count or not world.are_games_over():
            self._skip(world, ended | struck)
            return False
        return True

    def _skip(self, world: World, ended: set[TaskId]) -> None:
        """Pass the rest of the windows once every claim is made, every lie struck, every game over."""
        claimed = {event.task_id: event.until for event in world.history.all(TaskClaimed)}
        waiting = [until for task_id, until in claimed.items() if task_id not in ended]
        lies = {task_of(self.job_id, shard) for shard in self.false}
        now = world.anvil.time_seconds()
        is_idle = len(claimed) == self.count and lies <= ended and world.are_games_over()
        if is_idle and waiting and now <= max(waiting):
            world.anvil.skip(max(waiting) - now + 2)


@scenario("flood")
class Flood(FloodBase):
    """200 claims a minute, one in six false, and one stock challenger at default options."""


@scenario("floodsmall")
class SmallFlood(FloodBase):
    """As `flood`, but 60 claims."""

    count = 60


@scenario("manygames")
class ManyGames(Scenario):
    """Many simultaneous games on one true claim of a long run, each following another part."""

    parameters = rules(clock_seconds=120, arity=64)
    games = 16
    guest = spinning(iterations=40_000_000, max_cycles=200_000_000)

    def prepare(self, world: World) -> None:
        """One job, many challengers."""
        program = world.register(self.guest)
        self.task_id = task_of(world.post(program, b"input", lease_seconds=240), 0)
        claimed = world.truth(self.task_id)
        assert claimed is not None
        self.contrarians: list[Contrarian] = []
        for number in range(self.games):
            seed = world.random.getrandbits(64)
            one = Contrarian(
                world,
                name=f"contrarian-{number}",
                choose=lambda parts, round_number, seed=seed: (seed >> 6 * round_number) % parts,
            )
            one.enter()
            one.dispute(self.task_id, claimed)
            self.contrarians.append(one)
        world.attackers += self.contrarians

    def attack(self, world: World) -> None:
        """Until the claim is final."""
        world.daemon("worker", "operator", "--stake", "5", rpc=[world.proxy()])
        world.until(lambda: self._is_over(world), 900.0, "the disputed claim is not final")

    def _is_over(self, world: World) -> bool:
        if world.is_final(self.task_id) and world.are_games_over():
            return True
        if len(world.history.all(GameOpened)) == self.games:
            skip_idle_time(world, [self.task_id], self.contrarians[0].will_move)
        return False


@scenario("trickle")
class Trickle(Story):
    """The blob store gives a stranger's inputs in every hostile manner, and later everybody's."""

    told = r"blob|\bstore\b|cannot get"
    parameters = rules(clock_seconds=90)
    MANNERS = (
        Manner.TRICKLE,
        Manner.TRICKLE,
        Manner.TRICKLE,
        Manner.SILENT,
        Manner.SILENT,
        Manner.REDIRECT,
        Manner.WRONG,
        Manner.HUGE,
        Manner.GARBAGE,
        Manner.SHORT,
        Manner.BROKEN,
        Manner.MISSING,
    )

    def prepare(self, world: World) -> None:
        """The stranger's jobs come first, and are claimed: the challenger wants to look at them."""
        world.anvil.fund(STRANGER, 100 * COIN_WEI)
        sock = Liar(world, name="sock")
        sock.stake(len(self.MANNERS))
        program = world.register(POLYNOMIAL, by=STRANGER)
        for number, manner in enumerate(self.MANNERS):
            content = bytes([number + 1]) * 500
            world.store.misbehave(
                manner, lambda path, content=content: world.store.content.get(path) == content
            )
            job = world.post(program, content, by=STRANGER, reward_wei=0)
            claimed = world.truth(task_of(job, 0))
            assert claimed is not None
            sock.lie_on(task_of(job, 0), POLYNOMIAL, content, claimed)
        world.attackers.append(sock)
        super().prepare(world)

    def in_dispute(self, world: World) -> None:
        """Everything is given back badly for a while."""
        for manner in dict.fromkeys(self.MANNERS):
            world.store.misbehave(manner)
            world.spend(3.0)
            world.store.behave()
