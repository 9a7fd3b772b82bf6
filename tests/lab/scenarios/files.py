"""State that is older than the deployment, and outputs that are larger than usual."""

from __future__ import annotations

from tests.lab.anvil import Contracts
from tests.lab.guests import POLYNOMIAL, true_claim, writing
from tests.lab.scenario import Scenario, rules, scenario
from tests.lab.stores import Manner
from tests.lab.world import World
from truestep.base.ids import task_of
from truestep.machine.program import Task
from truestep.protocol.events import TaskClaimed

MIB = 1 << 20


@scenario("olddir")
class OldDirectory(Scenario):
    """A state directory of an old deployment is used with a new one on the same chain."""

    told = "deployment"
    parameters = rules(clock_seconds=45)

    def prepare(self, world: World) -> None:
        """A job of the old deployment."""
        self.old_job = world.post(world.register(POLYNOMIAL), shard_count=2)

    def attack(self, world: World) -> None:
        """Work for the old one, then for the new one with the same files; then both must go on."""
        options = ("--stake", "3", "--parallel", "2")
        worker = world.daemon("worker", "operator", *options, rpc=[world.proxy()])
        tasks = [task_of(self.old_job, shard) for shard in range(2)]
        world.until(
            lambda: len(world.history.all(TaskClaimed)) == 2, 180.0, "nothing was claimed for the old one"
        )
        worker.stop()
        old = world.contracts
        world.move_to(Contracts(world.anvil, self.parameters, world.folder, "deployment-new.json"))
        new_job = world.post(world.register(POLYNOMIAL), shard_count=2)
        worker = world.daemon("worker", "operator", *options, rpc=[world.proxy()])
        tasks = [task_of(new_job, shard) for shard in range(2)]
        world.until(
            lambda: len(world.history.all(TaskClaimed)) == 2, 180.0, "nothing was claimed for the new one"
        )
        world.anvil.skip(self.parameters.window_seconds)  # nobody disputes anything
        is_done = world.until(
            lambda: all(world.is_final(task) for task in tasks),
            400.0,
            "nothing is final for the new deployment",
        )
        if is_done:
            worker.stop()
            world.move_to(old)
            tasks = [task_of(self.old_job, shard) for shard in range(2)]
            world.daemon("worker", "operator", *options, rpc=[world.proxy()])
            world.until(
                lambda: all(world.is_final(task) for task in tasks),
                400.0,
                "the old one's claims are not final",
            )


@scenario("bigoutput")
class BigOutput(Scenario):
    """A large output, while the blob store keeps nothing for the first half of the window."""

    told = "output|publish|store"
    parameters = rules(clock_seconds=60, arity=64)
    size_bytes = 64 * MIB

    def prepare(self, world: World) -> None:
        """A guest that writes much."""
        self.guest = writing(self.size_bytes, max_cycles=1 << 18)
        self.task_id = task_of(world.post(world.register(self.guest), b"x", lease_seconds=300), 0)

    def attack(self, world: World) -> None:
        """The store is full, then it is not."""
        world.store.misbehave(Manner.FULL, lambda path: "outputs" in path)
        worker = world.daemon("worker", "operator", "--stake", "3", rpc=[world.proxy()])
        world.until(lambda: bool(worker.said("claim_landed")), 300.0, "nothing was claimed")
        world.spend(20.0)
        world.store.behave()
        world.spend(20.0)
        world.anvil.skip(self.parameters.window_seconds)
        world.until(lambda: world.is_final(self.task_id), 300.0, "the claim is not final")

    def judge(self, world: World) -> None:
        """The output is there for who paid for it."""
        claimed = true_claim(self.guest, Task(input=b"x"))
        name = f"/outputs/{claimed.output_root.hex()}-{self.size_bytes}"
        world.check(name in world.store.content, "the output was claimed and paid, and is nowhere to be had")
