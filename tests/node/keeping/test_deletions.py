"""What a keeper drops it signs for, once, whenever it is killed in between and whatever fails."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from web3 import Account

from tests.node.keeping.test_chronicle import ScriptedChain
from tests.roles.test_keeper import RECORD, RULES
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers.deletion import DeletionFolder, check_deletion, parse_deletion
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.store.sqlite import SqliteStore
from truestep.availability.cells import run_cells
from truestep.availability.manifest import Manifest
from truestep.availability.parts import Part, parts_hash
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.node.chain.outbox import Courier
from truestep.node.keeping.agent import KeeperAgent, KeeperBench, KeeperWorld
from truestep.node.keeping.notes import Notes
from truestep.ports.cells import RunKey
from truestep.ports.chain import Head
from truestep.ports.executor import Finished, Perform
from truestep.ports.keeping import Deletions, Funds
from truestep.protocol.availability.contracts.items import (
    Acknowledged,
    Drawn,
    ItemState,
    Registered,
    StateChanged,
)
from truestep.protocol.availability.contracts.keepers import Enrolled
from truestep.protocol.availability.ids import ItemId, KeeperId
from truestep.roles.keeper import FORGET_SECONDS, KeeperPolicy, KeptFor

KEEPER = Account.from_key(b"\1" * 32)
ITEMS = Address(KEEPER.address)
PART = Part(root=Bytes32(bytes(32)), depth=24, first_leaf=0, leaf_count=5_000)
MANIFEST = Manifest(parts=(PART,), commitments=(b"\xc0" + bytes(47), b"\xc0" + bytes(47)))
NAME = MANIFEST.name
FIRST, UNTIL = 96, 1_000
STEPS = 12
"""More than there are between the decision to drop and the report of it."""


class Killed(BaseException):
    """The process ends here."""


class Steps:
    """Counts what touches a disk, and lets one of these steps go wrong, before or after it is done."""

    def __init__(self, wrong: int = -1, error: BaseException | None = None, *, is_done: bool = False) -> None:
        self._left, self._error, self._is_done = wrong, error, is_done
        self.has_failed = False

    def run(self, step: Any, *args: Any) -> Any:
        self._left -= 1
        is_wrong = self._left == -1 and self._error is not None
        done = step(*args) if not is_wrong or self._is_done else None
        if is_wrong and self._error is not None:
            self.has_failed = True
            raise self._error
        return done


class Stepped:
    """Some methods of `inner` are steps."""

    def __init__(self, inner: object, steps: Steps, *names: str) -> None:
        self._inner, self._steps, self._names = inner, steps, names

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        return (lambda *args: self._steps.run(method, *args)) if name in self._names else method


class SteppedCells(DirectoryCells):
    """Each file that is removed is a step."""

    steps = Steps()

    def _remove(self, name: str) -> None:
        self.steps.run(super()._remove, name)


class Hands:
    """A shelf without anything else."""

    def __init__(self, shelf: Shelf, late: list[Callable[[Shelf], None]]) -> None:
        """`late` happens after the next drops."""
        self._shelf, self._late = shelf, late

    def runs(self) -> Mapping[tuple[Bytes32, int], int]:
        return self._shelf.runs()

    def forget(self, name: Bytes32, first_cell: int) -> None:
        self._shelf.drop_run(name, first_cell)
        if self._late:
            self._late.pop()(self._shelf)


class Chain(ScriptedChain):
    """Tells nothing but the time: a day after the item is over."""

    account = ITEMS

    def head(self) -> Head:
        return replace(super().head(), time_seconds=UNTIL + FORGET_SECONDS + 1)

    def __getattr__(self, name: str) -> Any:
        given = {
            "rules": RULES,
            "shares": 0,
            "funds": Funds(wallet_wei=0, credits={}),
            "alarms": (),
            "refresh": (),
        }
        return lambda *_: given[name]


class AtOnce:
    """Performs work when it is begun."""

    def __init__(self, perform: Perform) -> None:
        self._perform, self._finished = perform, list[Finished]()

    def start(self, key: Hashable, item: object) -> bool:
        try:
            self._finished.append(Finished(key=key, value=self._perform(item, lambda: False)))
        except Exception as error:
            self._finished.append(Finished(key=key, error=error))
        return True

    def collect(self) -> list[Finished]:
        finished, self._finished = self._finished, []
        return finished

    def running(self) -> frozenset[Hashable]:
        return frozenset()

    def has_room(self) -> bool:
        return True


class Keeper:
    """A keeper's disk, and its process as often as it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, 0.0
        self.reports: list[tuple[str, list[Path]]] = []
        self.late: list[Callable[[Shelf], None]] = []
        notes = Notes(SqliteStore(folder / "state.sqlite"))
        notes.keep((NAME, FIRST), KeptFor(item_id=ItemId(7), index=3, since=5, until=UNTIL))

    def lay(self, shelf: Shelf, first_cell: int = FIRST) -> None:
        shelf.lay(MANIFEST)
        for blob in range(2):
            run = RunKey(item=NAME, blob=blob, first_cell=first_cell)
            shelf.put(run, [(bytes(2_048), bytes(48))] * 64)

    def receipts(self) -> list[Path]:
        return sorted((self.folder / "deletions").glob("*.json"))

    def cells(self) -> list[Path]:
        return [path for path in (self.folder / "cells").rglob("*") if NAME.hex() in str(path)]

    def monotonic_seconds(self) -> float:
        self.now += 200.0
        return self.now

    def report(self, kind: str, message: str, **_: object) -> None:
        self.reports.append((kind, self.receipts()))

    def run(
        self, steps: Steps, *, is_new: bool = False, others: Sequence[int] = (), events: Sequence[Any] = ()
    ) -> None:
        """Start, look a few times, stop; the process may be killed meanwhile."""
        store = SqliteStore(self.folder / "state.sqlite")
        cells = SteppedCells(self.folder / "cells", limit_bytes=1 << 30, reserved_bytes=0)
        try:
            self.lay(Shelf(cells)) if is_new else None
            for first_cell in others:
                self.lay(Shelf(cells), first_cell)
            cells.steps = steps
            hands = Hands(Shelf(cells), self.late)
            deletions = DeletionFolder(self.folder / "deletions", KEEPER, 31337, ITEMS)
            chain = Chain()
            chain.mine(Enrolled(keeper=KeeperId(1), account=ITEMS, shares=0, url=""))
            for event in events:
                chain.mine(event)
            world = KeeperWorld(
                chain=cast(Any, chain),
                hands=cast(Any, hands),
                deletions=cast(Deletions, Stepped(deletions, steps, "write")),
                store=cast(Any, Stepped(store, steps, "write")),
                executor=cast(Any, AtOnce(KeeperBench(cast(Any, hands)).perform)),
                sends=cast(Any, AtOnce(Courier(cast(Any, chain)).perform)),
                clock=cast(Any, self),
                reporter=self,
            )
            agent = KeeperAgent(world, KeeperPolicy())
            for _ in range(4):
                agent.look()
                agent.act(agent.decide()[1])
                agent.collect()
        except Killed:
            pass
        finally:
            cells.close()
            store.close()


def test_cells_that_another_item_has_too_are_noted_for_it_and_stay(tmp_path: Path) -> None:
    """They are not fetched again, and not dropped when the first item is over."""
    keeper, item = Keeper(tmp_path), ItemId(8)
    Notes(SqliteStore(tmp_path / "state.sqlite")).check(NAME)
    record = replace(
        RECORD,
        parts_hash=parts_hash(MANIFEST.parts),
        hashes_root=MANIFEST.hashes_root,
        blob_count=2,
        until=10**9,
        fee_wei=0,
    )
    at = UNTIL + FORGET_SECONDS
    events = [
        Registered(
            item_id=item,
            registrant=ITEMS,
            parts_hash=record.parts_hash,
            record=record,
            parts=MANIFEST.parts,
            nodes=(),
            url="",
        ),
        *(
            event
            for seat, keeper_id in enumerate((KeeperId(7), KeeperId(8), KeeperId(9), KeeperId(1)))
            for event in (
                Drawn(item_id=item, keeper=keeper_id, seat=seat, drawn_at=at),
                Acknowledged(item_id=item, keeper=keeper_id, seat=seat, acknowledged_at=at),
            )
        ),
        StateChanged(item_id=item, state=ItemState.KEPT),
    ]
    keeper.run(Steps(), is_new=True, events=events)
    assert keeper.cells() and not keeper.receipts()
    reasons = Notes(SqliteStore(tmp_path / "state.sqlite")).reasons_of((NAME, FIRST))
    assert {(each.item_id, each.index) for each in reasons} == {(7, 3), (8, 3)}
    assert not {"fetching", "kept", "forgot"} & {kind for kind, _ in keeper.reports}


def check(keeper: Keeper) -> None:
    (path,) = keeper.receipts()
    found = parse_deletion(path.read_bytes())
    check_deletion(found)
    assert (found.item_id, found.item_name, found.holder) == (7, NAME.hex(), KEEPER.address)
    assert found.cells == tuple(sorted(run_cells(FIRST)))
    assert found.deleted_at > UNTIL + FORGET_SECONDS
    assert keeper.cells() == []
    assert all(receipts for kind, receipts in keeper.reports if kind == "forgot"), "not before it is written"
    assert Notes(SqliteStore(keeper.folder / "state.sqlite")).reasons({(NAME, FIRST)}) == {(NAME, FIRST): ()}


@pytest.mark.parametrize("is_done", [False, True])
def test_killed_at_any_step_it_signs_when_it_runs_again(tmp_path: Path, is_done: bool) -> None:
    failed = 0
    for step in range(STEPS):
        keeper, steps = Keeper(tmp_path / str(step)), Steps(step, Killed(), is_done=is_done)
        keeper.run(steps, is_new=True)
        if keeper.cells():
            assert keeper.receipts() == [], "nothing is signed that is still there"
        keeper.run(Steps())
        check(keeper)
        failed += steps.has_failed
    assert 3 <= failed < STEPS


def test_what_a_disk_refuses_is_tried_again(tmp_path: Path) -> None:
    for step in range(STEPS):
        keeper, steps = Keeper(tmp_path / str(step)), Steps(step, Unavailable("no room"))
        try:
            keeper.run(steps, is_new=True)
        except Unavailable:  # the loop looks again
            keeper.run(Steps())
        check(keeper)


def test_cells_that_another_seat_keeps_are_not_signed_for(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path)
    keeper.run(Steps(), is_new=True, others=[0, 120])
    (path,) = keeper.receipts()
    assert parse_deletion(path.read_bytes()).cells == tuple(range(96, 120)), "0 to 63 and 120 to 55 are kept"
    assert len(keeper.cells()) > 1


def test_what_comes_back_before_the_signature_is_dropped_first(tmp_path: Path) -> None:
    keeper, found = Keeper(tmp_path), list[list[Path]]()

    def come_back(shelf: Shelf) -> None:
        keeper.lay(shelf)
        keeper.late.append(lambda _: found.append(keeper.receipts()))

    keeper.late.append(come_back)
    keeper.run(Steps(), is_new=True)
    assert found == [[]], "nothing was signed before it was dropped again"
    check(keeper)


def test_a_store_that_fails_once_drops_all_the_same(tmp_path: Path) -> None:
    class Failing(DirectoryCells):
        fails = True

        def remove(self, item: Bytes32) -> None:
            if self.fails:
                raise Unavailable("the disk fails")
            super().remove(item)

        def remove_run(self, run: RunKey) -> None:
            self.remove(run.item)

    store = Failing(tmp_path / "cells", limit_bytes=1 << 30, reserved_bytes=0)
    shelf, keeper = Shelf(store), Keeper(tmp_path)
    keeper.lay(shelf)
    with pytest.raises(Unavailable):
        shelf.drop_run(NAME, FIRST)
    assert shelf.runs() == {(NAME, FIRST): 2}, "it is still there"
    store.fails = False
    shelf.drop_run(NAME, FIRST)
    assert (shelf.runs(), keeper.cells()) == ({}, [])
