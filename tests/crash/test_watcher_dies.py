"""Kill a watcher between any two deeds: it asks nothing twice, loses no bond and forgets no demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from tests.client.kept_network import RULES, KeptNetwork, open_kept_network
from tests.crash.mortals import TIMELESS, Executioner, Mortal, MortalStore
from tests.e2e.network import InlineExecutor, Log, ManualClock, WatchedProvider
from truestep.adapters.chain.availability import AvailabilityReader, Web3KeeperChain
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.payloads import Payloads
from truestep.adapters.keepers.eyes import KeeperEyes
from truestep.adapters.keepers.nodes import nodes_of_leaves
from truestep.adapters.store.sqlite import SqliteStore
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.encoding import Encoder, range_tree
from truestep.availability.parts import Part
from truestep.commitments.merkle import root_of_bytes
from truestep.node.availability.watch_desk import WatchBench
from truestep.node.availability.watcher import WatcherWorld, watcher_node
from truestep.node.chain.outbox import Courier
from truestep.ports.executor import ShouldStop
from truestep.protocol.availability.contracts import bindings, challenges, items
from truestep.protocol.availability.contracts.bindings import Give
from truestep.protocol.availability.contracts.items import (
    Assign,
    ItemState,
    Register,
    RegisterBlobs,
    RegisterCalldata,
)
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.calls import RegisterInBlobs
from truestep.roles.availability.sights import SeatSeen, Sight, WatchPolicy

BOUNDARIES = ("before a write", "after a write", "before a send", "after a send")
POLICY = WatchPolicy(withdraw_above_wei=0, gas_reserve_wei=0)
CONTENT, MADE_UP = b"what the blobs hold", b"what the root is of"
DAY_SECONDS, BLOCK_SECONDS = 86_400, 15
TICKS_EACH_BLOCK = 3
WITHHELD, FALSE = ItemId(1), ItemId(2)
ROUNDS = 4
"""Of a demand for a tree of depth 24."""


class DimEyes(KeeperEyes):
    """Keepers send it what is wrong."""

    def look(
        self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop
    ) -> Mapping[int, SeatSeen]:
        del item, should_stop
        return {seat: SeatSeen(sight=Sight.WRONG, why="a wrong cell") for seat in keepers}

    def check(self, item: KnownItem, keepers: Mapping[int, str], should_stop: ShouldStop) -> tuple[int, ...]:
        return () if item.record.seat_count else super().check(item, keepers, should_stop)


@dataclass
class Watch:
    """An item whose keepers do not keep it, one in blobs with the root of other bytes, and a watcher."""

    network: KeptNetwork
    executioner: Executioner
    store: SqliteStore
    clock: ManualClock = field(default_factory=ManualClock)
    log: Log = field(default_factory=Log)
    is_known: bool = False
    """Whether somebody has written the made-up bytes to the chain, so that everybody knows their tree."""
    account: Any = None
    ticks: int = 0

    def __post_init__(self) -> None:
        self.network.policy = TIMELESS
        self.network.enrol(2)
        self.account = self.network.new_account()
        self.liar = self.network.chain(self.network.requester)
        self.reader = AvailabilityReader(self.network.devnet.node, self.network.contracts)
        self._register()
        self.wallet_wei = self.coins()

    def _register(self) -> None:
        encoder = Encoder(open_kzg())
        blobs = tuple(encoder.blobs([range_tree([CONTENT])]))
        manifest, now = encoder.manifest(), self.liar.head().time_seconds
        register = Register(
            parts=manifest.parts,
            nodes=manifest.versioned_hashes,
            seat_count=2,
            until=now + 30 * DAY_SECONDS,
            fee_wei=0,
            url="",
        )
        self.liar.transact(register, intent="withheld")
        part = replace(manifest.parts[0], root=root_of_bytes(MADE_UP, 24))
        false = RegisterBlobs(parts=(part,), until=now + 10 * DAY_SECONDS, url="")
        self.liar.transact(RegisterInBlobs(register=false, blobs=blobs), intent="false")
        if self.is_known:
            part = Part(root=part.root, depth=24, first_leaf=0, leaf_count=1)
            written = RegisterCalldata(parts=(part,), payload=MADE_UP.ljust(32, b"\0"))
            self.liar.transact(written, intent="known")
        self.network.devnet.advance(BLOCK_SECONDS)
        record = self.facts.items[WITHHELD].record
        self.liar.transact(Assign(item_id=WITHHELD, record=record), intent="draw")
        self.network.act()
        assert self.state_of(WITHHELD) is self.state_of(FALSE) is ItemState.KEPT

    @property
    def facts(self) -> Facts:
        return self.liar.facts().data

    def state_of(self, item_id: ItemId) -> ItemState:
        return self.facts.items[item_id].state

    def coins(self) -> int:
        return connect(self.network.devnet.node).eth.get_balance(self.account.address)

    def start(self) -> Any:
        """The watcher, on the state that it left."""
        reach = self.executioner.reach
        node = WatchedProvider(
            self.network.devnet.node,
            before=lambda method: reach(f"before {_deed(method)}"),
            after=lambda method: reach(f"after {_deed(method)}"),
        )
        store: Any = MortalStore(self.store, self.executioner)
        chain = Web3KeeperChain(node, self.network.contracts, self.account, store, TIMELESS)
        eyes = DimEyes(
            open_kzg(), self.log, may_be_private=True, published=self.published, payload=self.payload
        )
        world = WatcherWorld(
            chain=chain,
            store=store,
            executor=InlineExecutor(WatchBench(eyes).perform),
            sends=InlineExecutor(Courier(chain).perform),
            clock=self.clock,
            reporter=self.log,
            secret=bytes(32),
        )
        return watcher_node(world, POLICY)

    def payload(self, item: KnownItem) -> bytes:
        return Payloads(self.network.devnet.node, self.network.contracts).payload(item)

    def published(self, item_id: ItemId, blob: int) -> bytes:
        versioned_hash, block_id = self.reader.published(item_id, blob)
        return self.network.devnet.blobs.of_block(int(block_id), [versioned_hash])[0]

    def give(self) -> None:
        """The liar answers what is demanded, with the tree that it has made up."""
        for demand_id, demand in self.facts.demands.items():
            if not demand.is_answered:
                nodes = nodes_of_leaves([(0, MADE_UP)], demand.level, demand.index)
                give = Give(demand_id=demand_id, demand=demand, nodes=nodes)
                self.liar.transact(give, intent=f"give {demand_id} {demand.level}")

    def is_over(self) -> bool:
        states = self.state_of(WITHHELD), self.state_of(FALSE)
        return states == (ItemState.LOST, ItemState.STRUCK) and not any(self.owed().values())

    def owed(self) -> dict[str, int]:
        return dict(self.liar.balances(self.account.address).for_data)

    def play(self, rounds: int = 2_000) -> None:
        """To the end of both items."""
        mortal = Mortal(self.start, self.clock)
        for _ in range(rounds):
            mortal.tick()
            self.ticks += mortal.daemon is not None
            if self.ticks >= TICKS_EACH_BLOCK:  # a block is something to write, and so the end of a life
                self.ticks = 0
                self.give()
                self.network.devnet.advance(BLOCK_SECONDS)
                if self.is_over():
                    return
        raise AssertionError(self.log.lines[-10:])

    def events(self) -> list[Any]:
        """Of challenges and demands."""
        reader = Web3KeeperChain(
            self.network.devnet.node, self.network.contracts, self.network.requester, SqliteStore()
        )
        found = reader.read(reader.first_block, reader.head().number).events
        return [event for _, event in found]

    def gas_wei(self) -> int:
        """What the watcher's transactions have cost, all of which have done what they were sent for."""
        web3, total_wei, count = connect(self.network.devnet.node), 0, 0
        for number in range(web3.eth.block_number + 1):
            for each in web3.eth.get_block(number, full_transactions=True).get("transactions", []):
                fields: Any = each
                if Web3.to_checksum_address(fields["from"]) == self.account.address:
                    receipt: Any = web3.eth.get_transaction_receipt(fields["hash"])
                    assert receipt["status"] == 1
                    total_wei += receipt["gasUsed"] * receipt["effectiveGasPrice"]
                    count += 1
        assert count == web3.eth.get_transaction_count(self.account.address)
        return total_wei


def _deed(method: str) -> str:
    return "a send" if method == "eth_sendRawTransaction" else "a question"


@pytest.mark.parametrize(
    "boundary",
    ["after a send", *(pytest.param(each, marks=pytest.mark.long) for each in ("", *BOUNDARIES[:3]))],
)
def test_a_watcher_that_is_killed_everywhere_asks_once_and_loses_nothing(
    tmp_path: Path, boundary: str
) -> None:
    network = open_kept_network(tmp_path)
    watch = Watch(network, Executioner(boundary=boundary), SqliteStore())
    watch.executioner.is_armed = bool(boundary)
    watch.play()
    kinds = Counter(type(event) for event in watch.events())
    assert (kinds[challenges.Challenged], kinds[challenges.Settled]) == (2, 2)
    assert (kinds[bindings.Demanded], kinds[bindings.Picked]) == (1, ROUNDS - 1)
    assert (kinds[bindings.NodesGiven], kinds[bindings.DemandSettled]) == (ROUNDS, 1)
    won_wei = (2 * RULES.share_wei + RULES.registrant_bond_wei) * RULES.winner_share_bps // 10_000
    answers_wei = ROUNDS * (RULES.tree_bond_wei // 5)
    assert watch.coins() - watch.wallet_wei == won_wei - answers_wei - watch.gas_wei()
    assert watch.executioner.kills >= (10 if boundary else 0)
    network.close()


@pytest.mark.parametrize(
    "boundary", [pytest.param(each, marks=pytest.mark.long) for each in ("", *BOUNDARIES)]
)
def test_a_false_item_whose_tree_is_known_is_struck_in_one_call(tmp_path: Path, boundary: str) -> None:
    """It takes no bond and no descent, also if the watcher is killed everywhere."""
    network = open_kept_network(tmp_path)
    watch = Watch(network, Executioner(boundary=boundary), SqliteStore(), is_known=True)
    watch.executioner.is_armed = bool(boundary)
    watch.play()
    kinds = Counter(type(event) for event in watch.events())
    assert (kinds[bindings.Demanded], kinds[items.Struck]) == (0, 1)
    won_wei = (2 * RULES.share_wei + RULES.registrant_bond_wei) * RULES.winner_share_bps // 10_000
    assert watch.coins() - watch.wallet_wei == won_wei - watch.gas_wei()
    network.close()
