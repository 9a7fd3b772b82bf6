"""Background work in threads: engines release the interpreter's lock while they run."""

import threading
import time
from collections.abc import Callable, Hashable

from truestep.ports.executor import Finished, Perform


class ThreadExecutor:
    """Satisfies `truestep.ports.executor.Executor`: at most `limit` items at a time, one thread each.

    `on_finished` is called in an item's thread when it has ended, so that whoever waits can look at once.
    """

    def __init__(self, limit: int, perform: Perform, on_finished: Callable[[], None] = lambda: None) -> None:
        if limit < 1:
            raise ValueError(f"expected room for at least one item, got {limit}")
        self._limit = limit
        self._perform = perform
        self._on_finished = on_finished
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._threads: dict[Hashable, threading.Thread] = {}
        self._asked_to_stop: set[Hashable] = set()
        self._finished: list[Finished] = []

    def has_room(self) -> bool:
        """Whether `start` would accept another item."""
        with self._mutex:
            return len(self._threads) - len(self._finished) < self._limit and not self._stopping.is_set()

    def start(self, key: Hashable, item: object) -> bool:
        """Begin an item; False if there is no room or the key is there already."""
        if not self.has_room():
            return False
        with self._mutex:
            if key in self._threads:
                return False
            thread = threading.Thread(target=self._run, args=(key, item), name=f"{key}", daemon=True)
            self._threads[key] = thread
        thread.start()
        return True

    def running(self) -> frozenset[Hashable]:
        """The keys of items begun and not yet collected."""
        with self._mutex:
            return frozenset(self._threads)

    def ask_to_stop(self, key: Hashable) -> None:
        """Ask one item to give up."""
        with self._mutex:
            if key in self._threads:
                self._asked_to_stop.add(key)

    def collect(self) -> list[Finished]:
        """The items that ended since the last call."""
        with self._mutex:
            finished, self._finished = self._finished, []
            for ended in finished:
                del self._threads[ended.key]
                self._asked_to_stop.discard(ended.key)
        return finished

    def stop(self, deadline_seconds: float) -> None:
        """Ask all items to give up and wait for them."""
        self._stopping.set()
        deadline = time.monotonic() + deadline_seconds
        with self._mutex:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, key: Hashable, item: object) -> None:
        def should_stop() -> bool:
            return self._stopping.is_set() or key in self._asked_to_stop

        try:
            finished = Finished(key=key, value=self._perform(item, should_stop))
        except Exception as error:  # handed to the caller of collect()
            finished = Finished(key=key, error=error)
        with self._mutex:
            self._finished.append(finished)
        self._on_finished()
