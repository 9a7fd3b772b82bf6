"""Nodes answer for items in blobs that are doubted: one of them, once, and it is paid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from eth_account import Account

from tests.e2e.network import ELF, INPUT, POLICY, InlineExecutor, Log, ManualClock, Network, open_network
from tests.roles.availability.test_answering import (
    ANSWER_SECONDS,
    DEMAND,
    DEMAND_ID,
    HALF,
    NODE,
    NODES,
    NOW,
    view,
)
from truestep.adapters.chain.availability import AvailabilityReader, Web3KeeperChain, availability_of
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.keepers.answering import BlobAnswerer
from truestep.adapters.keepers.eyes import KeeperEyes
from truestep.adapters.store.sqlite import SqliteStore
from truestep.adapters.trusted_setup import open_kzg
from truestep.availability.encoding import Encoder, program_tree, range_tree
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.devnet.network import devnet_availability
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.elf import load_elf
from truestep.node.availability.answer_desk import AnswerBench, AnswerDesk
from truestep.node.availability.watch_desk import WatchBench
from truestep.node.availability.watcher import WatcherWorld, watcher_node
from truestep.node.chain.outbox import Courier
from truestep.node.keeping.agent import KeeperBench, KeeperWorld, keeper_node
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.executor import ShouldStop
from truestep.protocol.availability.contracts.bindings import OpenDemand, Pick
from truestep.protocol.availability.contracts.items import ItemState, RegisterBlobs
from truestep.protocol.availability.facts import Facts, KnownItem
from truestep.protocol.availability.ids import DemandId, ItemId
from truestep.protocol.calls import RegisterInBlobs
from truestep.roles.availability.answering import CLOCK_SECONDS, SPREAD_LIMIT_SECONDS, FindAnswer
from truestep.roles.availability.sights import SendData, WatchPolicy
from truestep.roles.keeper_policy import KeeperPolicy

RULES = devnet_availability()
DAY_SECONDS = 86_400


@dataclass
class Doubts:
    """A network with one item in blobs, and somebody who doubts it."""

    network: Network
    log: Log = field(default_factory=Log)

    def __post_init__(self) -> None:
        self.reader = AvailabilityReader(self.network.devnet.node, availability_of(self.network.deployment))
        self.network.published = self.published
        self.doubter = self.network.chain("doubter", self.network.store("doubter"))

    def published(self, item_id: ItemId, blob: int) -> bytes:
        """From the chain's consensus node, which is the devnet."""
        versioned_hash, block_id = self.reader.published(item_id, blob)
        devnet: Any = self.network.devnet
        found = devnet.blobs.of_block(int(block_id), [versioned_hash])
        if not found:
            raise Unavailable("it is gone")
        return found[0]

    def register(self, *, root: Bytes32 | None = None) -> ItemId:
        """An item of a program and an input, whose root may be another one."""
        encoder, requester = Encoder(open_kzg(), hash_many_pairs), self.network.requester
        segments = [(each.address, each.content) for each in load_elf(ELF).segments]
        blobs = tuple(encoder.blobs([program_tree(segments), range_tree([INPUT])]))
        parts = encoder.manifest().parts
        if root is not None:
            last = parts[-1]
            parts = (*parts[:-1], type(last)(root=root, depth=24, first_leaf=0, leaf_count=last.leaf_count))
        until = requester.head().time_seconds + 10 * DAY_SECONDS
        register = RegisterBlobs(parts=parts, until=until, url="")
        requester.transact(
            RegisterInBlobs(register=register, blobs=blobs), intent=f"item {len(self.facts.items)}"
        )
        return ItemId(max(self.facts.items))

    @property
    def facts(self) -> Facts:
        return self.network.requester.facts().data

    def item(self, item_id: ItemId) -> KnownItem:
        return self.facts.items[item_id]

    def doubt(self, item_id: ItemId, part_index: int) -> DemandId:
        item = self.item(item_id)
        call = OpenDemand(
            item_id=item_id, record=item.record, parts=item.parts, part_index=part_index, seat=0
        )
        self.doubter.transact(call, intent=f"doubt {item_id} {part_index}")
        return DemandId(max(self.facts.demands))

    def pick(self, demand_id: DemandId) -> None:
        """Go on with the first node."""
        demand, nodes = self.facts.demands[demand_id], self.facts.given[demand_id]
        levels: list[list[bytes]] = [list(nodes)]
        while len(levels[-1]) > 1:
            below = levels[-1]
            levels.append([keccak256(below[i] + below[i + 1]) for i in range(0, len(below), 2)])
        siblings = tuple(Bytes32(level[1]) for level in levels[:-1])
        call = Pick(demand_id=demand_id, demand=demand, child=0, node=nodes[0], siblings=siblings)
        self.doubter.transact(call, intent=f"pick {demand_id} {demand.level}")

    def watcher(self, name: str = "watcher") -> Any:
        network = self.network
        network.chain(name, SqliteStore())  # its coins
        signer: Any = _key(name)
        store = network.store(name)
        chain = Web3KeeperChain(
            network.devnet.node, availability_of(network.deployment), signer, store, POLICY
        )
        eyes = KeeperEyes(open_kzg(), self.log, may_be_private=True, published=self.published)
        answers = AnswerBench(BlobAnswerer(self.published, chain.gas_price_wei))
        world = WatcherWorld(
            chain=chain,
            store=store,
            executor=InlineExecutor(WatchBench(eyes).perform),
            sends=InlineExecutor(Courier(chain).perform),
            clock=network.clock,
            reporter=self.log,
            secret=keccak256(name.encode()),
            answering=InlineExecutor(answers.perform),
        )
        return watcher_node(world, WatchPolicy())

    def keeper(self) -> Any:
        """One that has no share, and so no seat."""
        network, hands = self.network, cast(Any, NoHands())
        network.chain("keeper", SqliteStore())  # its coins
        store, contracts = network.store("keeper"), availability_of(network.deployment)
        chain = Web3KeeperChain(network.devnet.node, contracts, _key("keeper"), store, POLICY)
        answers = AnswerBench(BlobAnswerer(self.published, chain.gas_price_wei))
        world = KeeperWorld(
            chain=chain,
            hands=hands,
            deletions=cast(Any, None),
            store=store,
            executor=InlineExecutor(KeeperBench(hands).perform),
            sends=InlineExecutor(Courier(chain).perform),
            clock=network.clock,
            reporter=self.log,
            answering=InlineExecutor(answers.perform),
        )
        return keeper_node(world, KeeperPolicy())

    def worker(self) -> Any:
        return self.network.worker("worker", self.network.store("worker"), self.log)

    def challenger(self) -> Any:
        return self.network.challenger("challenger", self.network.store("challenger"), self.log)

    def drive(self, *daemons: Any, until: Any, seconds: int = 2, rounds: int = 100) -> None:
        for _ in range(rounds):
            for daemon in daemons:
                daemon.tick()
            if until():
                return
            devnet: Any = self.network.devnet
            devnet.advance(seconds)
            self.network.clock.seconds += seconds
        raise AssertionError(self.log.lines)

    def owed(self, name: str) -> int:
        account: Address = self.network.account(name)
        return self.network.requester.balances(account).for_data.get("Bindings", 0)


class NoHands:
    """A shelf without anything on it."""

    def runs(self) -> dict[tuple[Bytes32, int], int]:
        return {}


def _key(name: str) -> Any:
    return Account.from_key(keccak256(name.encode()))


@contextmanager
def opened(folder: Path) -> Iterator[Doubts]:
    network = open_network(EmbeddedDevnet(), folder, kept_by=RULES)
    yield Doubts(network)
    network.close()


@pytest.mark.long
def test_of_two_nodes_one_answers_each_demand_and_is_paid(tmp_path: Path) -> None:
    """A doubter goes down to the leaves of both trees; both nodes are killed now and then."""
    with opened(tmp_path) as doubts:
        item_id = doubts.register()
        for part_index, depth in enumerate((26, 24)):
            demand_id = doubts.doubt(item_id, part_index)
            for number in range(-(-depth // 6)):
                daemons = doubts.watcher(), doubts.challenger()  # new processes
                doubts.drive(*daemons, until=lambda each=demand_id: doubts.facts.demands[each].is_answered)
                if number < depth // 6 - (depth % 6 == 0):
                    doubts.pick(demand_id)
        assert doubts.item(item_id).state is ItemState.KEPT
        web3: Any = connect(doubts.network.devnet.node)
        accounts = [doubts.network.account(name) for name in ("watcher", "challenger")]
        assert sum(web3.eth.get_transaction_count(each) for each in accounts) == 9, "none is sent in vain"
        paid_wei = doubts.owed("watcher") + doubts.owed("challenger")
        assert paid_wei == 9 * (RULES.tree_bond_wei // 5)


@pytest.mark.long
def test_a_false_item_is_not_answered_for_and_struck_by_the_watcher(tmp_path: Path) -> None:
    with opened(tmp_path) as doubts:
        item_id = doubts.register(root=Bytes32(b"m" * 32))
        daemons = doubts.watcher(), doubts.challenger()
        doubts.drive(*daemons, until=lambda: doubts.item(item_id).state is ItemState.STRUCK, seconds=10)
        assert {"demand_landed", "item_false"} <= set(doubts.log.kinds())
        assert "give_sent" not in doubts.log.kinds()


@pytest.mark.long
def test_blobs_that_cannot_be_read_yet_are_read_again(tmp_path: Path) -> None:
    with opened(tmp_path) as doubts:
        item_id = doubts.register()
        devnet: Any = doubts.network.devnet
        there, devnet.blobs = devnet.blobs, type(devnet.blobs)()
        demand_id = doubts.doubt(item_id, 1)
        challenger = doubts.challenger()
        doubts.drive(challenger, until=lambda: "unavailable" in doubts.log.kinds())
        devnet.blobs = there
        doubts.drive(challenger, until=lambda: doubts.facts.demands[demand_id].is_answered)


@pytest.mark.parametrize("name", ["worker", pytest.param("keeper", marks=pytest.mark.long)])
def test_whoever_has_nothing_to_do_with_an_item_answers_for_its_pay(tmp_path: Path, name: str) -> None:
    """Before a worker has taken a job, nothing of it depends on the item."""
    with opened(tmp_path) as doubts:
        demand_id = doubts.doubt(doubts.register(), 1)
        daemon = doubts.worker() if name == "worker" else doubts.keeper()
        doubts.drive(daemon, until=lambda: doubts.facts.demands[demand_id].is_answered, seconds=5)
        assert doubts.owed(name) == RULES.tree_bond_wei // 5


@dataclass
class Outcomes:
    """What became of what was sent, as a test says."""

    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def transaction(self, intent: str) -> Transaction | None:
        outcome = self.outcomes.get(intent)
        return (
            None
            if outcome is None
            else Transaction(
                intent=intent, outcome=outcome, transaction_hash=Bytes32(bytes(32)), block_number=None
            )
        )


@dataclass
class Answers:
    """Satisfies `Answerer`."""

    failures: int = 0

    def nodes(self, find: FindAnswer, should_stop: ShouldStop) -> tuple[Bytes32, ...]:
        del find, should_stop
        if self.failures:
            self.failures -= 1
            raise Unavailable("the node is down")
        return NODES[DEMAND_ID, NOW]

    def gas_price_wei(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("outcome", "is_held_back"),
    [(Outcome.REVERTED, True), (Outcome.CONFIRMED, False), (Outcome.PENDING, False), (None, False)],
)
def test_whoever_pays_for_an_answer_that_came_too_late_leaves_others_more_time(
    outcome: Outcome | None, *, is_held_back: bool
) -> None:
    sent, clock = Outcomes(), ManualClock()
    desk = AnswerDesk(sent, InlineExecutor(AnswerBench(Answers()).perform), clock, Log())
    first = view().facts
    turn = NOW + HALF + CLOCK_SECONDS + SPREAD_LIMIT_SECONDS

    def answers(facts: Facts, now: int) -> list[str]:
        found: list[SendData] = []
        for _ in range(2):
            desk.collect()
            found = desk.decide(now, NODE, facts, ANSWER_SECONDS)
            desk.act()
        desk.collect()
        return [each.intent for each in desk.decide(now, NODE, facts, ANSWER_SECONDS)] or [
            each.intent for each in found
        ]

    [intent] = answers(first, turn)
    if outcome is not None:
        sent.outcomes[f"{intent}#0"] = outcome
    later = replace(DEMAND, moved_at=turn + 5)
    facts = replace(first, demands={DEMAND_ID: later})
    assert bool(answers(facts, later.moved_at + (turn - NOW))) is not is_held_back
    assert answers(facts, later.moved_at + HALF + CLOCK_SECONDS + 2 * SPREAD_LIMIT_SECONDS)


def test_work_that_fails_is_tried_again_later() -> None:
    clock, log = ManualClock(), Log()
    desk = AnswerDesk(Outcomes(), InlineExecutor(AnswerBench(Answers(failures=2)).perform), clock, log)
    facts, now = view().facts, NOW + ANSWER_SECONDS
    for _ in range(40):
        desk.collect()
        if desk.decide(now, NODE, facts, ANSWER_SECONDS):
            break
        desk.act()
        clock.seconds += 1
    assert clock.seconds > 4 and log.kinds().count("unavailable") == 1
