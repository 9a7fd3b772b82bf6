"""A failure of a random test tells what replays it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def replayable(seed: int, tally: Counter[str]) -> Iterator[None]:
    """Adds the seed, and the number of the step, to whatever is raised: also when somebody interrupts."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"seed {seed}, step {tally.total()}")
        raise
