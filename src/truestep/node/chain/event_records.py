"""What a ledger is given to begin with: records of events, and where the events of finished work are."""

from typing import Protocol

from truestep.base.ids import JobId, ProgramId, TaskId
from truestep.protocol import events
from truestep.protocol.event_records import JobEvent
from truestep.protocol.events import ChainEvent


class History(Protocol):
    """Every event that was read, by what it is about."""

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        """The events of one task, its claims and its games, in the chain's order."""
        ...

    def program_registered(self, program_id: ProgramId) -> events.ProgramRegistered | None:
        """The event of a program."""
        ...

    def events_of_job(self, job_id: JobId) -> list[JobEvent]:
        """The events of a job, without those of its tasks, in the chain's order."""
        ...


class NoHistory:
    """Satisfies `History`: everything is in memory, nothing was before."""

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        """None."""
        del task_id
        return []

    def program_registered(self, program_id: ProgramId) -> events.ProgramRegistered | None:
        """None."""
        del program_id

    def events_of_job(self, job_id: JobId) -> list[JobEvent]:
        """None."""
        del job_id
        return []
