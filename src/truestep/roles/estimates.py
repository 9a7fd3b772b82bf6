"""Estimates of how long things take on this node."""

from dataclasses import dataclass
from math import inf

from truestep.machine.layout import DATA_END, DATA_START, OUTPUT_LIMIT_BYTES, PAGE_SIZE_BYTES
from truestep.machine.micro import MICRO_CYCLES_LIMIT
from truestep.protocol.records import JobRecord, Parameters
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
        more_seconds = job.max_cycles / self.cycles_per_second if self.checked_segments else 0
        hash_seconds = self._pages_before_claim(job) / self.hashed_pages_per_second
        run_seconds = self.run_seconds(job) + self.cold_seconds(job, code_bytes)
        return run_seconds + more_seconds + hash_seconds + 2 * self.send_seconds

    def _pages_before_claim(self, job: JobRecord) -> int:
        """The input at each start, all memory at the end and before each segment, and the segments' own."""
        starts = 2 if self.checked_segments else 1
        pages = starts * (job.input_size // PAGE_SIZE_BYTES)
        pages += (1 + self.checked_segments) * min(job.max_cycles, WRITABLE_PAGES)
        return pages + self.checked_segments * min(job.max_cycles, SEGMENT_STEPS) * REFERENCE_PAGE_COST

    def dispute_seconds(self, job: JobRecord, parameters: Parameters, games: int = 1) -> float:
        """The time on one's own clocks that `games` simultaneous games on a claim take at the longest.

        In each round they share one run, and the hashes of the pages written before the last state that any
        of them asks for; each game has hashes of its own to send.
        """
        rounds = round_count(job.max_cycles, parameters.arity)
        pages = sum(_written_pages(job.max_cycles, number, parameters.arity) for number in range(rounds))
        pages += min(job.max_cycles, WRITABLE_PAGES)  # of a reveal
        pages += (rounds + 1) * (job.input_size // PAGE_SIZE_BYTES)
        moves_seconds = rounds * (self.run_seconds(job) + self._send_all_seconds(games))
        micro_seconds = self._micro_seconds(self.run_seconds(job), parameters, games)
        return moves_seconds + micro_seconds + pages / self.hashed_pages_per_second

    def computing_seconds(
        self, job: JobRecord, parameters: Parameters, measured_seconds: float | None = None
    ) -> float:
        """What a dispute computes: a run in each round and one for a float, measured or at the longest."""
        seconds = job.max_cycles / self.cycles_per_second if measured_seconds is None else measured_seconds
        return (round_count(job.max_cycles, parameters.arity) + 1) * seconds

    def defence_seconds(
        self, measured_seconds: float, cycles: int, parameters: Parameters, games: int = 1
    ) -> float:
        """The same, now that one run of the task has been measured."""
        rounds = round_count(cycles, parameters.arity)
        moves_seconds = rounds * (measured_seconds + self._send_all_seconds(games))
        return moves_seconds + self._micro_seconds(measured_seconds, parameters, games)

    def games_limit(self, measured_seconds: float, cycles: int, parameters: Parameters) -> int:
        """How many simultaneous games on a claim one machine can answer within their clocks."""
        games = 0
        while games < GAMES_COUNTED and (
            self.defence_seconds(measured_seconds, cycles, parameters, games + 1) <= parameters.clock_seconds
        ):
            games += 1
        return games

    def _micro_seconds(self, run_seconds: float, parameters: Parameters, games: int) -> float:
        """What a float instruction adds: one run more, a reveal, and the splits of its micro-run."""
        rounds = 1 + round_count(MICRO_CYCLES_LIMIT, parameters.arity)
        return run_seconds + rounds * self._send_all_seconds(games)

    def _send_all_seconds(self, games: int) -> float:
        """Until one move of each game is in a block."""
        return -(-games // SENDS_AT_ONCE) * self.send_seconds


def _written_pages(cycles: int, round_number: int, arity: int) -> int:
    """The most pages that are written before the states of one round: one in a cycle, not all the memory."""
    low = min(cycles, WRITABLE_PAGES)
    part_cycles = -(-cycles // arity ** (round_number + 1))
    return low + (arity - 1) * min(part_cycles, WRITABLE_PAGES)


def round_count(cycles: int, arity: int) -> int:
    """How many splits lead from an interval of `cycles` steps to a single one."""
    rounds = 0
    while cycles > 1:
        cycles = -(-cycles // arity)
        rounds += 1
    return rounds
