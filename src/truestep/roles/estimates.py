"""Estimates of how long things take on this node."""

from collections.abc import Callable
from functools import lru_cache
from math import inf

from truestep.base.records import record
from truestep.machine.layout import DATA_END, DATA_START, OUTPUT_LIMIT_BYTES, PAGE_SIZE_BYTES
from truestep.machine.micro import MICRO_CYCLES_LIMIT
from truestep.protocol.records import JobRecord, Parameters
from truestep.protocol.settlement.games import PEAK_LIMIT
from truestep.roles.self_check import SEGMENT_STEPS

WRITABLE_PAGES = (DATA_END - DATA_START + OUTPUT_LIMIT_BYTES) // PAGE_SIZE_BYTES
REFERENCE_PAGE_COST = 16
"""Pages that the engine certainly hashes in the time in which the reference machine hashes one."""

INSTRUCTION_BYTES = 4
FREE_INSTRUCTIONS = 4_096
"""Compiled as soon as they are reached, even if each is as hard to compile as four plain ones.

They are part of `start_seconds`.
"""
COLD_STEPS = 64
"""Times that an instruction is stepped before it runs compiled: compiling it takes about as long."""
COMPILED_LIMIT_INSTRUCTIONS = 1 << 20
"""Of a larger program, the engine compiles only a few pieces of the rest, so all its steps may be slow."""

SENDS_AT_ONCE = 8
"""Transactions that a node makes and sends at the same time."""
GAMES_COUNTED = 10_000
"""Larger numbers of games need not be distinguished."""
TERMS_KEPT = 2**10
"""Estimates of disputes that are remembered, by a job's size and rules."""
PASSES = 2
"""Runs in which a move of one of several games may end: it can come while a run for another is under way."""


@record
class Defence:
    """What simultaneous games on one claim ask of its operator in each of them, at the longest."""

    games: int
    seconds: float
    """The time on its own clock that an operator needs."""
    clock_seconds: int
    """The time that it has."""

    @property
    def is_possible(self) -> bool:
        """Whether none of the games is lost on time."""
        return self.seconds <= self.clock_seconds

    def after(self, seconds: float) -> "Defence":
        """The same behind other work."""
        return Defence(games=self.games, seconds=self.seconds + seconds, clock_seconds=self.clock_seconds)


@record
class Speed:
    """What this node manages."""

    cycles_per_second: float = 100e6
    start_seconds: float = 5.0
    """Time to fetch and check program and input, and to compile."""
    send_seconds: float = 30.0
    """Time until a transaction is in a block, after raising its fees once or twice."""
    checked_segments: int = 0
    """Segments of the self-check before a claim. If there are any, a task is run a second time."""
    cold_cycles_per_second: float = 100e3
    """Steps per second of code that is not compiled yet: a modest computer's, with all its cores busy."""
    hashed_pages_per_second: float = inf
    """Memory pages hashed per second. A hostile program writes all pages between two states."""

    def run_seconds(self, job: JobRecord) -> float:
        """One run of a task at its longest, until its claim can be sent."""
        return self.start_seconds + job.max_cycles / self.cycles_per_second

    def cold_seconds(self, job: JobRecord, code_bytes: int) -> float:
        """What the first run of a large program takes more, as every instruction is slow at first."""
        instructions = code_bytes // INSTRUCTION_BYTES
        steps = max(instructions - FREE_INSTRUCTIONS, 0) * COLD_STEPS
        if instructions > COMPILED_LIMIT_INSTRUCTIONS:
            steps = job.max_cycles
        return min(steps, job.max_cycles) / self.cold_cycles_per_second

    def claim_seconds(self, job: JobRecord, code_bytes: int = 0) -> float:
        """From taking a task to its claim being on chain, at the longest.

        `code_bytes` is the size of the program's code, or 0 if it is not known yet.
        """
        return self.work_seconds(job, code_bytes) + self.sends_seconds

    def work_seconds(self, job: JobRecord, code_bytes: int = 0) -> float:
        """What this node computes before the claim of one task, at the longest."""
        more_seconds = job.max_cycles / self.cycles_per_second if self.checked_segments else 0
        hash_seconds = self._pages_before_claim(job) / self.hashed_pages_per_second
        return self.run_seconds(job) + self.cold_seconds(job, code_bytes) + more_seconds + hash_seconds

    @property
    def sends_seconds(self) -> float:
        """Until a batch is taken, and until it is claimed."""
        return 2 * self.send_seconds

    def _pages_before_claim(self, job: JobRecord) -> int:
        """The input at each start, all memory at the end and before each segment, and the segments' own."""
        starts = 2 if self.checked_segments else 1
        pages = starts * (job.input_size // PAGE_SIZE_BYTES)
        pages += (1 + self.checked_segments) * min(job.max_cycles, WRITABLE_PAGES)
        return pages + self.checked_segments * min(job.max_cycles, SEGMENT_STEPS) * REFERENCE_PAGE_COST

    def dispute_seconds(self, job: JobRecord, parameters: Parameters, games: int = 1) -> float:
        """The time on one's own clock that each of `games` simultaneous games on a claim takes at most.

        In each round they share runs, and the hashes of the pages written before the last state that any of
        them asks for. Games that stand on the same node share a split as well (S6.4).
        """
        return self._dispute_seconds(job.max_cycles, job.input_size, parameters, games)

    def _dispute_seconds(self, max_cycles: int, input_size: int, parameters: Parameters, games: int) -> float:
        rounds = round_count(max_cycles, parameters.arity)
        pages = sum(_written_pages(max_cycles, number, parameters.arity) for number in range(rounds))
        pages += min(max_cycles, WRITABLE_PAGES)  # of a reveal
        pages += (rounds + 1) * (input_size // PAGE_SIZE_BYTES)
        hash_seconds = _passes(games) * pages / self.hashed_pages_per_second
        run_seconds = self.start_seconds + max_cycles / self.cycles_per_second
        return self.defence_seconds(run_seconds, max_cycles, parameters, games) + hash_seconds

    def computing_seconds(
        self, job: JobRecord, parameters: Parameters, measured_seconds: float | None = None
    ) -> float:
        """What a dispute computes: a run in each round and one for a float, measured or at the longest."""
        seconds = job.max_cycles / self.cycles_per_second if measured_seconds is None else measured_seconds
        return (round_count(job.max_cycles, parameters.arity) + 1) * seconds

    def defence_seconds(
        self, measured_seconds: float, cycles: int, parameters: Parameters, games: int = 1
    ) -> float:
        """The same, now that one run of the task has been measured.

        A float instruction adds a run, a reveal in each game, and the splits of its micro-run.
        """
        return self._defence_seconds(
            measured_seconds, round_count(cycles, parameters.arity), parameters, games
        )

    def _defence_seconds(
        self, measured_seconds: float, rounds: int, parameters: Parameters, games: int
    ) -> float:
        runs_seconds = (rounds + 1) * _passes(games) * measured_seconds
        return runs_seconds + _sends(rounds, parameters.arity, games) * self.send_seconds

    def hardest_dispute(self, job: JobRecord, parameters: Parameters, games: int) -> Defence:
        """Of up to `games` simultaneous games on a claim, the number that is hardest to answer in time."""
        return _hardest_dispute(self, job.max_cycles, job.input_size, parameters, games)

    def hardest_defence(
        self, measured_seconds: float, cycles: int, parameters: Parameters, games: int
    ) -> Defence:
        """The same, now that one run of the task has been measured."""
        rounds = round_count(cycles, parameters.arity)
        return _hardest_defence(self, measured_seconds, rounds, parameters, games)

    def games_limit(self, measured_seconds: float, cycles: int, parameters: Parameters) -> int:
        """How many simultaneous games on a claim one machine can answer within their clocks."""
        games = 0
        while games < GAMES_COUNTED and (
            self.defence_seconds(measured_seconds, cycles, parameters, games + 1)
            <= clock_seconds_of(parameters, games + 1)
        ):
            games += 1
        return games


def clock_seconds_of(parameters: Parameters, games: int) -> int:
    """A defender's time for all its moves in each of so many simultaneous games on a claim (S6.6)."""
    most_seconds = PEAK_LIMIT * parameters.clock_seconds - parameters.rescue_seconds
    return min(games * parameters.clock_seconds, most_seconds)


@lru_cache(maxsize=TERMS_KEPT)
def _hardest_dispute(
    speed: Speed, max_cycles: int, input_size: int, parameters: Parameters, games: int
) -> Defence:
    """A worker asks it three times for each open task at each look, and most jobs have the same terms."""
    return _hardest(
        lambda count: speed._dispute_seconds(max_cycles, input_size, parameters, count),  # pyright: ignore[reportPrivateUsage]
        parameters,
        games,
    )


@lru_cache(maxsize=TERMS_KEPT)
def _hardest_defence(
    speed: Speed, measured_seconds: float, rounds: int, parameters: Parameters, games: int
) -> Defence:
    """Asked at each look at a task that has run."""
    return _hardest(
        lambda count: speed._defence_seconds(measured_seconds, rounds, parameters, count),  # pyright: ignore[reportPrivateUsage]
        parameters,
        games,
    )


def _hardest(seconds_of: Callable[[int], float], parameters: Parameters, games: int) -> Defence:
    """Clocks grow with the first few games, so more of them may be easier to answer than one."""
    counts = {count for count in (*range(1, PEAK_LIMIT + 1), games) if 0 < count <= games}
    found = [
        Defence(games=count, seconds=seconds_of(count), clock_seconds=clock_seconds_of(parameters, count))
        for count in sorted(counts or {1})
    ]
    return max(found, key=lambda each: each.seconds - each.clock_seconds)


@lru_cache(maxsize=TERMS_KEPT)
def _sends(rounds: int, arity: int, games: int) -> int:
    """How often moves are sent and waited for: splits of the run, a reveal, and splits of a micro-run."""
    nodes = [min(games, arity**number) for number in range(rounds)]
    nodes += [games] * (1 + round_count(MICRO_CYCLES_LIMIT, arity))
    return sum(-(-moves // SENDS_AT_ONCE) for moves in nodes)


def _passes(games: int) -> int:
    return 1 if games <= 1 else PASSES


def _written_pages(cycles: int, round_number: int, arity: int) -> int:
    """The most pages that are written before the states of one round: one in a cycle, not all the memory."""
    low = min(cycles, WRITABLE_PAGES)
    part_cycles = -(-cycles // arity ** (round_number + 1))
    return low + (arity - 1) * min(part_cycles, WRITABLE_PAGES)


@lru_cache(maxsize=TERMS_KEPT)
def round_count(cycles: int, arity: int) -> int:
    """How many splits lead from an interval of `cycles` steps to a single one."""
    rounds = 0
    while cycles > 1:
        cycles = -(-cycles // arity)
        rounds += 1
    return rounds
