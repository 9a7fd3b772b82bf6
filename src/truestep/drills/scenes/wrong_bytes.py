"""A keeper that has lost its data serves other bytes in its place."""

from contextlib import closing

from truestep.drills.items import item_of, kept_item, published, seats_of
from truestep.drills.keepers import Vice, enrolled, keeper
from truestep.drills.reports import Reports
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.drills.watchers import LOOK_SECONDS, WATCHER, fetched, watcher
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.rules import winner_part
from truestep.roles.keeper import URGENT, Action, Prepare, SendKept
from truestep.simulation.hostile_keepers import FalseCells

PAYLOAD = b"what a liar cannot change " * 1_000


def answers_nothing(action: Action) -> bool:
    """Whether an action is part of an answer to a challenge or a demand."""
    return isinstance(action, Prepare) or (isinstance(action, SendKept) and (isinstance(action.call, URGENT)))


def wrong_bytes(stage: Stage) -> Verdict:
    """Fetch the item beside the liar, and let a watcher find him out."""
    liar = keeper(stage, "liar", vice=Vice(never=answers_nothing, store=FalseCells))
    cast = [liar, keeper(stage, "keeper 1"), keeper(stage, "keeper 2")]
    enrolled(stage, cast)
    requester, _ = stage.key("requester"), stage.key(WATCHER)
    manifest = published(stage, PAYLOAD)
    item_id = kept_item(stage, requester, manifest, len(cast))
    before = stage.purses()
    stage.say("an item is kept by three keepers, one of which serves wrong bytes")

    with closing(Reports(stage.folder / "fetch.jsonl")) as reports:
        found = fetched(stage, reports).get_input(manifest.parts[0].root, len(PAYLOAD))
    stage.say("whoever fetches it gets the right ones all the same")
    watcher(stage)
    stage.until(
        "a watcher challenges the liar", lambda: bool(stage.facts().challenges), step_seconds=LOOK_SECONDS
    )
    stage.skip(HOUR_SECONDS + 1)
    stage.until("the liar loses his seat", lambda: liar not in seats_of(stage, item_id, cast).values())

    share_wei = stage.rules.share_wei
    return Verdict(
        happened="a watcher saw the wrong bytes; on the chain the liar had nothing to answer with",
        guilty={liar.name: share_wei},
        honest={WATCHER: winner_part(stage.rules, share_wei)},
        changes=stage.changes_since(before),
        facts={
            "the item is kept": item_of(stage, item_id).state is ItemState.KEPT,
            "what was fetched is what was registered": found == PAYLOAD,
        },
    )
