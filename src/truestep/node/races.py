"""What a worker remembers of races for open tasks (`truestep.roles.races`)."""

from collections.abc import Collection

from truestep.base.ids import Address
from truestep.node.chain.ledger import Ledger
from truestep.roles.actions import Action
from truestep.roles.races import Races
from truestep.roles.views import View


class RacesPart:
    """Leaves open tasks to others for a while after a lost race. After a restart it begins anew."""

    def __init__(self) -> None:
        self._races = Races()

    def look(self, ledger: Ledger, operator: Address, now: int) -> None:
        """See what has become of takes."""
        self._races = self._races.at(now, operator, ledger.task)

    def seen(self, view: View) -> View:
        """What may be taken of it now."""
        self._races = self._races.seeing(view)
        return self._races.left(view)

    def noted(self, view: View, actions: Collection[Action]) -> list[Action]:
        """The actions, whose takes are remembered."""
        self._races = self._races.tried(view.now, view.tasks, actions)
        return [*actions]
