import threading

from truestep.adapters.executor.threads import ThreadExecutor
from truestep.ports.executor import Finished, ShouldStop, Stopped


def collected(executor: ThreadExecutor, count: int) -> dict[str, Finished]:
    """The next `count` works to end."""
    found: dict[str, Finished] = {}
    while len(found) < count:
        found |= {finished.key: finished for finished in executor.collect()}
    return found


def test_works_run_side_by_side_up_to_the_limit() -> None:
    executor, together = ThreadExecutor(limit=2), threading.Barrier(2)
    for key in ("a", "b"):
        assert executor.start(key, lambda _, key=key: (together.wait(), key)[1])
    assert {key: each.value for key, each in collected(executor, 2).items()} == {"a": "a", "b": "b"}
    assert executor.running() == frozenset()
    assert executor.has_room()


def test_a_full_executor_and_a_known_key_are_refused() -> None:
    executor, release = ThreadExecutor(limit=2), threading.Event()
    assert executor.start("a", lambda _: release.wait())
    assert not executor.start("a", lambda _: None)
    assert executor.start("b", lambda _: release.wait())
    assert not executor.start("c", lambda _: None)
    assert executor.running() == {"a", "b"}
    release.set()
    collected(executor, 2)


def test_a_failure_is_handed_over() -> None:
    def fail(_: ShouldStop) -> None:
        raise ValueError("broken")

    executor = ThreadExecutor(limit=1)
    executor.start("a", fail)
    error = collected(executor, 1)["a"].error
    assert isinstance(error, ValueError)
    assert str(error) == "broken"


def test_stopping_asks_the_works_to_give_up() -> None:
    started = threading.Event()

    def endless(should_stop: ShouldStop) -> None:
        while not should_stop():
            started.set()
        raise Stopped

    executor = ThreadExecutor(limit=2)
    executor.start("a", endless)
    started.wait()
    executor.stop(deadline_seconds=60)
    assert isinstance(collected(executor, 1)["a"].error, Stopped)
    assert not executor.start("b", lambda _: None)
