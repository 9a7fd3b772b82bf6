"""A keeper that has lost its data serves other bytes in its place."""

from contextlib import closing

from truestep.drills.guest import INPUT
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
from truestep.drills.keepers import Vice, enrolled, keeper
from truestep.drills.reports import Reports
from truestep.drills.scenes.friends import answers_nothing
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.drills.watchers import LOOK_SECONDS, WATCHER, fetched, watcher
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.rules import winner_part
from truestep.simulation.hostile_keepers import FalseCells


def wrong_bytes(stage: Stage) -> Verdict:
    """Let a worker fetch the job's data beside the liar, and a watcher find him out."""
    liar = keeper(stage, "liar", vice=Vice(never=answers_nothing, store=FalseCells), shares=1)
    cast = [liar, keeper(stage, "keeper 1"), keeper(stage, "keeper 2")]
    enrolled(stage, cast)
    stage.keys(REQUESTER, WORKER, WATCHER)
    before = stage.purses()
    ordered = order(stage, seat_count=len(cast))
    stage.lose_store()
    stage.say("its data is at three keepers, one of which serves wrong bytes, and nowhere else")

    with closing(Reports(stage.folder / "fetch.jsonl")) as reports:
        root = ordered.job.record().input_root
        found = fetched(stage, reports).get_input(root, len(INPUT))
    worker(stage)
    until_delivered(ordered)
    watcher(stage)
    stage.until(
        "a watcher challenges the liar", lambda: bool(stage.facts().challenges), step_seconds=LOOK_SECONDS
    )
    stage.say("a watcher has seen the wrong bytes, and challenges the liar")
    stage.skip(HOUR_SECONDS + 1)
    stage.until(
        "the liar loses his seat", lambda: liar not in seats_of(stage, ordered.item_id, cast).values()
    )
    until_final(ordered)

    share_wei = stage.rules.share_wei
    return Verdict(
        happened="everybody got the right bytes from the others; the liar had no answer on the chain",
        guilty={liar.name: share_wei},
        honest={WATCHER: winner_part(stage.rules, share_wei), WORKER: REWARD_WEI},
        paid={REQUESTER: REWARD_WEI},
        changes=stage.changes_since(before),
        facts={
            "the job is finished": ordered.job.is_complete(),
            "its result is right, and everybody can have it": ordered.has_right_result(),
            "its data is kept": item_of(stage, ordered.item_id).state is ItemState.KEPT,
            "what was fetched is the input": found == INPUT,
        },
    )
