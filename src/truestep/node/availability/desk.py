"""What an agent for tasks may have besides: a desk that looks after the data that its tasks depend on."""

from collections.abc import Sequence
from typing import Protocol

from truestep.roles.actions import Alert, Send
from truestep.roles.views import View


class Desk(Protocol):
    """For the thread of the agent's loop. Its own work is done in the background."""

    def collect(self) -> bool:
        """Take in what ended in the background; whether anything did."""
        ...

    def decide(self, view: View) -> Sequence[Send | Alert]:
        """What to send and to say. What else is to be done, the desk remembers."""
        ...

    def act(self) -> None:
        """Begin what the last `decide` wants done."""
        ...

    def close(self, deadline_seconds: float) -> None:
        """Ask background work to end, and wait for it at most so long."""
        ...
