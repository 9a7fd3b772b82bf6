"""Errors that no more knowledge of types mends: nothing is looked for after one.

A function that uses what no guest can have fails with whatever types. Each function that calls it would look
for other types of its variables, with those that it calls, and take twice as long as the one below.
"""

import contextlib
from collections.abc import Generator

_inferences: list["Inference"] = []
"""The functions whose types are being inferred, the innermost last."""


class Inference:
    """One inference of a function's types."""

    def __init__(self, *, is_guess: bool) -> None:
        self.is_guess = is_guess
        """Whether the types of variables are guesses."""
        self.is_hopeless = False
        """Whether what failed in it fails with whatever types."""
        self.error: Exception | None = None
        """What it failed with in that case, as soon as that is known."""


@contextlib.contextmanager
def inferring(*, is_guess: bool) -> Generator[Inference]:
    """While the types of a function are inferred."""
    inference = Inference(is_guess=is_guess)
    _inferences.append(inference)
    try:
        yield inference
    except BaseException:
        if inference.is_hopeless and len(_inferences) > 1:
            _inferences[-2].is_hopeless = True
        raise
    finally:
        _inferences.pop()


def note_hopeless() -> None:
    """The function whose types are being inferred fails with whatever types, if these are no guesses."""
    if _inferences and not any(inference.is_guess for inference in _inferences):
        _inferences[-1].is_hopeless = True


def is_hopeless() -> bool:
    """Whether the function whose types are being inferred uses what fails with whatever types."""
    return bool(_inferences) and _inferences[-1].is_hopeless


def keep_hopeless(error: Exception) -> None:
    """Let the other calls of a function that fails with whatever types fail with this error."""
    if is_hopeless():
        _inferences[-1].error = _inferences[-1].error or error


def raise_hopeless() -> None:
    """Raise the error that was kept for the function whose types are being inferred."""
    if _inferences and _inferences[-1].error is not None:
        raise _inferences[-1].error
