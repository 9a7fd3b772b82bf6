"""The life of an item on a real chain, to its end: fees, a demand that nobody goes on with, another item with
the same bytes, the close, and what keepers sign when they have dropped everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from web3 import Web3

from tests.adapters.keepers.items import Item, item_of
from tests.chains import lent_anvil
from tests.e2e.keepers import DAY_SECONDS, RULES, KeeperNet, RunningKeeper, facts_of, wait
from truestep.adapters.chain.availability import AvailabilityReader
from truestep.adapters.keepers.collecting import Collector, Deleted, HolderReceipts
from truestep.adapters.keepers.deletion import parse_deletion
from truestep.availability.cells import seat_cells
from truestep.protocol.availability.contracts.bindings import OpenDemand
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ItemId
from truestep.roles.keeper import COLLECT_SECONDS, FORGET_SECONDS

pytestmark = [pytest.mark.anvil, pytest.mark.long]

FEE_WEI = 10**15
LIFE_SECONDS = 30 * DAY_SECONDS


@pytest.fixture
def net(anvil_program: Path, tmp_path: Path) -> Iterator[KeeperNet]:
    with lent_anvil(anvil_program) as devnet:
        opened = KeeperNet(devnet, tmp_path)
        yield opened
        opened.close()


def owed_wei(net: KeeperNet, account: str) -> int:
    """What Items owes an account."""
    return net.items.functions.credits(Web3.to_checksum_address(account)).call()


def kept(net: KeeperNet, item: Item, keepers: list[RunningKeeper]) -> ItemId:
    """A new item, once all have signed for it."""
    item_id = net.register(item, len(keepers), fee_wei=FEE_WEI)
    wait(
        lambda: (
            (known := facts_of(keepers[0]).items.get(item_id)) is not None
            and sum(1 for seat in known.seats.values() if seat.acknowledged_at) == len(keepers)
        ),
        keepers,
    )
    return item_id


def deletions(net: KeeperNet, item_id: ItemId) -> list[HolderReceipts]:
    """What everybody can collect over HTTP."""
    reader, contracts = AvailabilityReader(net.anvil.node, net.contracts), net.contracts
    history = reader.history(item_id)
    assert history is not None
    collector = Collector(
        chain_id=contracts.chain_id, items=contracts.items, may_be_private=True, now=reader.now()
    )
    return collector.collected(history)


def is_deleted(net: KeeperNet, item_id: ItemId) -> bool:
    return all(each.deleted is Deleted.ALL for each in deletions(net, item_id))


def demand_tree(net: KeeperNet, keepers: list[RunningKeeper], item_id: ItemId) -> None:
    """Somebody asks for the tree of a part, is answered, and does not go on."""
    known = facts_of(keepers[0]).items[item_id]
    call = OpenDemand(item_id=item_id, record=known.record, parts=known.parts, part_index=0, seat=0)
    net.send("Bindings", call, value_wei=RULES.tree_bond_wei)
    assert net.standing(item_id)["is_contested"]
    wait(lambda: any("give_landed" in each.reports.kinds() for each in keepers), keepers)
    net.anvil.advance(RULES.answer_seconds + 1)
    wait(lambda: not net.standing(item_id)["is_contested"], keepers)
    assert net.state_of(item_id) is ItemState.KEPT


def test_the_life_of_an_item(net: KeeperNet, tmp_path: Path) -> None:
    item = item_of(b"what keepers keep " * 800)
    net.publish(item)
    with net.keepers(2) as keepers:
        first = kept(net, item, keepers)
        assert [each.deleted for each in deletions(net, first)] == [Deleted.NOTHING] * 2

        demand_tree(net, keepers, first)

        # fees are collected once a week
        net.anvil.advance(COLLECT_SECONDS + 1)
        accounts = [each.world.chain.account for each in keepers]
        wait(lambda: all("collect_landed" in each.reports.kinds() for each in keepers), keepers)
        week_wei = FEE_WEI * COLLECT_SECONDS // LIFE_SECONDS
        assert all(owed_wei(net, account) >= week_wei or _wallet_grew(net, account) for account in accounts)

        # the same bytes for longer, which keepers do not fetch again
        net.store.close()
        second = kept(net, item, keepers)

        # over: keepers close the first item, and keep the cells for the second
        net.anvil.advance(LIFE_SECONDS - COLLECT_SECONDS)
        wait(lambda: net.state_of(first) is ItemState.CLOSED, keepers)
        assert owed_wei(net, net.registrant) >= RULES.registrant_bond_wei
        net.anvil.advance(FORGET_SECONDS + 120)
        assert net.state_of(second) is ItemState.KEPT
        assert not any("forgot" in each.reports.kinds() for each in keepers)

        # the second is over too: everything goes, and is signed for
        net.anvil.advance(COLLECT_SECONDS)
        wait(lambda: net.state_of(second) is ItemState.CLOSED, keepers)
        net.anvil.advance(FORGET_SECONDS + 120)
        for item_id in (first, second):
            wait(lambda item_id=item_id: is_deleted(net, item_id), keepers)
            found = deletions(net, item_id)
            assert {each.holder.account for each in found} == set(accounts)
            for each in found:
                cells = {cell for receipt in each.receipts for cell in receipt.cells}
                assert set(seat_cells(each.holder.seat, 2)) <= cells
        for number in range(2):
            assert not list((tmp_path / f"keeper {number}" / "cells").rglob("0000-*"))
        for path in (tmp_path / "keeper 0" / "deletions").iterdir():
            assert parse_deletion(path.read_bytes()).holder == accounts[0]


def _wallet_grew(net: KeeperNet, account: str) -> bool:
    """A keeper withdraws what it is owed now and then."""
    return net.web3.eth.get_balance(Web3.to_checksum_address(account)) > 0 and owed_wei(net, account) == 0
