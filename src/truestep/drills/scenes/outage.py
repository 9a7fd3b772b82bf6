"""A keeper's node is down when somebody, who hopes for its share, challenges it."""

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
from truestep.drills.keepers import enrolled, keeper
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.protocol.availability.contracts.challenges import OpenChallenge
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ChallengeKind

ATTACKER = "attacker"
LEFT_SECONDS = HOUR_SECONDS // 6
"""Of the time for the answer, when the node is back."""


def outage(stage: Stage) -> Verdict:
    """Challenge both ways while the keeper is blind; mend its node late, but not too late."""
    line = stage.line()
    blind, other = keeper(stage, "keeper with the outage", rpc=line.url), keeper(stage, "other keeper")
    enrolled(stage, [blind, other])
    stage.keys(REQUESTER, WORKER, ATTACKER)
    before = stage.purses()
    ordered = order(stage, seat_count=2)
    seats = seats_of(stage, ordered.item_id, [blind, other])
    seat = next(index for index, holder in seats.items() if holder is blind)
    record = item_of(stage, ordered.item_id).record

    line.cut()
    stage.say("the node of a keeper goes down")
    for kind, bond_wei in (
        (ChallengeKind.ELEMENT, stage.rules.element_bond_wei),
        (ChallengeKind.BLOB, stage.rules.blob_bond_wei),
    ):
        call = OpenChallenge(item_id=ordered.item_id, record=record, seat=seat, kind=kind, blob=0, element=0)
        stage.send(stage.key(ATTACKER), "Challenges", call, value_wei=bond_wei)
    stage.say("an attacker challenges its seat twice, and hopes for its share")
    stage.until("the keeper notices that its node is down", lambda: blind.reports.has_said("unavailable"))
    stage.skip(HOUR_SECONDS - LEFT_SECONDS)
    line.mend()
    stage.say(f"the node is back, {LEFT_SECONDS // 60} minutes before the end")
    stage.until("the keeper answers both challenges", lambda: not stage.facts().challenges)
    stage.say("the keeper has answered both challenges")
    worker(stage)
    until_delivered(ordered)
    until_final(ordered)

    bonds_wei = stage.rules.element_bond_wei + stage.rules.blob_bond_wei
    return Verdict(
        happened="both challenges were answered when the node was back, in the last sixth of the time",
        guilty={ATTACKER: bonds_wei},
        honest={blind.name: bonds_wei, WORKER: REWARD_WEI},
        paid={REQUESTER: REWARD_WEI},
        changes=stage.changes_since(before),
        facts={
            "the job is finished": ordered.job.is_complete(),
            "its result is right, and everybody can have it": ordered.has_right_result(),
            "its data is kept": item_of(stage, ordered.item_id).state is ItemState.KEPT,
            "the keeper still has its seat": seats_of(stage, ordered.item_id, [blind, other]) == seats,
        },
    )
