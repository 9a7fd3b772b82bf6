"""A guest's debug output, made safe for a terminal and limited."""

import codecs
import sys
from collections.abc import Callable

from truestep.base.text import LAYOUT, counted, visible

DEBUG_LIMIT_BYTES = 1 << 20
"""A guest may print as long as it runs, but nobody reads more than this."""

Write = Callable[[str], object]


class DebugOutput:
    r"""A debug sink. Pass it to `run` and call `close` after the run, or use it in a `with` statement.

    The guest may be hostile: bytes that would control the terminal are shown as escapes (`\x1b`), and so are
    bytes that are not UTF-8. Output after `limit_bytes` is counted and dropped. Never raises.
    """

    def __init__(self, write: Write | None = None, *, limit_bytes: int = DEBUG_LIMIT_BYTES) -> None:
        self._write = write or _write_to_stderr
        self._limit_bytes = limit_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._shown_bytes = 0
        self._is_at_line_start = True
        self.dropped_bytes = 0

    def __call__(self, text: bytes) -> None:
        """Show the next bytes, up to the limit."""
        shown = text[: self._limit_bytes - self._shown_bytes]
        self._shown_bytes += len(shown)
        self.dropped_bytes += len(text) - len(shown)
        self._show(self._decoder.decode(shown))

    def __enter__(self) -> "DebugOutput":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Show the rest of an unfinished character, and how much was dropped."""
        self._show(self._decoder.decode(b"", final=True))
        if not self._is_at_line_start:
            self._show("\n")
        if self.dropped_bytes:
            self._show(
                f"… {counted(self.dropped_bytes, 'more byte')} of debug output dropped"
                f" (the first {self._limit_bytes:,} are shown)\n"
            )

    def _show(self, text: str) -> None:
        if not text:
            return
        self._is_at_line_start = text.endswith("\n")
        try:
            self._write(visible(text, keep=LAYOUT))
        except (OSError, ValueError):  # its reader is gone, which is no reason to end the run
            self._limit_bytes = self._shown_bytes


def _write_to_stderr(text: str) -> None:
    sys.stderr.write(text)
