"""What daemons on the stage say: into a file, and kept for what asks whether something was said."""

import json
import time
from pathlib import Path


class Reports:
    """Satisfies `truestep.ports.reporter.Reporter`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", buffering=1)
        self._kinds: set[str] = set()

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """Write a line."""
        self._kinds.add(kind)
        if not self._file.closed:
            line = {"time": round(time.time(), 3), "kind": kind, "message": message, **fields}
            self._file.write(f"{json.dumps(line)}\n")

    def has_said(self, kind: str) -> bool:
        """Whether there was a report of this kind."""
        return kind in self._kinds

    def close(self) -> None:
        """Close the file; what is said later is lost."""
        self._file.close()
