"""What daemons cost, and how much they get done: figures with a bar instead of an attack."""

from __future__ import annotations

import time

from tests.e2e.network import FAILING, elf_of
from tests.lab.anvil import COIN_WEI
from tests.lab.attackers import Liar
from tests.lab.guests import SMALL_INPUT, Guest, filling
from tests.lab.processes import Process, usage
from tests.lab.scenario import Scenario, rules, scenario
from tests.lab.world import REWARD_WEI, World
from truestep.base.ids import task_of
from truestep.protocol.events import TaskClaimed, TaskTaken

MINUTE_SECONDS = 60
MIB = 1 << 20
TINY = Guest("tiny", elf_of(FAILING), max_cycles=16)
"""Three steps: what is measured is the daemon."""


@scenario("idle")
class Idle(Scenario):
    """Daemons with nothing to do, at 12 s blocks: CPU, memory, requests."""

    SETTLE_SECONDS = 40.0
    MEASURE_SECONDS = 180.0
    CPU_SHARE_LIMIT = 0.01
    MEMORY_LIMIT_BYTES = 120 * MIB
    REQUESTS_LIMIT = 1.0
    """HTTP requests each second; the calls in batches are noted too."""

    def prepare(self, world: World) -> None:
        """Blocks as on mainnet."""
        world.anvil.block_seconds = 12

    def attack(self, world: World) -> None:
        """Let them start, then look at what they use."""
        roles = {"operator": ("worker", "--stake", "5"), "challenger": ("challenger",)}
        proxies = {name: world.proxy() for name in roles}
        for name, (role, *options) in roles.items():
            world.daemon(role, name, *options, rpc=[proxies[name]])
        for name in roles:
            process = world.processes[name]
            world.until(
                lambda process=process: bool(process.said("watching")), 120.0, f"{name} did not start"
            )
        world.spend(self.SETTLE_SECONDS)
        before = {name: usage(world.processes[name].pid) for name in roles}
        asked = {name: proxies[name].exchanges for name in roles}
        called = {name: sum(proxies[name].counts.values()) for name in roles}
        began = time.monotonic()
        world.spend(self.MEASURE_SECONDS)
        seconds = time.monotonic() - began
        for name in roles:
            now = usage(world.processes[name].pid)
            share = (now.cpu_seconds - before[name].cpu_seconds) / seconds
            requests = (proxies[name].exchanges - asked[name]) / seconds
            calls = (sum(proxies[name].counts.values()) - called[name]) / seconds
            world.notes |= {
                f"{name}_cpu_share": round(share, 4),
                f"{name}_memory_mib": round(now.resident_bytes / MIB, 1),
                f"{name}_requests_each_second": round(requests, 2),
                f"{name}_calls_each_second": round(calls, 2),
            }
            world.check(share <= self.CPU_SHARE_LIMIT, f"the idle {name} takes {share:.2%} of a core")
            world.check(
                now.resident_bytes <= self.MEMORY_LIMIT_BYTES,
                f"the idle {name} holds {now.resident_bytes / MIB:.0f} MiB",
            )
            world.check(
                requests <= self.REQUESTS_LIMIT, f"the idle {name} asks {requests:.2f} times a second"
            )


@scenario("throughput")
class Throughput(Scenario):
    """One worker with --parallel 2 and many tiny tasks: claims a minute."""

    parameters = rules(clock_seconds=30, arity=64)
    tasks = 240
    EACH_MINUTE = 120

    def prepare(self, world: World) -> None:
        """One job, a shard a task; stake for all of them."""
        world.keystore("operator", coins=2 * self.tasks)
        program = world.register(TINY)
        world.post(program, b"", shard_count=self.tasks, reward_wei=REWARD_WEI // 100, lease_seconds=300)

    def attack(self, world: World) -> None:
        """From the first lease to the last claim."""
        options = ("--stake", f"{self.tasks}", "--parallel", "2")
        world.daemon("worker", "operator", *options, rpc=[world.proxy()])
        world.until(lambda: bool(world.history.all(TaskTaken)), 120.0, "nothing was taken")
        began = world.anvil.time_seconds()
        patience = 8 * self.tasks * MINUTE_SECONDS / self.EACH_MINUTE
        world.until(
            lambda: len(world.history.all(TaskClaimed)) == self.tasks, patience, "tasks are not claimed"
        )
        minutes = max(world.anvil.time_seconds() - began, 1) / MINUTE_SECONDS
        rate = len(world.history.all(TaskClaimed)) / minutes
        world.notes |= {"tasks_each_minute": round(rate, 1), "wei_staked": self.tasks * COIN_WEI}

    def judge(self, world: World) -> None:
        """The bar."""
        rate = world.notes["tasks_each_minute"]
        world.check(rate >= self.EACH_MINUTE, f"{rate} tasks a minute, the bar is {self.EACH_MINUTE}")


@scenario("hoard")
class Hoard(Scenario):
    """True claims on programs that write 1.1 GiB each: what a challenger keeps of its checks in memory."""

    parameters = rules(clock_seconds=300)
    count, written_bytes = 5, 1_100 * MIB
    PATIENCE_SECONDS = 480.0
    MEMORY_LIMIT_BYTES = 5 << 30
    """Two checks at a time, and as much again that is kept for games."""

    def prepare(self, world: World) -> None:
        """A program for each claim, so that no check serves another."""
        world.anvil.fund("stranger", 100 * COIN_WEI)
        self.sock = Liar(world, name="sock", defends=False)
        self.sock.stake(self.count)
        for number in range(self.count):
            guest = filling(number, self.written_bytes)
            program = world.register(guest, by="stranger")
            task_id = task_of(world.post(program, by="stranger", reward_wei=0, lease_seconds=600), 0)
            self.sock.lie_on(task_id, guest, SMALL_INPUT, world.truth(task_id))

    def attack(self, world: World) -> None:
        """Until all claims are checked."""
        challenger = world.daemon("challenger", "challenger", rpc=[world.proxy()])
        world.until(lambda: bool(challenger.said("watching")), 60.0, "the challenger did not start")
        world.attackers.append(self.sock)
        self.most_bytes = 0
        world.until(lambda: self._is_checked(challenger), self.PATIENCE_SECONDS, "the claims are not checked")
        world.notes["challenger_most_memory_mib"] = self.most_bytes // MIB

    def _is_checked(self, challenger: Process) -> bool:
        self.most_bytes = max(self.most_bytes, usage(challenger.pid).resident_bytes)
        return len(challenger.said("hashed")) >= self.count

    def judge(self, world: World) -> None:
        """The bar."""
        world.check(
            self.most_bytes <= self.MEMORY_LIMIT_BYTES, f"the challenger held {self.most_bytes // MIB} MiB"
        )
