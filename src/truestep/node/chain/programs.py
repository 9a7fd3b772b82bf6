"""The programs that a ledger has in memory: those of live jobs, and the newest of the others."""

from truestep.base.ids import ProgramId
from truestep.node.chain.event_records import History
from truestep.protocol.event_records import program_record
from truestep.protocol.records import ProgramRecord

IDLE_PROGRAMS_LIMIT = 1_000
"""Programs without a live job that stay in memory: most get one within seconds. Others are read again."""


class Programs:
    """Programs, and how many live jobs need each. The history has all of them."""

    def __init__(self, history: History) -> None:
        self.records: dict[ProgramId, ProgramRecord] = {}
        self._history = history
        self._job_counts: dict[ProgramId, int] = {}
        self._idle: dict[ProgramId, None] = {}

    def add(self, program: ProgramRecord) -> None:
        """Keep a program; the oldest idle one may leave."""
        self.records[program.program_id] = program
        if program.program_id not in self._job_counts:
            self._keep_idle(program.program_id)

    def find(self, program_id: ProgramId) -> ProgramRecord | None:
        """A program, from memory or from the history; None if its event was not read."""
        if program_id not in self.records:
            event = self._history.program_registered(program_id)
            if event is not None:
                self.add(program_record(event))
        return self.records.get(program_id)

    def discard(self, program_id: ProgramId) -> None:
        """Forget a program whose event was undone."""
        self.records.pop(program_id, None)
        self._idle.pop(program_id, None)

    def use(self, program_id: ProgramId) -> None:
        """One more live job needs this program."""
        self._job_counts[program_id] = self._job_counts.get(program_id, 0) + 1
        self._idle.pop(program_id, None)

    def release(self, program_id: ProgramId) -> None:
        """One job less needs this program."""
        self._job_counts[program_id] -= 1
        if not self._job_counts[program_id]:
            del self._job_counts[program_id]
            self._keep_idle(program_id)

    def _keep_idle(self, program_id: ProgramId) -> None:
        self._idle[program_id] = None
        if len(self._idle) > IDLE_PROGRAMS_LIMIT:
            oldest = next(iter(self._idle))
            del self._idle[oldest]
            self.records.pop(oldest, None)
