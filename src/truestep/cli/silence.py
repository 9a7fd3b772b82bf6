"""Says what a command waits for when nothing has been printed for a while, and what Ctrl-C leaves behind."""

import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

FIRST_SECONDS, SILENT_SECONDS = 5.0, 10.0
"""Silence before the first line, and between the next ones: a person begins to wonder."""


class Silence:
    """Watches over one command. For any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._words = ""
        self._since = self._said = clock()
        self._said_count = 0
        self._drawn = 0
        self._left_behind = self._in_flight = ""
        self._over = threading.Event()
        self._speaking = threading.Lock()
        self._say: Callable[[str], None] | None = None

    def begin(self, say: Callable[[str], None]) -> None:
        """Let `say` print its lines from now on."""
        if self._say is None:
            self._say = say
            threading.Thread(target=self._watch, name="silence", daemon=True).start()

    def end(self) -> None:
        """Say nothing any more: the result is printed. A line that is being printed comes before it."""
        with self._speaking:
            self._over.set()

    # --- what the command does ----------------------------------------------------------------------------

    def doing(self, words: str) -> None:
        """From now on the command waits for this; empty: for nothing."""
        with self._lock:
            if words != self._words:
                self._words, self._since, self._said_count = words, self._clock(), 0

    def progress(self, words: str) -> None:
        """The same wait goes on, and this is how far it is."""
        with self._lock:
            self._words = words

    def has_spoken(self) -> None:
        """Something was printed just now."""
        with self._lock:
            self._said = self._clock()

    def draw(self, change: int) -> None:
        """A progress bar begins or ends; while there is one, nobody wonders."""
        with self._lock:
            self._drawn += change
            self._said = self._clock()

    def leave_behind(self, sentence: str) -> None:
        """What exists now although the command may be ended, and how to go on."""
        self._left_behind = sentence

    def in_flight(self, words: str) -> None:
        """A transaction is sent and not in a block yet; empty: none."""
        self._in_flight = words
        if words:
            self.doing(f"waiting for a block with the transaction: {words}")

    @property
    def last_words(self) -> tuple[str, ...]:
        """What to say when the command is interrupted."""
        sent = f"a transaction was sent and may still take place: {self._in_flight}"
        return tuple(words for words in (sent if self._in_flight else "", self._left_behind) if words)

    # --- its own thread -----------------------------------------------------------------------------------

    def due(self) -> str:
        """The line to print now; empty if it is not time yet, or there is nothing to say."""
        with self._lock:
            now = self._clock()
            limit = SILENT_SECONDS if self._said_count else FIRST_SECONDS
            if not self._words or self._drawn or now - self._said < limit:
                return ""
            self._said, self._said_count = now, self._said_count + 1
            seconds = round(now - self._since)
            return f"{self._words} ({seconds} s)" if seconds else self._words

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            words = self.due()
            with self._speaking:
                if words and self._say is not None and not self._over.is_set():
                    self._say(words)


_silences: ContextVar[Silence | None] = ContextVar("silence", default=None)


def begin_silence() -> Silence:
    """Of the command that begins now."""
    silence = Silence()
    _silences.set(silence)
    return silence


def silence_now() -> Silence:
    """Of the command that runs; one that nobody hears outside of commands."""
    return _silences.get() or Silence()
