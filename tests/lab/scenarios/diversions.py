"""How a stranger keeps a challenger from looking at a lie: true claims that are dear to check.

Each scenario makes such claims, then a lie on a well paid job. It is passed if the lie is struck: no
estimate, no size and no silence of a store may keep a check from its turn.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from tests.lab.anvil import COIN_WEI
from tests.lab.attackers import Liar
from tests.lab.decoys import cold, endless, known_end, padded
from tests.lab.guests import POLYNOMIAL, SMALL_INPUT, Guest, spinning, task_of_job
from tests.lab.processes import Process
from tests.lab.scenario import Scenario, rules, scenario
from tests.lab.stores import Manner
from tests.lab.world import LIFETIME_SECONDS, REWARD_WEI, World
from truestep.base.ids import Bytes32, JobId, ProgramId, TaskId, task_of
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.program import Task
from truestep.protocol.calls import PostJob, TakeTasks
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ClaimStruck, TaskClaimed, TaskFinalized

STRANGER = "stranger"
VICTIM_REWARD_WEI = 20 * REWARD_WEI
START_SECONDS = 60.0
CLAIMS_SECONDS = 90.0
"""Time for the decoys to be claimed; they are sent one by one."""
LEASE_SECONDS = 1_000
MIB = 1 << 20


class Diversion(Scenario):
    """Override `decoys`; what else differs is below it."""

    parameters = rules(clock_seconds=30)
    """The shortest window that there is."""
    lying_guest = POLYNOMIAL
    fault_cycle = 500

    def decoys(self, world: World) -> None:
        """Post the stranger's jobs and have true claims made on them, with `divert`."""
        raise NotImplementedError

    def before_lie(self, world: World, challenger: Process) -> None:
        """The challenger has seen the decoys."""
        world.until(lambda: self._is_claimed(world), CLAIMS_SECONDS, "the decoys are not claimed")

    def prepare(self, world: World) -> None:
        """Jobs of the stranger, then the victim's, which the liar takes so that it can lie at once."""
        world.anvil.fund(STRANGER, 100 * COIN_WEI)
        self.sock = Liar(world, name="sock", defends=False)
        self.liar = Liar(world, fault_cycle=self.fault_cycle)
        self.liar.stake(2)
        self.decoys(world)
        self.sock.stake(len(self.sock.tasks) + 1)
        program = world.register(self.lying_guest)
        job_id = world.post(program, reward_wei=VICTIM_REWARD_WEI, lease_seconds=LEASE_SECONDS)
        self.victim = task_of(job_id, 0)
        world.contracts.do(self.liar.name, TakeTasks(tasks=(self.victim,)))  # so that it can lie at once

    def post_decoy(self, world: World, guest: Guest, content: bytes = SMALL_INPUT, shards: int = 1) -> JobId:
        """A job of the stranger's own, which pays nothing."""
        program = world.register(guest, by=STRANGER)
        return world.post(
            program, content, by=STRANGER, reward_wei=0, lease_seconds=LEASE_SECONDS, shard_count=shards
        )

    def divert(self, world: World, job_id: JobId, guest: Guest, cycles: int, shard: int = 0) -> None:
        """Claim what is true of a guest whose end is known."""
        job, task_id = world.reader.job(job_id), task_of(job_id, shard)
        claimed = known_end(guest, job, shard, cycles)
        world.know_truth(task_id, claimed)
        self.sock.tasks[task_id] = (guest, task_of_job(job, shard, b""), claimed)

    def attack(self, world: World) -> None:
        """Decoys, then the lie, until it is struck or final and every game is settled."""
        challenger = world.daemon("challenger", "challenger", rpc=[world.proxy()])
        world.until(lambda: bool(challenger.said("watching")), START_SECONDS, "the challenger did not start")
        world.attackers += [self.sock, self.liar]
        self.before_lie(world, challenger)
        world.notes["checks_before_lie"] = len(challenger.said("hashed"))
        self.lie(world)
        patience = 3.0 * self.parameters.window_seconds
        world.until(lambda: self._is_over(world), patience, "the lie is neither struck nor final")

    def _is_claimed(self, world: World) -> bool:
        claimed = {event.task_id for event in world.history.all(TaskClaimed)}
        return self.sock.tasks.keys() <= claimed

    def lie(self, world: World) -> None:
        """Claim something false on the victim's job."""
        self.liar.lie_on(self.victim, self.lying_guest, SMALL_INPUT)

    def _is_over(self, world: World) -> bool:
        ended = {event.task_id for event in world.history.all(TaskFinalized)}
        ended |= {event.task_id for event in world.history.all(ClaimStruck)}
        return self.victim in ended and world.are_games_over()


@scenario("endless")
class Endless(Diversion):
    """Two true claims on runs of 2^47 steps want both places for checks during the whole window."""

    def decoys(self, world: World) -> None:
        """One for each place."""
        for number in range(2):
            guest, cycles = endless(number)
            self.divert(world, self.post_decoy(world, guest), guest, cycles)

    def before_lie(self, world: World, challenger: Process) -> None:
        """Both are being checked."""
        super().before_lie(world, challenger)
        world.until(lambda: len(challenger.said("computing")) >= 2, 30.0, "the decoys are not checked")


@scenario("coldcode")
class ColdCode(Diversion):
    """Eight true claims on straight code, 600 times slower than its steps suggest."""

    parameters = rules(clock_seconds=30, arity=64)
    count, rounds, words = 8, 60, 250_000

    def decoys(self, world: World) -> None:
        """A program each, so that nothing compiled serves twice."""
        for number in range(self.count):
            guest, cycles = cold(number, self.rounds, self.words)
            self.divert(world, self.post_decoy(world, guest), guest, cycles)


@dataclass
class Feed:
    """Lets an operator make another claim every so many seconds."""

    operator: Liar
    later: dict[TaskId, tuple[Guest, Task, ClaimedState]]
    seconds: float
    next_seconds: float = 0.0

    def tick(self) -> None:
        """One more, if it is time."""
        now = time.monotonic()
        if self.later and now >= self.next_seconds:
            self.next_seconds = now + self.seconds
            self.release(1)

    def release(self, count: int) -> None:
        """The next claims at once."""
        for task_id in list(self.later)[:count]:
            self.operator.tasks[task_id] = self.later.pop(task_id)


@scenario("slowteaching")
class SlowTeaching(Diversion):
    """Slow checks teach a challenger that it is slow; then comes a lie that seems too long to check."""

    parameters = rules(clock_seconds=30, arity=64)
    programs, shards, rounds, words = 5, 12, 4, 250_000
    at_once, each_seconds, lessons = 8, 4.0, 10
    lying_guest = spinning(iterations=400_000_000, max_cycles=1_700_000_000)

    def decoys(self, world: World) -> None:
        """Some at once, then one after the other: the teaching never ends."""
        for number in range(self.programs):
            guest, cycles = cold(number, self.rounds, self.words)
            job_id = self.post_decoy(world, guest, shards=self.shards)
            for shard in range(self.shards):
                self.divert(world, job_id, guest, cycles, shard)

    def before_lie(self, world: World, challenger: Process) -> None:
        """Until the lesson is learned, or no time is left to teach it."""
        feed = Feed(self.sock, self.sock.tasks, self.each_seconds)
        self.sock.tasks = {}
        feed.release(self.at_once)
        world.attackers.append(feed)
        patience = float(self.parameters.window_seconds)
        world.until(lambda: len(challenger.said("hashed")) >= self.lessons, patience, "", is_needed=False)

    def lie(self, world: World) -> None:
        """The truth, but for one root; to defend it would take too long."""
        truth = world.truth(self.victim)
        assert truth is not None
        self.liar.defends = False
        false = replace(truth, left_root=truth.output_root)
        self.liar.lie_on(self.victim, self.lying_guest, SMALL_INPUT, false)


@scenario("silentinputs")
class SilentInputs(Diversion):
    """24 true claims on jobs whose inputs are at a store that never answers when asked for them."""

    count = 24

    def decoys(self, world: World) -> None:
        """Each with an input of its own."""
        silent: set[bytes] = set()
        for number in range(self.count):
            content = bytes([number + 1]) * 600
            silent.add(content)
            task_id = task_of(self.post_decoy(world, POLYNOMIAL, content), 0)
            claimed = world.truth(task_id)
            assert claimed is not None
            self.sock.lie_on(task_id, POLYNOMIAL, content, claimed)
        world.store.misbehave(Manner.SILENT, lambda path: world.store.content.get(path) in silent)


@scenario("bigprograms")
class BigPrograms(Diversion):
    """Ten true claims on programs of 40 MiB, which exit at once."""

    count, size_bytes = 10, 40 * MIB

    def decoys(self, world: World) -> None:
        """Each with bytes of its own, so that each is fetched and hashed."""
        for number in range(self.count):
            guest, cycles = padded(number, world.random.randbytes(self.size_bytes))
            self.divert(world, self.post_decoy(world, guest), guest, cycles)


@scenario("biginputs")
class BigInputs(Diversion):
    """Eight true claims on jobs with inputs of 512 MiB, which their program does not read."""

    count, size_bytes = 8, 512 * MIB

    def decoys(self, world: World) -> None:
        """Each is the beginning of the same random bytes, so that they take memory here once."""
        guest, cycles = padded(0, b"")
        whole = memoryview(world.random.randbytes(MIB) * (self.size_bytes // MIB))
        self.post_decoy(world, guest)
        program_id = ProgramId(len(world.reader.newest_facts()[0].programs))
        for number in range(self.count):
            content = whole[: self.size_bytes - number]
            call = PostJob(
                program_id=program_id,
                input_root=root_of_bytes(bytes(content), RANGE_LEVEL, hash_many_pairs),
                input_size=len(content),
                input_uri=world.store.keep(content),
                seed=Bytes32(world.random.randbytes(32)),
                shard_count=1,
                reward=0,
                lease_seconds=LEASE_SECONDS,
                deadline=world.anvil.time_seconds() + LIFETIME_SECONDS,
            )
            world.contracts.do(STRANGER, call)
            self.divert(world, JobId(world.reader.newest_facts()[0].job_count), guest, cycles)
