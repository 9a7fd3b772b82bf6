"""Offering outputs to blob stores in the background, apart from runs and moves: uploads may take hours."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from truestep.base.errors import Bug
from truestep.node.tasks.outputs import Offered, OutputShelf
from truestep.ports.blobs import OutputFolder, OutputKey
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Stopped
from truestep.ports.reporter import Reporter
from truestep.protocol.claims import ClaimedState

OFFERS_AT_ONCE = 4
"""A few large uploads must not hold up the small ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferItem:
    """Make sure that a blob store has an output. Gives `Offered`."""

    key: OutputKey


class Offers:
    """What is offered to stores, for one thread; the offering is done in others, by `executor`."""

    def __init__(self, *, folder: OutputFolder, executor: Executor, clock: Clock, reporter: Reporter) -> None:
        self._shelf = OutputShelf(folder, reporter)
        self._executor = executor
        self._clock = clock

    def add(self, claimed: ClaimedState) -> None:
        """Offer the output of a run that has ended, if it has one."""
        self._shelf.add(claimed)

    def turn(self) -> None:
        """Take in what came of offers, and begin those that are due."""
        now = self._clock.monotonic_seconds()
        for finished in self._executor.collect():
            match finished.error or finished.value:
                case Offered() as offered:
                    self._shelf.record(offered, now)
                case Stopped():
                    pass
                case Exception() as error:
                    raise error
                case other:
                    raise Bug(f"an offer ended with {type(other)}")
        running = self._executor.running()
        for key in self._shelf.due(now):
            if key not in running and not self._executor.start(key, OfferItem(key=key)):
                return

    def forget_except(
        self, claims: Collection[ClaimedState], before: Callable[[Collection[OutputKey]], object]
    ) -> None:
        """Drop the outputs that none of these claims needs, once a store has them. `before` is told which."""
        self._shelf.forget_except(claims, before)

    def stop(self, deadline_seconds: float) -> None:
        """Ask uploads to end: the next start takes them up again."""
        self._executor.stop(deadline_seconds)
