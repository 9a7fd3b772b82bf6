"""Somebody floods a job's outputs with challenges, so that its result is never final."""

from truestep.drills.items import item_of, seats_of
from truestep.drills.jobs import (
    REQUESTER,
    REWARD_WEI,
    WORKER,
    order,
    until_delivered,
    until_final,
    worker,
)
from truestep.drills.keepers import keepers
from truestep.drills.stage import HOUR_SECONDS, WINDOW_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.protocol.availability.challenges import challenge_bond_wei
from truestep.protocol.availability.contracts.challenges import Challenged, OpenChallenge
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ChallengeKind, ItemId

SPAMMER = "spammer"
ELEMENTS = 10
"""That each seat is asked for, besides the blob: more than are open at the lowest price."""


def spam(stage: Stage) -> Verdict:
    """Challenge every seat of the outputs many times at once, just before the window ends."""
    cast = keepers(stage, ["keeper 1", "keeper 2"])
    stage.keys(REQUESTER, WORKER, SPAMMER)
    before = stage.purses()
    ordered = order(stage)
    worker(stage)
    item_id = until_delivered(ordered)
    seats = seats_of(stage, item_id, cast)
    stage.skip(WINDOW_SECONDS - HOUR_SECONDS)
    busy = stage.purses()
    count = _flood(stage, item_id, list(seats))
    stage.until("keepers answer all challenges", lambda: not stage.facts().challenges)
    calm = stage.purses()
    stage.say("the keepers have answered all of them")
    until_final(ordered, HOUR_SECONDS + 1)

    bonds_wei = dict.fromkeys((each.account for each in cast), 0)
    for event in stage.annals.of(Challenged):
        bonds_wei[event.keeper] += event.challenge.bond_wei
    rules = stage.rules
    return Verdict(
        happened=f"keepers answered {count} challenges for more than their gas, and the job was done",
        guilty={SPAMMER: sum(bonds_wei.values())},
        honest={each.name: bonds_wei[each.account] for each in cast} | {WORKER: REWARD_WEI},
        paid={REQUESTER: REWARD_WEI},
        changes=stage.changes_since(before),
        facts={
            "the job is finished": ordered.job.is_complete(),
            "its result is right, and everybody can have it": ordered.has_right_result(),
            "the outputs are kept": item_of(stage, item_id).state is ItemState.KEPT,
            "both keepers still have their seats": seats_of(stage, item_id, cast) == seats,
            "the bonds pay for the keepers' gas": all(
                bonds_wei[each.account] > calm[each.name].gas_wei - busy[each.name].gas_wei for each in cast
            ),
            f"there are bonds for {count} challenges": sum(bonds_wei.values())
            >= len(seats) * (ELEMENTS * rules.element_bond_wei + rules.blob_bond_wei),
        },
    )


def _flood(stage: Stage, item_id: ItemId, seats: list[int]) -> int:
    """Send the challenges; how many there were."""
    record = item_of(stage, item_id).record
    asked = [(ChallengeKind.ELEMENT, element) for element in range(ELEMENTS)] + [(ChallengeKind.BLOB, 0)]
    places = [(*each, seat) for each in asked for seat in seats]
    stage.say(f"{len(places)} challenges are sent as fast as blocks take them")
    for opened, (kind, element, seat) in enumerate(places):
        bond_wei = challenge_bond_wei(stage.rules, kind, opened)
        call = OpenChallenge(item_id=item_id, record=record, seat=seat, kind=kind, blob=0, element=element)
        stage.send(stage.key(SPAMMER), "Challenges", call, value_wei=bond_wei)
    return len(places)
