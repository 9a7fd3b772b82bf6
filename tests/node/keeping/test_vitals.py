"""The clocks that a keeper shows: what is asked of its own seats, as long as it can answer."""

from dataclasses import replace

from tests.roles.test_keeper import ITEM, NOW, OTHER, RULES, challenged, demanded, view
from truestep.node.keeping.vitals import clocks
from truestep.ports.vitals import Clock, ClockKind
from truestep.protocol.availability.ids import ChallengeKind, demand_of


def test_a_challenge_of_its_seat_is_a_clock_until_it_is_late() -> None:
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT)
    seen = view(challenges={challenge_id: challenge})
    expected = Clock(
        kind=ClockKind.CHALLENGE,
        subject="seat 1 of item 7",
        until=challenge.until,
        whole_seconds=RULES.answer_seconds,
    )
    assert clocks(seen) == [expected]
    assert clocks(replace(seen, now=challenge.until + 1)) == []


def test_challenges_of_other_seats_are_not_its_clocks() -> None:
    challenge_id, challenge = challenged(ChallengeKind.ELEMENT, seat=0)
    assert clocks(view(challenges={challenge_id: challenge})) == []


def test_a_demand_about_its_item_is_a_clock_until_somebody_has_answered() -> None:
    demand_id, demand = demand_of(ITEM, 0, OTHER), demanded()
    (clock,) = clocks(view(demands={demand_id: demand}))
    assert (clock.kind, clock.subject) == (ClockKind.DEMAND, "item 7")
    assert clock.until == demand.moved_at + RULES.answer_seconds > NOW
    assert clocks(view(demands={demand_id: replace(demand, is_answered=True)})) == []
