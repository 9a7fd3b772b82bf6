"""Keepers that sign for what they do not have, for a friend."""

from truestep.drills.items import kept_item, published
from truestep.drills.keepers import Keeper, Vice, enrolled, keeper, keepers
from truestep.drills.stage import Stage
from truestep.roles.keeper import URGENT, Action, Prepare, SendKept
from truestep.simulation.hostile_keepers import CarelessHands

NEIGHBOUR = "neighbour"


def answers_nothing(action: Action) -> bool:
    """Whether an action is part of an answer to a challenge or a demand."""
    return isinstance(action, Prepare) or (isinstance(action, SendKept) and isinstance(action.call, URGENT))


def friends_beside_others(stage: Stage) -> list[Keeper]:
    """Two friends, in a network where two honest keepers have no share left for another seat.

    So whatever is registered now is kept by the friends, and whoever looks for data does reach keepers.
    """
    keepers(stage, ["keeper 1", "keeper 2"], shares=1)
    kept_item(stage, stage.key(NEIGHBOUR), published(stage, b"what is kept all the while " * 100), 2)
    vice = Vice(never=answers_nothing, hands=CarelessHands)
    friends = [keeper(stage, f"friend {number}", vice=vice, shares=2) for number in (1, 2)]
    enrolled(stage, friends)
    return friends
