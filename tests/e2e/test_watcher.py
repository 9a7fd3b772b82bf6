"""A watcher on a real chain: keepers that do not keep lose their shares, items that are false are struck."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from web3 import Web3

from tests.adapters.keepers.items import NO_LIMITS, STORE_LIMIT_BYTES, Item, item_of, lay_seat
from tests.chains import lent_anvil
from tests.e2e.keepers import RULES, KeeperNet, Reports, facts_of, wait
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.chain.availability import Web3KeeperChain
from truestep.adapters.keepers.nodes import nodes_below
from truestep.adapters.keepers.service import KeeperServer
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.store.sqlite import SqliteStore
from truestep.availability.manifest import Manifest
from truestep.base.errors import Rejected
from truestep.base.ids import Address, Bytes32
from truestep.composition.watching import WatcherSettings, opened_watcher
from truestep.node.availability.watcher import watcher_node
from truestep.protocol.availability.contracts.bindings import Give
from truestep.protocol.availability.contracts.items import Acknowledge, Assign, ItemState
from truestep.protocol.availability.contracts.keepers import Enrol
from truestep.protocol.availability.facts import Event, Facts, fold
from truestep.protocol.availability.ids import ItemId, item_of_demand
from truestep.roles.availability.sights import WatchPolicy

pytestmark = pytest.mark.anvil

POLICY = WatchPolicy(look_seconds=3, again_seconds=2, withdraw_above_wei=10**15)


@pytest.fixture
def net(anvil_program: Path, tmp_path: Path) -> Iterator[KeeperNet]:
    with lent_anvil(anvil_program) as devnet:
        opened = KeeperNet(devnet, tmp_path)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def item() -> Item:
    return item_of(b"what keepers keep " * 8_000)  # two blobs


@contextmanager
def watcher(
    net: KeeperNet, name: str = "watcher", policy: WatchPolicy = POLICY, beacon: Sequence[str] = ()
) -> Iterator[Reports]:
    """A watcher in a thread; what it says."""
    signer = Account.from_key(Web3.keccak(text=name))
    if net.web3.eth.get_balance(signer.address) < 10**18:
        net.anvil.fund(Address(signer.address), 10**19)
    settings = WatcherSettings(
        rpc=[net.anvil.node],
        contracts=net.contracts,
        state_dir=net.folder / name,
        signer=signer,
        may_be_private=True,
        beacon=beacon,
    )
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    reports, stopping = Reports(), threading.Event()
    with opened_watcher(settings, reports) as world:
        loop = watcher_node(world, policy)
        thread = threading.Thread(target=loop.run, args=(stopping.is_set, 0.1), daemon=True)
        thread.start()
        try:
            yield reports
        finally:
            stopping.set()
            thread.join(30)


def pass_time(net: KeeperNet, seconds: int) -> None:
    net.web3.provider.make_request("evm_increaseTime", [seconds])  # pyright: ignore[reportArgumentType]


class Accomplice:
    """A keeper that signs for everything and serves what it likes, or nothing."""

    def __init__(self, net: KeeperNet, name: str, shares: int = 2) -> None:
        signer = Account.from_key(Web3.keccak(text=name))
        net.anvil.fund(Address(signer.address), 10**19)
        self.chain = Web3KeeperChain([net.anvil.node], net.contracts, signer, SqliteStore())
        self.store = DirectoryCells(net.folder / name, limit_bytes=STORE_LIMIT_BYTES)
        self.shelf = Shelf(self.store)
        self.server = KeeperServer(self.shelf, limits=NO_LIMITS)
        self.send(Enrol(shares=shares, url=self.server.url), "enrol")

    def send(self, call: Any, intent: str) -> None:
        self.chain.submit(call, intent=intent)
        wait(lambda: self._is_done(intent))

    def _is_done(self, intent: str) -> bool:
        self.chain.refresh()
        found = self.chain.transaction(intent)
        return found is not None and found.outcome.value == "confirmed"

    def facts(self) -> Facts:
        events: list[Event] = [
            event for _, event in self.chain.read(self.chain.first_block, self.chain.head().number).events
        ]
        return fold(Facts(), events)

    def sign(self, item_id: ItemId) -> int:
        """Acknowledge its seat, without a look at the item."""
        facts = self.facts()
        item, number = facts.items[item_id], facts.number_of(self.chain.account)
        [index] = [index for index, seat in item.seats.items() if seat.keeper == number]
        signature = self.chain.receipt(item_id, item.record, index, item.seats[index].drawn_at)
        call = Acknowledge(item_id=item_id, record=item.record, indices=(index,), signatures=(signature,))
        self.send(call, f"acknowledge {item_id}")
        return index

    def close(self) -> None:
        self.server.close()
        self.store.close()


@pytest.mark.long
def test_a_keeper_that_withholds_loses_its_share_and_honest_ones_nothing(net: KeeperNet, item: Item) -> None:
    net.publish(item)
    thief = Accomplice(net, "thief")
    with net.keepers(2) as keepers, watcher(net) as said:
        item_id = net.register(item, 3)
        draw(net, thief, item_id)
        seat = thief.sign(item_id)
        wait(lambda: len(acknowledged(facts_of(keepers[0]), item_id)) == 3, keepers)
        wait(lambda: "challenge_landed" in said.kinds(), keepers)
        pass_time(net, RULES.answer_seconds + 1)
        wait(lambda: "settle-challenge_landed" in said.kinds(), keepers)
        wait(lambda: "withdraw-Keepers_landed" in said.kinds(), keepers)
        facts = thief.facts()
        assert seat not in acknowledged(facts, item_id) and net.state_of(item_id) is ItemState.KEPT
        shares = [net.shares(keeper.world.chain.account) for keeper in keepers]
        assert (shares, net.shares(thief.chain.account)) == ([2, 2], 1)
        assert not any("challenged" in keeper.reports.kinds() for keeper in keepers)
    thief.close()


@pytest.mark.long
def test_items_that_are_false_are_struck_whatever_their_keepers_signed(net: KeeperNet, item: Item) -> None:
    """Keepers serve what is committed. Of one root they know the tree, the other is made up."""
    other = item_of(b"what keepers should keep " * 8_000)
    liars = [Accomplice(net, f"liar {number}", shares=4) for number in range(2)]
    found = [kept_lie(net, liars, item, root) for root in (other.manifest.parts[0].root, Bytes32(b"m" * 32))]
    with watcher(net) as said:
        wait(lambda: net.standing(found[1])["is_contested"])
        wait(lambda: give_all(liars[0], found[0], other) or net.state_of(found[0]) is ItemState.STRUCK)
        assert net.state_of(found[1]) is ItemState.KEPT
        pass_time(net, RULES.answer_seconds + 1)
        wait(lambda: net.state_of(found[1]) is ItemState.STRUCK)
        wait(lambda: "withdraw-Items_landed" in said.kinds())
        assert not said.kinds() & {"challenge_landed", "keeps_reverting"}
    assert [net.shares(liar.chain.account) for liar in liars] == [2, 2]
    for liar in liars:
        liar.close()


def kept_lie(net: KeeperNet, liars: list[Accomplice], item: Item, root: Bytes32) -> ItemId:
    """The number of an item that says another root than its blobs have, and is kept."""
    part = replace(item.manifest.parts[0], root=root)
    lie = replace(item, manifest=Manifest(parts=(part,), commitments=item.manifest.commitments))
    item_id = net.register(lie, len(liars))
    draw(net, liars[0], item_id)
    for liar in liars:
        lay_seat(liar.shelf, lie, liar.sign(item_id), len(liars))
    return item_id


def give_all(liar: Accomplice, item_id: ItemId, known: Item) -> bool:
    """Answer what is demanded of an item with nodes of a tree that the liar knows. Never done."""

    async def blob(number: int) -> bytes:
        return b"".join(known.extended[number].cells[:64])

    for demand_id, demand in liar.facts().demands.items():
        if item_of_demand(demand_id) == item_id and not demand.is_answered:
            [part] = known.manifest.parts
            nodes = asyncio.run(nodes_below(known.manifest, part, demand.level, demand.index, blob))
            call = Give(demand_id=demand_id, demand=demand, nodes=nodes)
            liar.send(call, f"give {demand_id} {demand.level}")
    return False


def draw(net: KeeperNet, caller: Accomplice, item_id: ItemId) -> None:
    """Have the seats of a new item drawn in the next block, by whoever comes first: its keepers draw too."""
    before = net.web3.eth.block_number
    wait(lambda: net.web3.eth.block_number > before)
    record = caller.facts().items[item_id].record
    with suppress(Rejected):  # a keeper has had them drawn
        caller.chain.submit(Assign(item_id=item_id, record=record), intent=f"assign {item_id}")

    def is_drawn() -> bool:
        caller.chain.refresh()
        return len(caller.facts().items[item_id].seats) == record.seat_count

    wait(is_drawn)


def acknowledged(facts: Facts, item_id: ItemId) -> list[int]:
    return [index for index, seat in facts.items[item_id].seats.items() if seat.acknowledged_at]
