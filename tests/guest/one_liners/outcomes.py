"""What can become of a one-liner."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a one-liner."""

    RIGHT = "right"
    REFUSED = "refused"
    """It was not built, or it ended with a message where Python gives a value."""
    WRONG = "wrong"
    """It gave another value than Python: the worst."""
    CRASHED = "crashed"
    """The compiler failed, or the guest trapped."""
