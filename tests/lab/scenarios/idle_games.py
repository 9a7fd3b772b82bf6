"""Idle games that are opened to make an honest worker look busy."""

from __future__ import annotations

from tests.lab.attackers import Contrarian
from tests.lab.guests import POLYNOMIAL, spinning
from tests.lab.scenario import Scenario, rules, scenario
from tests.lab.world import World
from truestep.base.ids import task_of
from truestep.protocol.events import TaskClaimed, TaskTaken

END_SECONDS = 300.0


@scenario("idleload")
class IdleLoad(Scenario):
    """While a worker runs a task that it has taken, idle games are opened on all its other claims."""

    parameters = rules(clock_seconds=120, arity=64)
    claims = 8
    guest = spinning(iterations=200_000_000, max_cycles=1_000_000_000)

    def prepare(self, world: World) -> None:
        """Quick tasks to be claimed first; the slow one comes later."""
        self.idler = Contrarian(world, name="idler", picks_limit=0)
        self.idler.enter(bonds=self.claims)
        world.attackers.append(self.idler)
        self.slow = world.register(self.guest)
        self.quick_job = world.post(world.register(POLYNOMIAL), shard_count=self.claims)

    def attack(self, world: World) -> None:
        """Open the games between the slow task's lease and its claim."""
        world.daemon("worker", "operator", "--stake", "20", "--parallel", "2", rpc=[world.proxy()])
        quick = [task_of(self.quick_job, shard) for shard in range(self.claims)]
        world.until(
            lambda: len(world.history.all(TaskClaimed)) == self.claims, END_SECONDS, "quick tasks not claimed"
        )
        task_id = task_of(world.post(self.slow, b"x", lease_seconds=90), 0)
        is_taken = world.until(
            lambda: any(event.task_id == task_id for event in world.history.all(TaskTaken)),
            END_SECONDS,
            "the slow task was not taken",
        )
        for quick_task in quick if is_taken else []:
            claimed = world.truth(quick_task)
            assert claimed is not None
            self.idler.dispute(quick_task, claimed)
        world.until(
            lambda: any(event.task_id == task_id for event in world.history.all(TaskClaimed)),
            120.0,
            "the slow task was taken and not claimed",
        )
