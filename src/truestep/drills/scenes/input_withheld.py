"""A requester has friends among the keepers sign for a program and an input that it gives to nobody."""

from truestep.drills.items import item_of, seats_of
from truestep.drills.jobs import REQUESTER, REWARD_WEI, WORKER, order, worker
from truestep.drills.scenes.friends import friends_beside_others
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.drills.watchers import LOOK_SECONDS, WATCHER, watcher
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.rules import winner_part
from truestep.protocol.events import TaskTaken


def input_withheld(stage: Stage) -> Verdict:
    """Post the job; nobody who could run it can have its data."""
    friends = friends_beside_others(stage)
    stage.keys(REQUESTER, WORKER, WATCHER)
    before = stage.purses()
    ordered = order(stage, seat_count=len(friends))
    stage.lose_store()
    stage.say("the requester's friends have signed that they keep the data, and nobody has it")
    honest = worker(stage)
    stage.until("a worker declines the job", lambda: honest.reports.has_said("declined"))
    stage.say("a worker does not take the job: it cannot have program and input")
    watcher(stage)
    stage.until(
        "a watcher challenges both friends",
        lambda: len(stage.facts().challenges) == len(friends),
        step_seconds=LOOK_SECONDS,
    )
    stage.skip(HOUR_SECONDS + 1)
    stage.until("both lose their seats", lambda: not seats_of(stage, ordered.item_id, friends))
    stage.say("a watcher has challenged them, and they had no answer: the item is lost")
    refunded_wei = ordered.refund()

    share_wei = stage.rules.share_wei
    return Verdict(
        happened="nobody took the job, the keepers that had signed were slashed, the reward went back",
        guilty={each.name: share_wei for each in friends},
        honest={WATCHER: len(friends) * winner_part(stage.rules, share_wei)},
        changes=stage.changes_since(before),
        facts={
            "nobody took the job": not ordered.events(TaskTaken),
            "the job is refunded": refunded_wei == REWARD_WEI,
            "the item is lost": item_of(stage, ordered.item_id).state is ItemState.LOST,
        },
    )
