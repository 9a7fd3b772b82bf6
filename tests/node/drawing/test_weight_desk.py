"""Operators that are drawn let their weight follow their pledge by themselves (docs/assignment.md D3.4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.e2e.network import Log
from tests.roles.views import WORKER, view
from truestep.base.errors import Unavailable
from truestep.base.ids import Address
from truestep.node.drawing.weight_desk import WeightDesk
from truestep.protocol.assignment.rules import DRAW_RULES, DrawRules
from truestep.protocol.draw_calls import RefreshWeight
from truestep.roles.actions import Send

PHASES = DRAW_RULES.phases
START = 1_000 * PHASES.round_seconds


@dataclass
class Scales:
    """Satisfies `Pledges`."""

    is_stale: bool = True
    is_down: bool = False
    asked: list[Address] = field(default_factory=list)
    rules: DrawRules = DRAW_RULES

    def has_stale_weight(self, operator: Address) -> bool:
        self.asked.append(operator)
        if self.is_down:
            raise Unavailable("no node answers")
        return self.is_stale


def test_a_stale_weight_is_refreshed_once_a_round_in_its_commit_phase() -> None:
    scales = Scales()
    desk = WeightDesk(scales, Log())
    assert [*desk.decide(view(now=START + PHASES.commit_seconds))] == [] == scales.asked
    (send,) = desk.decide(view(now=START + PHASES.round_seconds))
    assert isinstance(send, Send) and send.call == RefreshWeight(operator=WORKER)
    assert [*desk.decide(view(now=START + PHASES.round_seconds + 1))] == []
    scales.is_stale = False
    assert [*desk.decide(view(now=START + 2 * PHASES.round_seconds))] == []
    assert scales.asked == [WORKER, WORKER]


def test_a_node_that_does_not_answer_is_said_and_asked_again_in_the_next_round() -> None:
    scales, log = Scales(is_down=True), Log()
    desk = WeightDesk(scales, log)
    assert [*desk.decide(view(now=START))] == [] and log.kinds() == ["weight_unread"]
    scales.is_down = False
    assert len(desk.decide(view(now=START + PHASES.round_seconds))) == 1
