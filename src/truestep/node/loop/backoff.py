"""How long to wait before the next attempt: longer with each failure, a little at random."""

from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, wait_exponential_jitter

JITTER_SHARE = 0.1
"""Of the first wait: nodes that failed together do not all come back at one moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits that double from `first_seconds` up to `limit_seconds`."""

    first_seconds: float
    limit_seconds: float

    def seconds(self, failures: int) -> float:
        """The wait after so many failures in a row, the first being number 1."""
        wait = wait_exponential_jitter(
            multiplier=self.first_seconds, max=self.limit_seconds, jitter=JITTER_SHARE * self.first_seconds
        )
        state = RetryCallState(retry_object=Retrying(), fn=None, args=(), kwargs={})
        state.attempt_number = failures
        return wait(state)
