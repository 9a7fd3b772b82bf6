"""Hands signed transactions to a node, which may hang. The caller waits only for a moment."""

import threading
import time
from dataclasses import dataclass, field

from truestep.adapters.chain.account_node import AccountNode
from truestep.adapters.chain.journal import Entry
from truestep.adapters.chain.refusals import Refusal
from truestep.base.errors import Rejected, Unavailable

HANGING_SECONDS = 5.0
"""A node that takes longer to accept a transaction is reported; most take less than one second."""
BROADCASTS_LIMIT = 32
"""Threads that may wait for a node at the same time. Transactions that find no room are sent later."""


@dataclass(slots=True)
class _Broadcast:
    """A broadcast that has not ended."""

    intent: str
    thread: threading.Thread
    began_seconds: float = field(default_factory=time.monotonic)
    is_told: bool = False
    failure: list[BaseException] = field(default_factory=list[BaseException])


class Broadcasts:
    """When each transaction was handed over, and the node's objections. For any thread."""

    def __init__(self, node: AccountNode, wait_seconds: float) -> None:
        self._node = node
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._under_way: dict[str, _Broadcast] = {}
        self._sent_at_seconds: dict[str, float] = {}
        self._refusals: dict[str, tuple[Refusal, str]] = {}

    def send(self, *entries: Entry) -> None:
        """Broadcast the newest form of each entry in parallel. Waits a moment for all of them."""
        deadline = time.monotonic() + self._wait_seconds
        for entry in entries:
            started = self._start(entry)
            if started is None:
                continue
            started.thread.join(max(deadline - time.monotonic(), 0.0))
            for failure in started.failure:
                raise failure

    def seconds_since(self, entry: Entry) -> float:
        """The time since this process handed over the newest form."""
        with self._lock:
            return time.monotonic() - self._sent_at_seconds.get(entry.attempts[-1].hash, float("-inf"))

    def refusal(self, entry: Entry) -> tuple[Refusal, str] | None:
        """The node's last objection to the newest form."""
        with self._lock:
            return self._refusals.get(entry.attempts[-1].hash)

    def hanging(self) -> list[str]:
        """The intents of broadcasts that take long, each once."""
        now = time.monotonic()
        with self._lock:
            late = [
                each
                for each in self._under_way.values()
                if not each.is_told and now - each.began_seconds >= HANGING_SECONDS
            ]
            for each in late:
                each.is_told = True
        return [each.intent for each in late]

    def forget(self, entry: Entry) -> None:
        """Forget an entry that is done."""
        with self._lock:
            for each in entry.hashes:
                self._sent_at_seconds.pop(each, None)
                self._refusals.pop(each, None)

    def _start(self, entry: Entry) -> _Broadcast | None:
        attempt = entry.attempts[-1]
        with self._lock:
            if attempt.hash in self._under_way or len(self._under_way) >= BROADCASTS_LIMIT:
                return None
            self._sent_at_seconds[attempt.hash] = time.monotonic()
            thread = threading.Thread(
                target=self._hand_over,
                args=(attempt.hash, attempt.raw),
                name=f"broadcast {entry.intent}",
                daemon=True,
            )
            started = self._under_way[attempt.hash] = _Broadcast(intent=entry.intent, thread=thread)
        thread.start()
        return started

    def _hand_over(self, transaction_hash: str, raw: str) -> None:
        """Hand over one form. A failure is not an outcome: only the chain says whether it landed."""
        refusal: tuple[Refusal, str] | None = None
        try:
            meaning, said = self._node.broadcast(raw)
            if meaning is not None and meaning is not Refusal.KNOWN:
                refusal = (meaning, said)
        except (Rejected, Unavailable) as error:
            refusal = (Refusal.OTHER, str(error))
        except BaseException as error:  # nobody sees this thread end: whatever ends it, the sender raises
            self._under_way[transaction_hash].failure.append(error)
        with self._lock:
            self._under_way.pop(transaction_hash, None)
            if refusal is None:
                self._refusals.pop(transaction_hash, None)
            else:
                self._refusals[transaction_hash] = refusal
