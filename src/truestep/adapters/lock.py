"""Locks files against other processes. The kernel frees a lock when its holder ends, even after a kill."""

import fcntl
import os
from pathlib import Path
from typing import IO


class Held(Exception):
    """Another process has the lock. `holder` is its number, or `unknown`."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"process {holder} has the lock")
        self.holder = holder


def hold(path: Path) -> IO[str]:
    """Lock the file at `path` until it is closed. Raises Held, and OSError if it cannot be opened."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_file = path.open("a+", encoding="ascii")
    try:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock_file.seek(0)
        holder = lock_file.read().strip() or "unknown"
        lock_file.close()
        raise Held(holder) from error
    lock_file.truncate(0)
    lock_file.write(str(os.getpid()))
    lock_file.flush()
    return lock_file
