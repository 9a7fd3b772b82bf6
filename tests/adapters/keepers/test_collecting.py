"""Deletion receipts are collected from keepers over HTTP, and each is checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from web3 import Account

from tests.adapters.keepers.items import NO_LIMITS
from tests.protocol.availability.test_history import registered
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.keepers.collecting import Collector, Deleted, HolderReceipts
from truestep.adapters.keepers.deletion import (
    DeletionFolder,
    DeletionReceipt,
    Deletions,
    check_deletion,
    sign_deletion,
)
from truestep.adapters.keepers.service import KeeperServer
from truestep.adapters.keepers.shelf import Shelf
from truestep.availability.cells import seat_cells
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.history import Holder, ItemHistory
from truestep.protocol.availability.ids import ItemId, KeeperId
from truestep.roles.keeper import KeptFor

KEEPER, OTHER = Account.from_key(b"\1" * 32), Account.from_key(b"\2" * 32)
ITEMS = Address(OTHER.address)
REGISTERED = replace(registered(7), record=replace(registered(7).record, seat_count=2))
SEAT = 1
CELLS = seat_cells(SEAT, 2)
NOW = 1_000
COLLECTOR = Collector(chain_id=31_337, items=ITEMS, may_be_private=True, now=NOW)


@dataclass
class Keeper:
    """One that gives these receipts."""

    url: str = ""
    receipts: tuple[DeletionReceipt, ...] = ()

    def __call__(self, item_id: ItemId) -> Deletions:
        return Deletions(deletions=self.receipts if item_id == 7 else ())

    def history(self, url: str | None = None) -> ItemHistory:
        holder = Holder(
            seat=SEAT,
            keeper=KeeperId(1),
            account=Address(KEEPER.address),
            url=self.url if url is None else url,
            acknowledged_at=100,
        )
        return ItemHistory(registered=REGISTERED, state=ItemState.CLOSED, holders=(holder,))

    def judged(self, url: str | None = None) -> HolderReceipts:
        [found] = COLLECTOR.collected(self.history(url))
        return found


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    found = Keeper()
    with ExitStack() as stack:
        store = DirectoryCells(tmp_path / "cells", limit_bytes=1 << 20)
        stack.callback(store.close)
        server = KeeperServer(Shelf(store), limits=NO_LIMITS, deletions=found)
        stack.callback(server.close)
        found.url = server.url
        yield found


def receipt(account: Any = KEEPER, **changes: Any) -> DeletionReceipt:
    fields: dict[str, Any] = {
        "chain_id": 31_337,
        "items": ITEMS,
        "item_id": ItemId(7),
        "item_name": Keeper().history().name,
        "cells": CELLS,
        "deleted_at": 200,
        **changes,
    }
    return sign_deletion(account, **fields)


def test_receipts_are_collected_and_checked(keeper: Keeper) -> None:
    assert keeper.judged().deleted is Deleted.NOTHING
    keeper.receipts = (receipt(),)
    found = keeper.judged()
    assert (found.deleted, found.receipts, found.left) == (Deleted.ALL, keeper.receipts, ())
    keeper.receipts = (receipt(cells=CELLS[:10]), receipt(cells=CELLS[10:60], deleted_at=300))
    found = keeper.judged()
    assert (found.deleted, found.left) == (Deleted.SOME, tuple(CELLS[60:]))


@pytest.mark.parametrize(
    ("given", "deleted", "why"),
    [
        (receipt(OTHER), Deleted.NOTHING, ""),  # that another keeper has signed
        (receipt(deleted_at=99), Deleted.NOTHING, ""),  # before it signed for the seat
        (receipt(cells=seat_cells(0, 2)), Deleted.NOTHING, ""),  # of another seat
        (receipt(chain_id=1), Deleted.WRONG, "expected chain 31337"),
        (receipt(items=Address(KEEPER.address)), Deleted.WRONG, "expected contract"),
        (receipt(item_id=ItemId(8)), Deleted.WRONG, "expected item 7"),
        (receipt(item_name=Bytes32(bytes(32))), Deleted.WRONG, "expected content"),
        (receipt(deleted_at=NOW + 601), Deleted.WRONG, "yet to come"),
        (receipt().model_copy(update={"deleted_at": 250}), Deleted.WRONG, "expected the signature"),
    ],
)
def test_other_receipts_count_for_nothing(
    keeper: Keeper, given: DeletionReceipt, deleted: Deleted, why: str
) -> None:
    keeper.receipts = (given,)
    found = keeper.judged()
    assert (found.deleted, found.receipts) == (deleted, ()) and why in found.why


def test_keepers_that_cannot_be_asked_are_named(keeper: Keeper) -> None:
    for url in ("http://127.0.0.1:9", "ftp://keeper", ""):
        found = keeper.judged(url)
        assert found.deleted is Deleted.UNKNOWN and found.why
    public = replace(COLLECTOR, may_be_private=False)
    [found] = public.collected(keeper.history())
    assert found.deleted is Deleted.UNKNOWN and "public internet" in found.why


def test_the_service_answers_by_number(keeper: Keeper) -> None:
    keeper.receipts = (receipt(),)
    answer = httpx.get(f"{keeper.url}/v1/deletions/7")
    assert Deletions.model_validate_json(answer.content).deletions == keeper.receipts
    assert (
        httpx.get(
            f"{keeper.url}/v1/deletions/7", headers={"If-None-Match": answer.headers["ETag"]}
        ).status_code
        == 304
    )
    assert httpx.get(f"{keeper.url}/v1/deletions/8").status_code == 404
    for number in ("0", "-1", "x", "007", "9" * 21, "..%2f..%2fsecret"):
        assert httpx.get(f"{keeper.url}/v1/deletions/{number}").status_code in {400, 404}


def test_a_folder_gives_what_it_has_written_about_an_item(tmp_path: Path) -> None:
    folder = DeletionFolder(tmp_path / "deletions", KEEPER, 31_337, ITEMS)
    assert folder.of_item(ItemId(7)).deletions == ()
    for item_id, seat in ((7, 0), (7, 1), (70, 0), (17, 0)):
        reason = KeptFor(item_id=ItemId(item_id), index=seat, since=1, until=2)
        folder.write(Bytes32(b"n" * 32), reason, seat_cells(seat, 2), 200)
    found = folder.of_item(ItemId(7)).deletions
    assert [each.cells for each in found] == [tuple(sorted(seat_cells(seat, 2))) for seat in (0, 1)]
    for each in found:
        check_deletion(each)
    elsewhere = DeletionFolder(tmp_path / "deletions", KEEPER, 1, ITEMS)
    assert elsewhere.of_item(ItemId(7)).deletions == (), "an earlier network had an item 7 too"
    (tmp_path / "deletions" / "item-7-seat-9-since-1.json").write_text("{}")
    with pytest.raises(Unavailable, match="cannot read"):
        folder.of_item(ItemId(7))
