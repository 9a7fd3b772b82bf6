"""What comes from outside: a call, by whom, when, and with what."""

from enum import Enum

from truestep.base.ids import Address
from truestep.base.records import record


class Stranger(Enum):
    """How the contract of a stranger behaves that a call meets: a token, a receiver, a consumer."""

    WILLING = "does what it is asked"
    REFUSES = "reverts or says no"
    KEEPS_A_PART = "a token that delivers less than it says"


@record
class Message:
    """A call, and what comes with it."""

    sender: Address
    now: int
    call: object
    """One of the calls in `contracts`."""
    value_wei: int = 0
    stranger: Stranger = Stranger.WILLING
