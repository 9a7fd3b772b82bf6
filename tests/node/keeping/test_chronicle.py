"""The chronicle reads every event once, through reorganisations and restarts."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from tests.roles.test_keeper import RECORD
from truestep.adapters.store.sqlite import SqliteStore
from truestep.availability.parts import Part
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.node.keeping import chronicle as module
from truestep.node.keeping.chronicle import Chronicle
from truestep.node.keeping.notes import Notes
from truestep.node.loop.loop import CatchingUp
from truestep.ports.chain import Head
from truestep.ports.keeping import EventsRead
from truestep.protocol.availability.contracts.bindings import (
    Demand,
    Demanded,
    DemandSettled,
    NodesGiven,
    Picked,
)
from truestep.protocol.availability.contracts.challenges import (
    Challenge,
    Challenged,
    Opened,
    Published,
    Settled,
)
from truestep.protocol.availability.contracts.items import (
    Acknowledged,
    Closed,
    Drawn,
    ItemState,
    Registered,
    StateChanged,
    Vacated,
)
from truestep.protocol.availability.contracts.keepers import Enrolled, SignerSet
from truestep.protocol.availability.facts import Answered, Event, Facts, KnownSeat, fold, pair
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    ChallengePlace,
    ItemId,
    KeeperId,
    demand_of,
)
from truestep.roles.keeper import KeptFor

FIRST_BLOCK = 10
ACCOUNT = Address("0x" + "5e" * 20)
NAME = Bytes32(b"n" * 32)


class ScriptedChain:
    """Blocks with events, which can be replaced. Satisfies the reading part of `KeeperChain`."""

    def __init__(self) -> None:
        self.blocks: list[tuple[Bytes32, tuple[Event, ...]]] = []
        self.reads = 0

    first_block = FIRST_BLOCK

    def mine(self, *events: Event) -> None:
        parent = self.blocks[-1][0] if self.blocks else bytes(32)
        self.blocks.append(
            (keccak256(parent + repr(events).encode() + bytes([len(self.blocks) % 256])), events)
        )

    def head(self) -> Head:
        number = FIRST_BLOCK + len(self.blocks) - 1
        return Head(number=number, hash=self.blocks[-1][0], time_seconds=number)

    def block_hash(self, number: int) -> Bytes32 | None:
        index = number - FIRST_BLOCK
        return self.blocks[index][0] if 0 <= index < len(self.blocks) else None

    def read(self, first: int, last: int) -> EventsRead:
        self.reads += 1
        found = [(number, event) for number in range(first, last + 1) for event in self._at(number)]
        hashes = {number: self.blocks[number - FIRST_BLOCK][0] for number in (first, last)}
        return EventsRead(events=tuple(found), hashes=hashes)

    def _at(self, number: int) -> tuple[Event, ...]:
        return self.blocks[number - FIRST_BLOCK][1]

    def facts(self) -> Facts:
        return fold(Facts(), (event for _, events in self.blocks for event in events))


def registered(item_id: int) -> Registered:
    part = Part(root=Bytes32(bytes(32)), depth=24, first_leaf=0, leaf_count=1)
    return Registered(
        item_id=ItemId(item_id),
        registrant=ACCOUNT,
        parts_hash=RECORD.parts_hash,
        record=RECORD,
        parts=(part,),
        nodes=(),
        url=f"https://{item_id}",
    )


def follow(chronicle: Chronicle, chain: ScriptedChain) -> None:
    while True:
        try:
            chronicle.follow(chain.head())
            return
        except CatchingUp:
            continue


def test_every_event_counts_once_whatever_the_chain_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEPTH_BLOCKS", 4)
    monkeypatch.setattr(module, "RANGE_BLOCKS", 7)
    rng = random.Random(seed)
    for _ in range(60):
        chain, store, next_id, peak = ScriptedChain(), SqliteStore(), 1, 0
        chronicle = Chronicle(chain, store)
        for _ in range(25):
            peak = max(peak, len(chain.blocks))
            if rng.random() < 0.3:  # no deeper than blocks may be replaced
                del chain.blocks[max(peak - rng.randint(0, 4), 0) :]
            for _ in range(rng.choice([1, 1, 2, 5, 20])):
                chain.mine(*[registered(next_id + index) for index in range(rng.choice([0, 0, 1, 3]))])
                next_id += 3
            follow(chronicle, chain)
            assert chronicle.facts == chain.facts()
            if rng.random() < 0.2:
                chronicle = Chronicle(chain, store)


def test_a_restart_does_not_read_the_whole_past_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEPTH_BLOCKS", 4)
    monkeypatch.setattr(module, "RANGE_BLOCKS", 10)
    chain, store = ScriptedChain(), SqliteStore()
    for number in range(200):
        chain.mine(registered(number + 1))
    follow(Chronicle(chain, store), chain)
    assert chain.reads >= 20
    chain.reads = 0
    again = Chronicle(chain, store)
    follow(again, chain)
    assert chain.reads <= 2 and len(again.facts.items) == 200


def test_a_node_that_lags_or_changes_its_mind_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEPTH_BLOCKS", 4)
    chain = ScriptedChain()
    for _ in range(50):
        chain.mine(registered(1))
    chronicle = Chronicle(chain, SqliteStore())
    follow(chronicle, chain)
    lagging = ScriptedChain()
    for _ in range(5):
        lagging.mine()
    chronicle._chain = lagging
    with pytest.raises(Unavailable, match="behind what was read"):
        chronicle.follow(lagging.head())
    chronicle._chain = chain
    chain.mine()
    other = Head(number=chain.head().number, hash=Bytes32(b"o" * 32), time_seconds=0)
    with pytest.raises(Unavailable, match="changed while"):
        chronicle.follow(other)


def test_events_add_up() -> None:
    challenge = Challenge(challenger=ACCOUNT, keeper=ACCOUNT, hashes_root=NAME, bond_wei=1, until=5)
    challenged: Any = Challenged(
        challenge_id=ChallengeId(5), item_id=ItemId(1), keeper=ACCOUNT, challenge=challenge
    )
    enrolled = Enrolled(keeper=KeeperId(3), account=ACCOUNT, shares=2, url="https://a")
    other = Address("0x" + "77" * 20)
    events: list[Event] = [
        enrolled,
        SignerSet(keeper=KeeperId(3), signer=other),
        Enrolled(keeper=KeeperId(3), account=ACCOUNT, shares=0, url="https://b"),
        registered(1),
        Drawn(item_id=ItemId(1), keeper=KeeperId(3), seat=2, drawn_at=10),
        Drawn(item_id=ItemId(1), keeper=KeeperId(4), seat=0, drawn_at=10),
        Acknowledged(item_id=ItemId(1), keeper=KeeperId(3), seat=2, acknowledged_at=12),
        StateChanged(item_id=ItemId(1), state=ItemState.KEPT),
        challenged,
    ]
    facts = fold(Facts(), events)
    item = facts.items[ItemId(1)]
    assert (item.state, item.seats[2]) == (
        ItemState.KEPT,
        KnownSeat(keeper=KeeperId(3), drawn_at=10, acknowledged_at=12),
    )
    assert (facts.number_of(ACCOUNT), facts.number_of(other)) == (3, None)
    assert (facts.keepers[KeeperId(3)].url, facts.keepers[KeeperId(3)].signer) == ("https://b", other)
    assert (facts.urls_of(item), facts.urls_of(item, but=KeeperId(3))) == (["https://b"], [])
    assert facts.challenges == {5: challenge}
    later = fold(
        facts,
        [
            Opened(challenge_id=ChallengeId(5), item_id=ItemId(1), y=1),
            Vacated(item_id=ItemId(1), keeper=KeeperId(3), seat=2),
            StateChanged(item_id=ItemId(9), state=ItemState.KEPT),
            Drawn(item_id=ItemId(9), keeper=KeeperId(3), seat=0, drawn_at=1),
        ],
    )
    assert (later.challenges, set(later.items[ItemId(1)].seats)) == ({}, {0})
    assert set(facts.items[ItemId(1)].seats) == {0, 2}, "facts do not change"
    closed = Closed(item_id=ItemId(1), registrant=ACCOUNT, refunded_wei=0)
    assert fold(later, [StateChanged(item_id=ItemId(1), state=ItemState.CLOSED), closed]).items == {}


def test_it_is_known_how_often_a_keeper_has_answered_whom() -> None:
    keeper, item_id = Address("0x" + "Ab" * 20), ItemId(1)
    events: list[Event] = [registered(1)]
    for element, until in ((1, 50), (2, 40), (3, 60), (4, 70)):
        kind = ChallengeKind.BLOB if element == 2 else ChallengeKind.ELEMENT
        place = ChallengePlace(
            item_id=item_id, acknowledged_at=3, seat=0, kind=kind, blob=element, element=element
        )
        challenge = Challenge(challenger=ACCOUNT, keeper=keeper, hashes_root=NAME, bond_wei=1, until=until)
        made = Challenged(challenge_id=place.pack(), item_id=item_id, keeper=keeper, challenge=challenge)
        ends: dict[int, Event] = {
            1: Opened(challenge_id=place.pack(), item_id=item_id, y=1),
            2: Published(challenge_id=place.pack(), item_id=item_id, versioned_hash=NAME),
            3: Settled(challenge_id=place.pack(), item_id=item_id, is_slashed=False),
            4: Settled(challenge_id=place.pack(), item_id=item_id, is_slashed=True),
        }
        events += [made, ends[element], ends[element]]
    facts = fold(Facts(), events[:4])
    assert facts.answered == {pair(ACCOUNT, keeper): Answered(count=1, until=50)}
    assert facts.items[item_id].published == ()
    facts = fold(facts, events[4:10])
    assert facts.answered == {pair(ACCOUNT, keeper): Answered(count=2, until=50)}
    assert facts.items[item_id].published == (2,)
    assert fold(facts, events[10:]).answered == {}, "whoever has failed is trusted no less than at first"


def test_the_nodes_of_a_demand_are_known_until_one_is_picked() -> None:
    demand = Demand(
        challenger=ACCOUNT,
        record_hash=NAME,
        keeper=ACCOUNT,
        node=NAME,
        level=24,
        index=0,
        is_answered=False,
        answer_wei=1,
        left_wei=5,
        moved_at=3,
    )
    demand_id, item_id = demand_of(ItemId(1), 0, ACCOUNT), ItemId(1)
    nodes = tuple(Bytes32(bytes([index]) * 32) for index in range(64))
    asked = Demanded(demand_id=demand_id, item_id=item_id, keeper=ACCOUNT, demand=demand)
    answered = replace(demand, is_answered=True)
    given = NodesGiven(demand_id=demand_id, item_id=item_id, nodes=nodes, demand=answered)
    facts = fold(Facts(), [asked, given])
    assert (facts.demands, facts.given) == ({demand_id: answered}, {demand_id: nodes})
    assert fold(Facts(), [asked]).given == {}
    picked = fold(facts, [Picked(demand_id=demand_id, item_id=item_id, demand=demand)])
    assert (picked.demands, picked.given) == ({demand_id: demand}, {})
    ended = DemandSettled(
        demand_id=demand_id, item_id=item_id, receiver=ACCOUNT, amount_wei=5, is_struck=True
    )
    assert fold(facts, [ended]) == Facts()


def test_notes_outlive_the_process() -> None:
    store, run = SqliteStore(), (NAME, 32)
    reasons = tuple(KeptFor(item_id=ItemId(index), index=1, since=5, until=6) for index in (1, 2))
    notes = Notes(store)
    for reason in (*reasons, replace_since(reasons[0])):
        notes.keep(run, reason)
    notes.check(NAME)
    notes.check(Bytes32(b"o" * 32), "another root")
    again = Notes(store)
    assert again.reasons({run}) == {run: reasons}
    assert (again.verified(), again.refused()) == ({NAME}, {b"o" * 32: "another root"})
    again.keep((NAME, 64), reasons[0])
    again.forget(run)
    assert again.reasons({run, (NAME, 64)}) == {run: (), (NAME, 64): reasons[:1]}
    assert again.verified() == {NAME}
    again.forget((NAME, 64))
    assert (Notes(store).verified(), Notes(store).reasons({run})) == (frozenset(), {run: ()})


def replace_since(reason: KeptFor) -> KeptFor:
    return KeptFor(item_id=reason.item_id, index=reason.index, since=99, until=reason.until)
