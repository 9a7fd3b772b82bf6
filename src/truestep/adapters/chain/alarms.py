"""What a person should hear about the sends of an account: once each, and why something waits."""

from collections import deque

ALARMS_LIMIT = 100
"""Alarms that are kept for whoever asks; the oldest go first."""


class Alarms:
    """Sentences that say what happened and what to do. For any thread."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=ALARMS_LIMIT)
        self._why: dict[str, str] = {}

    def take(self) -> tuple[str, ...]:
        """What was said since the last call."""
        taken: list[str] = []
        while True:
            try:
                taken.append(self._said.popleft())
            except IndexError:
                return tuple(taken)

    def say(self, sentence: str) -> None:
        """Something happened."""
        self._said.append(sentence)

    def tell(self, intent: str, why: str) -> None:
        """Why an intent waits: said when it is news, and kept for whoever waits with it."""
        if self._why.get(intent) != why:
            self._why[intent] = why
            self.say(f"{intent} waits: {why}")

    def why(self, intent: str) -> str:
        """Why an intent waits, as far as is known."""
        return self._why.get(intent, "")

    def forget(self, intent: str) -> None:
        """It does not wait any longer."""
        self._why.pop(intent, None)
