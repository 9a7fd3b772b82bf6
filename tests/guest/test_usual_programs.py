"""What programs of courses do and a guest computes as Python: kinds that such programs showed."""

from __future__ import annotations

from pathlib import Path

from tests.guest.test_public_code import in_python, printed

RAISING_IN_LOOPS = """
def plain(x):
    if x < 0:
        raise ValueError("neg")
    return x + 1

def again(x, log):
    try:
        made = plain(x)
    except ValueError:
        log.append(x)
        raise
    return made

def at_last(x, log):
    try:
        return plain(x)
    finally:
        log.append(x)

def in_loops():
    log = []
    total = 0
    for k in [1, -2, 3]:
        try:
            total += again(k, log)
        except ValueError:
            total += 100
    for k in [1, -2, 3]:
        try:
            total += at_last(k, log)
        except ValueError as error:
            log.append(len(str(error)))
    return total, log

def with_inner_functions(n):
    log = []
    scale = 2
    def check(x, low=0):
        if x < low:
            raise ValueError(f"{x} below {low}")
        return x * scale
    def safe(x):
        try:
            return check(x)
        except ValueError as error:
            log.append(len(str(error)))
            return -1
        finally:
            log.append(x)
    def whole(x):
        assert x > 0, "none"
        return n // x
    total = 0
    for k in [1, -2, 3]:
        try:
            total += check(k) + safe(-k) + whole(k)
        except (ValueError, AssertionError):
            total += 1000
    return total, log
"""


def test_a_call_that_raises_leaves_nothing_to_the_next_one(tmp_path: Path) -> None:
    """A function with a `try` that had raised from it took its next call in a loop for one that raises."""
    expressions = ("in_loops()", "with_inner_functions(7)")
    assert printed(tmp_path, RAISING_IN_LOOPS, *expressions) == in_python(RAISING_IN_LOOPS, *expressions)
