"""A daemon that is honest in everything, except that it leaves some actions undone."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from truestep.node.loop.loop import Site
from truestep.ports.executor import Finished

View_co = TypeVar("View_co", covariant=True)
Action = TypeVar("Action")


class Withholding(Generic[View_co, Action]):
    """Satisfies `truestep.node.loop.loop.Site` over an honest site."""

    def __init__(self, honest: Site[View_co, Action], never: Callable[[Action], bool]) -> None:
        """`never` says of an action whether it is left undone."""
        self._honest = honest
        self._never = never

    def collect(self) -> bool:
        """As the honest one does."""
        return self._honest.collect()

    def look(self) -> None:
        """As the honest one does."""
        self._honest.look()

    def decide(self) -> tuple[View_co, Sequence[Action]]:
        """As the honest one does."""
        return self._honest.decide()

    def act(self, actions: Sequence[Action]) -> None:
        """Carry out what is not left undone."""
        self._honest.act([action for action in actions if not self._never(action)])

    def poll_seconds(self) -> float:
        """As the honest one does."""
        return self._honest.poll_seconds()

    def close(self) -> None:
        """As the honest one does."""
        self._honest.close()


class Idle:
    """Satisfies `truestep.ports.executor.Executor`, and does nothing of what it is given."""

    def has_room(self) -> bool:
        """There is none."""
        return False

    def start(self, key: Hashable, item: object) -> bool:
        """Nothing begins."""
        del key, item
        return False

    def running(self) -> frozenset[Hashable]:
        """Nothing runs."""
        return frozenset()

    def ask_to_stop(self, key: Hashable) -> None:
        """There is nothing to stop."""

    def collect(self) -> list[Finished]:
        """Nothing ends."""
        return []

    def stop(self, deadline_seconds: float) -> None:
        """There is nothing to stop."""
