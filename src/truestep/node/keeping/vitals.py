"""The clocks of a keeper: what is asked of it and not answered yet."""

from truestep.ports.vitals import Clock, ClockKind
from truestep.protocol.availability.ids import item_of_demand, unpack_challenge
from truestep.roles.keeper import View, own_places


def clocks(view: View) -> list[Clock]:
    """Of challenges of its seats, and of demands about its items, whoever is to answer first."""
    number = view.facts.number_of(view.account)
    if number is None:
        return []
    places = own_places(view, number)
    drawn = {(each.item.item_id, each.index): each.seat.acknowledged_at for each in places}
    items = {each.item.item_id for each in places if each.seat.acknowledged_at}
    found: list[Clock] = []
    for challenge_id, challenge in view.facts.challenges.items():
        asked = unpack_challenge(challenge_id)
        if drawn.get((asked.item_id, asked.seat)) == asked.acknowledged_at and view.now <= challenge.until:
            subject = f"seat {asked.seat} of item {asked.item_id}"
            found.append(_clock(view, ClockKind.CHALLENGE, subject, challenge.until))
    for demand_id, demand in view.facts.demands.items():
        until = demand.moved_at + view.rules.answer_seconds
        if item_of_demand(demand_id) in items and not demand.is_answered and view.now <= until:
            subject = f"item {item_of_demand(demand_id)}"
            found.append(_clock(view, ClockKind.DEMAND, subject, until))
    return found


def _clock(view: View, kind: ClockKind, subject: str, until: int) -> Clock:
    return Clock(kind=kind, subject=subject, until=until, whole_seconds=view.rules.answer_seconds)
