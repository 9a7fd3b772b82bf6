"""Jobs that a stranger posts to cost a worker its lease, or to hide other jobs from it."""

from __future__ import annotations

from tests.lab.anvil import COIN_WEI, address_of
from tests.lab.decoys import cold
from tests.lab.guests import POLYNOMIAL
from tests.lab.processes import Process
from tests.lab.scenario import Scenario, rules, scenario
from tests.lab.stores import Manner
from tests.lab.world import REWARD_WEI, World
from truestep.base.ids import TaskId, task_of
from truestep.protocol.events import TaskClaimed
from truestep.protocol.records import TaskStage

STRANGER = "stranger"
BAIT_REWARD_WEI = REWARD_WEI + 1
"""A wei more than the honest job: the reward comes back to the stranger in the end."""


class Bait(Scenario):
    """Override `bait`. The honest job must be done all the same."""

    parameters = rules(clock_seconds=200, arity=64)
    patience_seconds = 200.0

    def bait(self, world: World) -> None:
        """Post the stranger's jobs."""
        raise NotImplementedError

    def is_over(self, world: World, worker: Process) -> bool:
        """Whether it is known what becomes of the bait."""
        return True

    def prepare(self, world: World) -> None:
        """The honest job comes first, and pays a little less than the bait."""
        world.anvil.fund(STRANGER, 100 * COIN_WEI)
        self.victim = task_of(world.post(world.register(POLYNOMIAL)), 0)
        self.bait(world)

    def attack(self, world: World) -> None:
        """Until the honest job is claimed and the bait decided upon."""
        worker = world.daemon("worker", "operator", "--stake", "5", rpc=[world.proxy()])
        world.until(lambda: self._is_claimed(world), self.patience_seconds, "the honest job was not done")
        world.until(lambda: self.is_over(world, worker), self.patience_seconds, "the bait waits for ever")

    def _is_claimed(self, world: World) -> bool:
        return self.victim in {event.task_id for event in world.history.all(TaskClaimed)}


@scenario("coldlease")
class ColdLease(Bait):
    """Jobs with megabytes of straight code, far slower than a worker is used to, cost it their leases."""

    count, rounds, words, lease_seconds = 3, 63, 500_000, 95

    def bait(self, world: World) -> None:
        """A program each; its shortest lease seems plenty for so many steps."""
        self.tasks: list[TaskId] = []
        for number in range(self.count):
            guest, _ = cold(number, self.rounds, self.words)
            program = world.register(guest, by=STRANGER)
            job_id = world.post(
                program, by=STRANGER, reward_wei=BAIT_REWARD_WEI, lease_seconds=self.lease_seconds
            )
            self.tasks.append(task_of(job_id, 0))

    def is_over(self, world: World, worker: Process) -> bool:
        """Each was declined or claimed; a lease that was missed is lost coins."""
        declined = {line.get("task_id") for line in worker.said("declined")}
        records = [world.reader.task(task_id) for task_id in self.tasks]
        return all(
            record.stage is TaskStage.CLAIMED
            or (record.stage is TaskStage.OPEN and record.task_id in declined)
            or (record.stage is TaskStage.TAKEN and record.operator != address_of("operator"))
            for record in records
        )


@scenario("lockup")
class LockUp(Bait):
    """A job that pays a wei more asks for all of a worker's stake, and for a window of 45 days."""

    stake, window_seconds = 5, 45 * 86_400

    def bait(self, world: World) -> None:
        """One shard, of which the worker is soon done."""
        program = world.register(POLYNOMIAL, by=STRANGER)
        world.post(
            program,
            by=STRANGER,
            reward_wei=BAIT_REWARD_WEI,
            bond_multiple=self.stake,
            window_seconds=self.window_seconds,
        )

    def is_over(self, world: World, worker: Process) -> bool:
        """The worker says why it leaves that job alone."""
        return any("locks 5" in line["message"] for line in worker.said("declined"))


class Crowd(Bait):
    """A hundred jobs that pay a wei more and whose inputs nobody has."""

    count = 100
    strangers = 1
    manner: Manner

    def bait(self, world: World) -> None:
        """Inputs of their own, all at the same store."""
        program = world.register(POLYNOMIAL, by=STRANGER)
        absent: set[bytes] = set()
        for number in range(self.count):
            content = number.to_bytes(2, "big") * 300
            absent.add(content)
            name = f"{STRANGER}-{number % self.strangers}"
            if number < self.strangers:
                world.anvil.fund(name, 100 * COIN_WEI)
            world.post(program, content, by=name, reward_wei=BAIT_REWARD_WEI)
        world.store.misbehave(self.manner, lambda path: world.store.content.get(path) in absent)


@scenario("crowd")
class SilentCrowd(Crowd):
    """100 jobs that pay a wei more, and a store that never gives their inputs, hide an honest job."""

    manner = Manner.SILENT


@scenario("manystrangers")
class MissingCrowd(Crowd):
    """As `crowd`, but by 100 strangers, and the store says at once that it has no such inputs."""

    strangers = 100
    manner = Manner.MISSING
