import threading
from collections.abc import Callable, Hashable
from typing import cast

from truestep.adapters.executor.threads import ThreadExecutor
from truestep.ports.executor import Finished, ShouldStop, Stopped


def call(item: object, should_stop: ShouldStop) -> object:
    """Items of these tests are functions."""
    return cast("Callable[[ShouldStop], object]", item)(should_stop)


def collected(executor: ThreadExecutor, count: int) -> dict[Hashable, Finished]:
    """The next `count` items to end."""
    found: dict[Hashable, Finished] = {}
    while len(found) < count:
        found |= {finished.key: finished for finished in executor.collect()}
    return found


def test_items_run_side_by_side_up_to_the_limit() -> None:
    executor, together = ThreadExecutor(2, call), threading.Barrier(2)
    for key in ("a", "b"):
        assert executor.start(key, lambda _, key=key: (together.wait(), key)[1])
    assert {key: each.value for key, each in collected(executor, 2).items()} == {"a": "a", "b": "b"}
    assert executor.running() == frozenset()
    assert executor.has_room()


def test_a_full_executor_and_a_known_key_are_refused() -> None:
    executor, release = ThreadExecutor(2, call), threading.Event()
    assert executor.start("a", lambda _: release.wait())
    assert not executor.start("a", lambda _: None)
    assert executor.start("b", lambda _: release.wait())
    assert not executor.start("c", lambda _: None)
    assert executor.running() == {"a", "b"}
    release.set()
    collected(executor, 2)


def test_a_failure_is_handed_over_and_the_end_is_told() -> None:
    def fail(_: ShouldStop) -> None:
        raise ValueError("broken")

    told = threading.Event()
    executor = ThreadExecutor(1, call, told.set)
    executor.start("a", fail)
    assert told.wait(60)
    error = collected(executor, 1)["a"].error
    assert isinstance(error, ValueError)
    assert str(error) == "broken"


def endless(should_stop: ShouldStop) -> None:
    while not should_stop():
        pass
    raise Stopped


def test_stopping_asks_all_items_to_give_up() -> None:
    executor = ThreadExecutor(2, call)
    executor.start("a", endless)
    executor.stop(deadline_seconds=60)
    assert isinstance(collected(executor, 1)["a"].error, Stopped)
    assert not executor.start("b", lambda _: None)


def test_one_item_can_be_asked_to_give_up_and_its_key_used_again() -> None:
    executor, release = ThreadExecutor(2, call), threading.Event()
    executor.start("a", endless)
    executor.start("b", lambda _: release.wait(60))
    executor.ask_to_stop("a")
    executor.ask_to_stop("unknown")
    assert isinstance(collected(executor, 1)["a"].error, Stopped)
    assert executor.start("a", lambda should_stop: should_stop())
    assert collected(executor, 1)["a"].value is False
    release.set()
    assert collected(executor, 1)["b"].value is True
