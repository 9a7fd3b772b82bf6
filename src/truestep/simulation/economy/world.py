"""What all agents of a simulation share: the chain, the clock, the truth about runs, and chance."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random
from zlib import crc32

from truestep.base import ids
from truestep.base.ids import Address, BatchId, Bytes32, TaskId
from truestep.protocol.bisection import Interval
from truestep.protocol.records import ProgramRecord
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.protocol.settlement.state import Deployment
from truestep.roles.actions import Send
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.chain import START, Chain, deployment_of
from truestep.simulation.economy.clock import Clock
from truestep.simulation.economy.runs import Run
from truestep.simulation.economy.sight import program_of

HASHES_KEPT = 2**12
"""Intervals whose hashes are kept for those that ask for them next."""
SLOTS_KEPT = 2**14
"""Nodes and slots of time for which it is known whether the node is down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What happens to everybody at once."""

    crash_at: int = 0
    """Seconds after the start at which all honest nodes go down together; 0: never."""
    crash_seconds: int = 0
    censored_bps: int = 0
    """Of the blocks, those whose makers leave out the calls of honest challengers."""
    shock_at: int = 0
    """Seconds after the start at which gas and computing change their price; 0: never."""
    shock_seconds: int = 0
    gas_factor: int = 1
    cycle_factor: int = 1


@dataclass(kw_only=True)
class World:
    """One run of a simulation. Chance comes from the seed alone."""

    rules: Parameters
    assumptions: Assumptions
    seed: int
    trouble: Trouble = field(default_factory=Trouble)
    is_exact: bool = False
    """Whether a check of a true claim is decided by the role, or only its price counted (decision 0064)."""

    deployment: Deployment = field(default_factory=deployment_of)

    def __post_init__(self) -> None:
        """Begin at the first second."""
        self.random = Random(self.seed)
        self.clock = Clock(START)
        self.chain = Chain(
            rules=self.rules, gas_price_wei=self.assumptions.gas_price_wei, deployment=self.deployment
        )
        self.runs: dict[TaskId, Run] = {}
        self.told: dict[tuple[BatchId, TaskId], Run] = {}
        """What a batch claims of a task."""
        self.sides: dict[Address, str] = {}
        self.games_on: defaultdict[LeafId, list[LeafGameId]] = defaultdict(list)
        self._down: dict[tuple[Address, int], bool] = {}
        self._up_until: dict[Address, int] = {}
        """The second before which a node that was up stays up."""
        self._drawn = Random()
        self._hashes: dict[tuple[TaskId, bytes, int, int], dict[int, Bytes32]] = {}
        self.lies: dict[TaskId, bool] = {}
        """What those that lie seldom have decided about each task."""
        self.floods: set[ids.JobId] = set()
        """Jobs that only keep challengers busy; their poster does them truly."""
        self.mempool: list[Callable[[Address, Send], None]] = []
        """Who reads what others send, before it is in a block."""

    @cached_property
    def program(self) -> ProgramRecord:
        """The only program, once it is registered."""
        return program_of(self.chain)

    # --- time and prices --------------------------------------------------------------------------

    def run(self) -> None:
        """Until nothing is left to do."""
        trouble, chain, clock = self.trouble, self.chain, self.clock
        usual_wei = self.assumptions.gas_price_wei
        for deed in clock:
            chain.now = clock.now
            if trouble.shock_at:
                chain.gas_price_wei = usual_wei * (trouble.gas_factor if self.is_shocked else 1)
            deed()

    @property
    def is_shocked(self) -> bool:
        """Whether prices are others than usual."""
        shock_at = self.trouble.shock_at
        if not shock_at:
            return False
        since = self.clock.now - START - shock_at
        return 0 <= since < self.trouble.shock_seconds

    def cycles_wei(self, cycles: int) -> int:
        """What so many cycles cost now."""
        factor = self.trouble.cycle_factor if self.is_shocked else 1
        return cycles * self.assumptions.cycle_price_wei * factor

    def next_block(self, *, is_honest_challenge: bool = False) -> int:
        """The second of the block that has a call that is sent now."""
        block = self.assumptions.block_seconds
        second = self.clock.now - (self.clock.now - START) % block + block
        censored = self.trouble.censored_bps if is_honest_challenge else 0
        while censored and self.random.randrange(BPS) < censored:
            second += block
        return second

    def up_at(self, name: Address) -> int:
        """The first second from now on at which an honest node is up."""
        now = self.clock.now
        if now < self._up_until.get(name, 0):
            return now
        assumed, trouble, second = self.assumptions, self.trouble, now
        crash_at = START + trouble.crash_at
        if trouble.crash_at and crash_at <= now < crash_at + trouble.crash_seconds:
            second = crash_at + trouble.crash_seconds
        while self._is_down(name, second // assumed.outage_seconds):
            second = (second // assumed.outage_seconds + 1) * assumed.outage_seconds
        if second == now:
            end = (now // assumed.outage_seconds + 1) * assumed.outage_seconds
            self._up_until[name] = min(end, crash_at) if now < crash_at else end
        return second

    def is_up(self, name: Address, second: int) -> bool:
        """Whether an honest node is up at a second that is to come."""
        if second < self._up_until.get(name, 0):
            return True
        trouble, crash_at = self.trouble, START + self.trouble.crash_at
        has_crashed = bool(trouble.crash_at) and crash_at <= second < crash_at + trouble.crash_seconds
        return not has_crashed and not self._is_down(name, second // self.assumptions.outage_seconds)

    def _is_down(self, name: Address, slot: int) -> bool:
        """Whether a node is down for a slot of time, which chance decides the same at each look."""
        is_down = self._down.get((name, slot))
        if is_down is None:
            drawn = crc32(f"{self.seed} {name} {slot}".encode())
            is_down = drawn % BPS < min(self.assumptions.downtime_bps, BPS - 1)
            if len(self._down) >= SLOTS_KEPT:
                self._down.clear()
            self._down[name, slot] = is_down
        return is_down

    # --- truth ------------------------------------------------------------------------------------

    def truth(self, task_id: TaskId, number: int) -> Bytes32:
        """The hash of a state of a task's true run."""
        return self.run_of(task_id).hash_at(number)

    def run_of(self, task_id: TaskId) -> Run:
        """What a task's run truly is."""
        run = self.runs.get(task_id)
        if run is None:
            work = self.chain.life.jobs[ids.job_of_task(task_id)].work
            self._drawn.seed(f"{self.seed} {task_id}")
            drawn = self._drawn.uniform(0.5, 1.0)
            cycles = max(int(work.max_cycles * drawn), 1)
            run = Run(task_id=task_id, work=work, cycles=cycles, lie_at=cycles)
            self.runs[task_id] = run
        return run

    def lie_of(self, task_id: TaskId, liar: Address) -> Run:
        """A false story of a task."""
        run = self.run_of(task_id)
        lie_at = Random(f"{self.seed} {task_id} {liar}").randrange(run.cycles)
        return replace(run, lie_at=lie_at, liar=liar.encode())

    def hashes(self, story: Run, low: int, high: int, arity: int) -> dict[int, Bytes32]:
        """The hashes at the boundaries of an interval, as all of one side have them."""
        key = (story.task_id, story.liar, low, high)
        if key not in self._hashes:
            if len(self._hashes) >= HASHES_KEPT:
                self._hashes.clear()
            numbers = Interval(low=low, high=high).boundaries(arity)
            self._hashes[key] = {number: story.hash_at(number) for number in numbers}
        return self._hashes[key]

    # --- money that the chain does not see ----------------------------------------------------------

    def pay_cycles(self, name: Address, cycles: int) -> None:
        """Count what computing has cost."""
        cost_wei = self.cycles_wei(cycles)
        self.chain.tallies[name].compute_wei += cost_wei
