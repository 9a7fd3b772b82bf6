"""The guardian's stop of all ends of batches (docs/protocol.md S2.4)."""

from truestep.base.errors import Reject
from truestep.protocol.settlement.contracts.assurances import Stop, Stopped
from truestep.protocol.settlement.parameters import DAY_SECONDS
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import LifeCycle, Turn

STOP_LIMIT_SECONDS = 7 * DAY_SECONDS
STOP_PAUSE_SECONDS = 30 * DAY_SECONDS
"""From the start of a stop to that of the next, so that a guardian cannot stop for ever."""


def stop(turn: Turn, call: Stop) -> None:
    """Let no batch end for a while."""
    deployment, now = turn.state.deployment, turn.message.now
    is_guardian = turn.message.sender == deployment.guardian and now < deployment.guardian_until
    require(is_guardian, Reject.NOT_GUARDIAN)
    require(0 < call.seconds <= STOP_LIMIT_SECONDS, Reject.STOP_BOUNDS)
    require(now >= turn.state.stopped_at + STOP_PAUSE_SECONDS, Reject.STOP_TOO_SOON)
    turn.change(stopped_at=now, stopped_until=now + call.seconds)
    turn.emit(Stopped(until=turn.state.stopped_until))


def require_no_stop(state: LifeCycle, now: int) -> None:
    """Refuse the end of a batch while it is stopped."""
    require(now > state.stopped_until, Reject.FINALIZE_STOPPED)
