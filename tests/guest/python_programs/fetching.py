"""Fetches the packages into the user's cache, once for each list of them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from truestep.guest.user_cache import user_cache

_REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def fetched() -> Path:
    """The folder with all packages, pinned by their hashes."""
    digest = hashlib.sha256(_REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    folder = user_cache() / "python-programs" / digest[:16]
    if not folder.is_dir():
        unfinished = folder.with_suffix(".unfinished")
        options = ("--quiet", "--no-deps", "--require-hashes", "--no-compile", "--upgrade")
        where = ("--target", str(unfinished), "--requirement", str(_REQUIREMENTS))
        subprocess.run([sys.executable, "-m", "pip", "install", *options, *where], check=True)
        unfinished.rename(folder)
    return folder
