"""A worker anchors its log: what is collected, what is sent, and what happens after a crash or an outage."""

from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from tests.e2e.network import InlineExecutor, Log
from tests.roles.test_anchoring import EPOCH, EPOCH_SECONDS, READY, SIGHT, START
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.node.anchoring.desk import TRIES, AnchoringBench, AnchoringDesk
from truestep.ports.anchoring import Collected
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.clock import Clock
from truestep.roles.actions import Alert, Send
from truestep.roles.anchoring import GroupSight
from truestep.roles.views import View

INTENT = f"attest/0/{EPOCH}"


@dataclass
class Group:
    """Satisfies `truestep.ports.anchoring.Anchoring`, `Sent`, and what a desk asks of a clock."""

    sight: GroupSight | None = SIGHT
    left_out: dict[int, str] = field(default_factory=dict)
    sent: dict[str, Transaction] = field(default_factory=dict)
    is_down: bool = False
    collected_count: int = 0
    seconds: float = 0.0

    def look(self) -> GroupSight | None:
        return self.sight

    def collect(self) -> Collected:
        self.collected_count += 1
        if self.is_down:
            raise Unavailable("nobody answers")
        return Collected(call=READY, left_out=self.left_out)

    def transaction(self, intent: str) -> Transaction | None:
        return self.sent.get(intent)

    def monotonic_seconds(self) -> float:
        return self.seconds


@dataclass
class Scene:
    group: Group = field(default_factory=Group)
    log: Log = field(default_factory=Log)
    now: int = START + 100
    in_flight: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Also anew, after a crash."""
        executor = InlineExecutor(AnchoringBench(self.group).perform)
        self.desk = AnchoringDesk(self.group, executor, cast(Clock, self.group), self.log, 10**18)

    def turn(self, count: int = 1) -> list[Send | Alert]:
        """What the desk wants at the end of some turns of its agent, and whatever it has begun is done."""
        actions: list[Send | Alert] = []
        for _ in range(count):
            self.group.seconds += 70
            self.desk.collect()
            view = cast(View, _View(now=self.now, in_flight=self.in_flight))
            actions = [*self.desk.decide(view)]
            self.desk.act()
        return actions


@dataclass
class _View:
    now: int
    in_flight: frozenset[str]


def outcome(kind: Outcome) -> dict[str, Transaction]:
    name = f"{INTENT}#0"
    return {name: Transaction(intent=name, outcome=kind, transaction_hash=Bytes32(bytes(32)))}


def test_it_looks_collects_looks_again_and_sends() -> None:
    scene = Scene(Group(left_out={3: "it is dead", 9: "too"}))
    assert not any(scene.turn() for _ in range(3))  # look, collect, look
    (send,) = scene.turn()
    assert isinstance(send, Send)
    assert (send.intent, send.call, scene.group.collected_count) == (INTENT, READY, 1)
    assert [text for kind, text in scene.log.lines if kind == "anchor_left_out"] == [
        f"epoch {EPOCH} is collected without 2 logs; log 3: it is dead {{}}"
    ]


def test_nothing_is_sent_if_another_log_was_faster() -> None:
    scene = Scene()
    scene.turn(2)
    assert scene.group.collected_count == 1
    scene.group.sight = replace(SIGHT, anchored={EPOCH: 0b11110})
    assert not any(scene.turn() for _ in range(4))
    assert scene.group.collected_count == 1


@pytest.mark.parametrize("kind", [Outcome.PENDING, Outcome.CONFIRMED, Outcome.REVERTED])
def test_an_epoch_is_paid_once_also_after_a_crash(kind: Outcome) -> None:
    scene = Scene()
    assert scene.turn(4)
    scene.group.sent = outcome(kind)
    assert not scene.turn(3)
    scene.start()
    assert not scene.turn(5) and scene.group.collected_count == 1


def test_what_is_on_its_way_is_not_sent_again() -> None:
    scene = Scene()
    assert scene.turn(4)
    scene.in_flight = frozenset({INTENT})
    assert not scene.turn(3)


def test_a_crash_before_the_send_costs_another_collection_only() -> None:
    scene = Scene()
    scene.turn(2)
    scene.start()
    assert scene.turn(4) and scene.group.collected_count == 2


def test_an_outage_is_told_and_tried_again_within_limits() -> None:
    scene = Scene(Group(is_down=True))
    scene.turn(60)
    assert scene.group.collected_count == TRIES
    assert len([kind for kind in scene.log.kinds() if kind == "anchor_unavailable"]) < 10
    scene.group.is_down = False
    assert not scene.turn(5)
    scene.now += 4 * EPOCH_SECONDS  # its turn in a later epoch
    assert not scene.turn(3) and scene.group.collected_count > TRIES


def test_without_a_registered_log_nothing_happens() -> None:
    scene = Scene(Group(sight=None))
    assert not scene.turn(5) and scene.group.collected_count == 0
    scene.group.sight = SIGHT  # it was registered since
    assert scene.turn(6)
