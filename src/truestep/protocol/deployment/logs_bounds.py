"""The bounds of the terms of logs (docs/logs.md L4.2). A test compares each with what Anchors accepts."""

from dataclasses import asdict

from truestep.base.errors import Reject
from truestep.protocol.deployment.bounds import Bound, Values, check_bounds
from truestep.protocol.logs.anchors import (
    BOND_LIMIT_WEI,
    EPOCH_MAX_SECONDS,
    EPOCH_MIN_SECONDS,
    EPOCHS_TO_EXIT,
    EXIT_MAX_SECONDS,
    Terms,
)


def check_terms(terms: Terms) -> None:
    """Raise `Rejected` for terms that Anchors refuses; the message names every bound."""
    check_bounds(asdict(terms), term_bounds(asdict(terms)))


def term_bounds(values: Values) -> dict[str, Bound]:
    """The bounds of L4.2."""
    return {
        "bond_wei": Bound(least=1, most=BOND_LIMIT_WEI, reason=Reject.BOND_BOUNDS),
        "epoch_seconds": Bound(least=EPOCH_MIN_SECONDS, most=EPOCH_MAX_SECONDS, reason=Reject.EPOCH_BOUNDS),
        "exit_seconds": Bound(
            least=EPOCHS_TO_EXIT * values["epoch_seconds"],
            least_because=f"{EPOCHS_TO_EXIT} x epoch",
            most=EXIT_MAX_SECONDS,
            reason=Reject.EXIT_BOUNDS,
        ),
    }
