"""What a person should know about the sends of an account: each problem once, and why something waits."""

import time
from collections import deque

from truestep.roles.intents import in_words

ALARMS_LIMIT = 100
"""Alarms kept until they are read; the oldest are dropped first."""
AGAIN_SECONDS = 180.0
"""Interval at which a trouble that many intents have in common is reported again."""


class Alarms:
    """Sentences that say what happened and what to do. For any thread."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=ALARMS_LIMIT)
        self._why: dict[str, str] = {}
        self._said_at_seconds: dict[str, float] = {}

    def take(self) -> tuple[str, ...]:
        """The sentences since the last call."""
        taken: list[str] = []
        while True:
            try:
                taken.append(self._said.popleft())
            except IndexError:
                return tuple(taken)

    def say(self, sentence: str) -> None:
        """Add a sentence."""
        self._said.append(sentence)

    def say_again(self, topic: str, sentence: str) -> None:
        """Add a sentence, unless one about the same topic was added a moment ago."""
        now = time.monotonic()
        if now - self._said_at_seconds.get(topic, float("-inf")) >= AGAIN_SECONDS:
            self._said_at_seconds[topic] = now
            self.say(sentence)

    def tell(self, intent: str, why: str) -> None:
        """Note why an intent waits. It is reported when it is new, and kept for messages about the intent."""
        if self._why.get(intent) != why:
            self._why[intent] = why
            self.say(f"{in_words(intent)} waits: {why}")

    def why(self, intent: str) -> str:
        """Why an intent waits, as far as is known."""
        return self._why.get(intent, "")

    def forget(self, intent: str) -> None:
        """Note that an intent does not wait any longer."""
        self._why.pop(intent, None)
