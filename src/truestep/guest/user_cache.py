"""Where this user's compiled code and guests are kept between runs."""

import os
from pathlib import Path

_NOWHERE = Path(os.devnull)
"""Nothing can be made in it, so that nothing is kept: a folder that all users share could be poisoned."""


def user_cache() -> Path:
    """The directory (XDG base directories); one that cannot be written to for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "truestep"
    except RuntimeError:  # no HOME, and no such user
        return _NOWHERE / "truestep"
