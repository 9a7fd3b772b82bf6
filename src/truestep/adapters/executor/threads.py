"""Background work in threads: engines release the interpreter's lock while they run."""

import threading
import time
from collections.abc import Callable

from truestep.ports.executor import Finished, ShouldStop


class ThreadExecutor:
    """Satisfies `truestep.ports.executor.Executor`: at most `limit` works at a time, one thread each."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"expected room for at least one work, got {limit}")
        self._limit = limit
        self._mutex = threading.Lock()
        self._stopping = threading.Event()
        self._threads: dict[str, threading.Thread] = {}
        self._finished: list[Finished] = []

    def has_room(self) -> bool:
        """Whether `start` would accept another work."""
        with self._mutex:
            return len(self._threads) - len(self._finished) < self._limit and not self._stopping.is_set()

    def start(self, key: str, work: Callable[[ShouldStop], object]) -> bool:
        """Begin `work`; False if there is no room or the key is there already."""
        if not self.has_room():
            return False
        with self._mutex:
            if key in self._threads:
                return False
            thread = threading.Thread(target=self._run, args=(key, work), name=key, daemon=True)
            self._threads[key] = thread
        thread.start()
        return True

    def running(self) -> frozenset[str]:
        """The keys of works begun and not yet collected."""
        with self._mutex:
            return frozenset(self._threads)

    def collect(self) -> list[Finished]:
        """The works that ended since the last call."""
        with self._mutex:
            finished, self._finished = self._finished, []
            for work in finished:
                del self._threads[work.key]
        return finished

    def stop(self, deadline_seconds: float) -> None:
        """Ask all works to give up and wait for them."""
        self._stopping.set()
        deadline = time.monotonic() + deadline_seconds
        with self._mutex:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, key: str, work: Callable[[ShouldStop], object]) -> None:
        try:
            finished = Finished(key=key, value=work(self._stopping.is_set))
        except Exception as error:  # handed to the caller of collect()
            finished = Finished(key=key, error=error)
        with self._mutex:
            self._finished.append(finished)
