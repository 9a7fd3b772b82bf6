"""Whoever registered a program withholds it, so that nobody can check what a friend claims of it."""

from truestep.drills.items import item_of, seats_of
from truestep.drills.jobs import CHALLENGER, REWARD_WEI, Ordered, challenger, order, until_delivered, worker
from truestep.drills.keepers import Keeper
from truestep.drills.scenes.friends import friends_beside_others
from truestep.drills.stage import HOUR_SECONDS, WINDOW_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.machine.interpreter import ReferenceEngine
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.rules import winner_part
from truestep.protocol.events import ClaimFailed, WindowExtended
from truestep.simulation.faulty_engine import Fault, FaultyEngine

REGISTRANT, LIAR = "registrant", "liar"
LEFT_SECONDS = HOUR_SECONDS // 2
"""Of the window, when the challenger comes: too little for an answer, so it has to hold the batch."""


def program_withheld(stage: Stage) -> Verdict:
    """Claim a false result under cover of data that is gone, and let a challenger come late."""
    friends = friends_beside_others(stage)
    stage.keys(REGISTRANT, LIAR, CHALLENGER)
    before = stage.purses()
    ordered = order(stage, name=REGISTRANT, seat_count=len(friends))
    lie = FaultyEngine(ReferenceEngine(), Fault(cycle=100))
    liar = worker(stage, LIAR, engine=lie, stores=[stage.store_url])
    until_delivered(ordered)
    liar.leave()
    stage.lose_store()
    stage.say("the result is false, and program and input are gone: nobody can check it")

    stage.skip(WINDOW_SECONDS - LEFT_SECONDS)
    challenger(stage)
    stage.until("the challenger holds the batch", lambda: bool(ordered.events(WindowExtended)))
    stage.say("a challenger comes late, asks for the data on the chain, and holds the batch meanwhile")
    for left in range(len(friends), 0, -1):
        stage.until("a friend is challenged", lambda: bool(stage.facts().challenges))
        stage.skip(HOUR_SECONDS + 1)
        stage.until("it loses its seat", lambda left=left: _seat_count(stage, ordered, friends) < left)
    stage.until("the claim fails", lambda: bool(ordered.events(ClaimFailed)))
    stage.say("the item of its program is lost: the claim fails")
    stage.until("the challenger has its bonds back", lambda: not stage.facts().challenges)
    refunded_wei = ordered.refund()

    share_wei = stage.rules.share_wei
    return Verdict(
        happened="a challenger held the batch until the data was lost; the lie fell, the reward went back",
        guilty={each.name: share_wei for each in friends},
        honest={CHALLENGER: len(friends) * winner_part(stage.rules, share_wei)},
        changes=stage.changes_since(before),
        facts={
            "the lie is not final": not ordered.job.is_complete(),
            "the batch was held": bool(ordered.events(WindowExtended)),
            "the job is refunded": refunded_wei == REWARD_WEI,
            "the item is lost": item_of(stage, ordered.item_id).state is ItemState.LOST,
        },
    )


def _seat_count(stage: Stage, ordered: Ordered, friends: list[Keeper]) -> int:
    return len(seats_of(stage, ordered.item_id, friends))
