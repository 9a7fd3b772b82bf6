"""Pauses before the next attempt, which grow with each failure and are slightly random."""

from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, wait_exponential_jitter

JITTER_SHARE = 0.1
"""The random share of the first pause, so that nodes that failed together do not return together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Pauses that double from `first_seconds` up to `limit_seconds`."""

    first_seconds: float
    limit_seconds: float

    def seconds(self, failures: int) -> float:
        """The pause after this many failures in a row."""
        wait = wait_exponential_jitter(
            multiplier=self.first_seconds, max=self.limit_seconds, jitter=JITTER_SHARE * self.first_seconds
        )
        state = RetryCallState(retry_object=Retrying(), fn=None, args=(), kwargs={})
        state.attempt_number = failures
        return wait(state)
