"""A requester's commitments hold other bytes than its root says, and friends among the keepers sign."""

from truestep.drills.guest import INPUT, PROGRAM
from truestep.drills.items import item_of, kept_item, published_lie
from truestep.drills.jobs import REQUESTER, REWARD_WEI, WORKER, order, worker
from truestep.drills.keepers import Vice, enrolled, keeper
from truestep.drills.scenes.friends import answers_nothing
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.drills.watchers import LOOK_SECONDS, WATCHER, watcher
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.rules import winner_part
from truestep.protocol.events import TaskTaken
from truestep.simulation.hostile_keepers import UncheckingHands


def mismatch(stage: Stage) -> Verdict:
    """Have other bytes kept than those of the input, and post a job for that."""
    friend = Vice(never=answers_nothing, hands=UncheckingHands)
    cast = [keeper(stage, f"friend {number}", vice=friend) for number in (1, 2)]
    enrolled(stage, cast)
    stage.keys(REQUESTER, WORKER, WATCHER)
    before = stage.purses()
    lie = published_lie(stage, PROGRAM, INPUT)
    item_id = kept_item(stage, stage.key(REQUESTER), lie, len(cast))
    stage.say("an item is kept whose blobs do not hold the input whose root it names")
    ordered = order(stage)
    stage.lose_store()
    honest = worker(stage)
    stage.until("a worker declines the job", lambda: honest.reports.has_said("declined"))
    stage.say("a worker does not take the job: what it gets is not the input")

    watcher(stage)
    stage.until("a watcher demands the tree", lambda: bool(stage.facts().demands), step_seconds=LOOK_SECONDS)
    stage.say("a watcher has fetched the item, found another root, and demands the tree below the root")
    stage.skip(HOUR_SECONDS + 1)
    stage.until("the item is struck", lambda: item_of(stage, item_id).state is ItemState.STRUCK)
    refunded_wei = ordered.refund()

    rules = stage.rules
    return Verdict(
        happened="nobody could give the tree of the root that the blobs do not have: the item was struck",
        guilty={REQUESTER: rules.registrant_bond_wei} | {each.name: rules.share_wei for each in cast},
        honest={WATCHER: winner_part(rules, rules.registrant_bond_wei)},
        changes=stage.changes_since(before),
        facts={
            "nobody took the job": not ordered.events(TaskTaken),
            "the job is refunded": refunded_wei == REWARD_WEI,
        },
    )
