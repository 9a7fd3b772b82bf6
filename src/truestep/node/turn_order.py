"""What a node does in its turn, of what others may do as well (`truestep.roles.turn_order`)."""

from collections.abc import Sequence

from truestep.node.tasks.world import World
from truestep.roles import turn_order
from truestep.roles.actions import Action
from truestep.roles.views import View


class TurnOrder:
    """Remembers since when a node wants what it wants. After a restart its turns begin anew."""

    def __init__(self, world: World, turn_seconds: int) -> None:
        self._world = world
        self._turn_seconds = turn_seconds
        self._wanted = turn_order.NOTHING_WANTED

    def due(self, view: View, actions: Sequence[Action]) -> list[Action]:
        """The actions without those whose turn has not come."""
        self._wanted = self._wanted.at(view.now, actions)
        facts, seconds = self._world.chain.facts(), self._turn_seconds
        return turn_order.in_turn(view.now, facts, view.operator, seconds, self._wanted, actions)
