"""Verifies cells from keepers as they come: all that wait in one batch, in a thread."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from truestep.availability.cells import Cell, Verdict, judge
from truestep.base.errors import Rejected
from truestep.commitments.kzg import Kzg

BATCH_CELLS = 1_024
"""2 MiB. A batch costs less per cell the larger it is, up to some hundreds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    cells: Sequence[Cell]
    answer: "asyncio.Future[Verdict]"


class Verifier:
    """For one event loop, and the commitments of one item."""

    def __init__(self, kzg: Kzg, commitments: Sequence[bytes]) -> None:
        self._kzg = kzg
        self._commitments = commitments
        self._waiting: list[_Job] = []
        self._work: asyncio.Task[None] | None = None

    async def judged(self, cells: Sequence[Cell]) -> Verdict:
        """What is right of the cells of one answer, and the first wrong one of it.

        Of a source that is wrong somewhere nothing may be right. Raises `Rejected` if a commitment is no
        commitment.
        """
        if not cells:
            return Verdict(right=(), faults=())
        job = _Job(cells=cells, answer=asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._work is None or self._work.done():  # a task of its own: whoever began it may be cancelled
            self._work = asyncio.create_task(self._judge_all())
        return await job.answer

    async def _judge_all(self) -> None:
        while self._waiting:
            jobs = self._next()
            together = [cell for job in jobs for cell in job.cells]
            try:
                verdict = await asyncio.to_thread(
                    judge, self._kzg, self._commitments, together, is_hasty=True
                )
            except Rejected as error:
                for job in jobs:
                    if not job.answer.done():
                        job.answer.set_exception(error)
                continue
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_result(_part(verdict, job.cells))

    def _next(self) -> list[_Job]:
        jobs, count = list[_Job](), 0
        while self._waiting and count < BATCH_CELLS:
            job = self._waiting.pop(0)
            if not job.answer.cancelled():
                jobs.append(job)
                count += len(job.cells)
        return jobs


def _part(verdict: Verdict, cells: Sequence[Cell]) -> Verdict:
    """What a verdict says of some cells and of their source."""
    mine = set(map(id, cells))
    sources = {cell.source for cell in cells}
    return Verdict(
        right=tuple(cell for cell in verdict.right if id(cell) in mine),
        faults=tuple(fault for fault in verdict.faults if fault.source in sources),
    )
