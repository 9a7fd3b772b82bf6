"""Somebody floods an item with challenges, to cost its keepers more than it costs him."""

from truestep.drills.items import item_of, kept_item, published, seats_of
from truestep.drills.keepers import keepers
from truestep.drills.stage import Stage
from truestep.drills.verdict import Verdict
from truestep.protocol.availability.challenges import bond_factor
from truestep.protocol.availability.contracts.challenges import Challenged, OpenChallenge
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ChallengeKind

ELEMENTS = 10
"""That each seat is asked for, besides the blob: more than are open at the lowest price."""


def spam(stage: Stage) -> Verdict:
    """Challenge every seat many times at once."""
    cast = keepers(stage, ["keeper 1", "keeper 2"])
    requester, spammer = stage.key("requester"), stage.key("spammer")
    item_id = kept_item(stage, requester, published(stage, b"what spam must not cost " * 1_000), 2)
    seats, record = seats_of(stage, item_id, cast), item_of(stage, item_id).record
    before, rules = stage.purses(), stage.rules

    asked = [(ChallengeKind.ELEMENT, element) for element in range(ELEMENTS)] + [(ChallengeKind.BLOB, 0)]
    for opened, (kind, element, seat) in enumerate((*each, seat) for each in asked for seat in seats):
        bond_wei = rules.blob_bond_wei if kind == ChallengeKind.BLOB else rules.element_bond_wei
        call = OpenChallenge(item_id=item_id, record=record, seat=seat, kind=kind, blob=0, element=element)
        stage.send(spammer, "Challenges", call, value_wei=bond_wei * bond_factor(opened))
    count = len(asked) * len(seats)
    stage.say(f"{count} challenges are sent as fast as blocks take them")
    stage.until("keepers answer all challenges", lambda: not stage.facts().challenges)

    bonds_wei = dict.fromkeys((each.account for each in cast), 0)
    for event in stage.annals.of(Challenged):
        bonds_wei[event.keeper] += event.challenge.bond_wei
    after = stage.purses()
    return Verdict(
        happened=f"keepers answered {count} challenges, and the bonds have paid for more than their gas",
        guilty={"spammer": sum(bonds_wei.values())},
        honest={each.name: bonds_wei[each.account] for each in cast},
        changes=stage.changes_since(before),
        facts={
            "the item is kept": item_of(stage, item_id).state is ItemState.KEPT,
            "both keepers still have their seats": seats_of(stage, item_id, cast) == seats,
            "the bonds pay for the keepers' gas": all(
                bonds_wei[each.account] > after[each.name].gas_wei - before[each.name].gas_wei
                for each in cast
            ),
            f"there are bonds for {count} challenges": sum(bonds_wei.values())
            >= len(seats) * (ELEMENTS * rules.element_bond_wei + rules.blob_bond_wei),
        },
    )
