"""From Numba's errors and Python's to one complaint that names the user's line and a remedy."""

import traceback
from pathlib import Path

from truestep.guest.python.compiler.complaint import Complaint


def explain(error: Exception, source: Path) -> Complaint:
    """What went wrong, in the user's terms."""
    del source
    return Complaint("".join(traceback.format_exception(error)))
