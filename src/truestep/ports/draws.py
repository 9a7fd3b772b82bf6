"""Whether the network's randomness draws something now."""

from typing import Protocol


class Draws(Protocol):
    """Asked by the loop of a daemon, at every look."""

    def can_draw(self, since: int) -> bool:
        """Whether a round draws now what happened then. Raises `Unavailable` if no node answers."""
        ...
