"""How a call is refused: with the revert string of the contracts, and no effect."""

from truestep.base.errors import Reject


class Refused(Exception):
    """The call is refused. Nothing has changed."""

    def __init__(self, reason: Reject) -> None:
        super().__init__(reason.value)
        self.reason = reason


def require(condition: bool, reason: Reject) -> None:
    """Refuse the call with `reason` unless the condition holds."""
    if not condition:
        raise Refused(reason)
