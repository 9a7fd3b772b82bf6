"""Work that is asked to stop has not failed: nothing is said of it, and nobody waits to do it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.network import InlineExecutor, Log, ManualClock
from tests.node.keeping.test_deletions import Keeper, Steps
from tests.roles.test_keeper import RECORD
from truestep.adapters.store.sqlite import SqliteStore
from truestep.node.availability.watch_desk import WatchDesk
from truestep.ports.executor import ShouldStop, Stopped
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import ItemId
from truestep.roles.availability.sights import LookAt


def stopped(*_: Any) -> None:
    raise Stopped


def perform(item: object, should_stop: ShouldStop) -> object:
    return stopped(item, should_stop)


def test_a_watcher_says_nothing_of_work_that_it_stops(tmp_path: Path) -> None:
    log, store = Log(), SqliteStore(tmp_path / "state.sqlite")
    executor = InlineExecutor(perform)
    desk = WatchDesk(executor, store, ManualClock(), log)
    item = KnownItem(item_id=ItemId(14), record=RECORD, parts=(), url="", state=ItemState.KEPT, seats={})
    for _ in range(2):
        desk.act(LookAt(item=item), Facts(), now=1)
        assert executor.finished, "it can be begun again at once"
        desk.collect()
    assert not log.lines
    store.close()


def test_a_keeper_says_nothing_of_work_that_it_stops(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.late.append(stopped)
    keeper.run(Steps(), is_new=True)
    assert not keeper.late
    assert "unavailable" not in {kind for kind, _ in keeper.reports}
