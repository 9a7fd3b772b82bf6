"""How long things take on this node, as the roles assume it."""

from dataclasses import dataclass

from truestep.protocol.records import JobRecord, Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What this node manages."""

    cycles_per_second: float = 100e6
    start_seconds: float = 5.0
    """To fetch and check program and input, and to compile."""
    send_seconds: float = 30.0
    """Until a transaction is in a block, fees having been raised once or twice."""

    def run_seconds(self, job: JobRecord) -> float:
        """One run of a task at its longest, until its claim can be sent."""
        return self.start_seconds + job.max_cycles / self.cycles_per_second

    def claim_seconds(self, job: JobRecord) -> float:
        """From taking a task to its claim being on chain, at the longest."""
        return self.run_seconds(job) + 2 * self.send_seconds

    def dispute_seconds(self, job: JobRecord, parameters: Parameters) -> float:
        """The time on one's own clock that a whole game takes at the longest: a run and a send each round."""
        return round_count(job.max_cycles, parameters.arity) * (self.run_seconds(job) + self.send_seconds)


def round_count(cycles: int, arity: int) -> int:
    """How many splits lead from an interval of `cycles` steps to a single one."""
    rounds = 0
    while cycles > 1:
        cycles = -(-cycles // arity)
        rounds += 1
    return rounds
