"""A third of the keepers, then half of them, vanish from one moment to the next; so does the registrant."""

import shutil
from contextlib import closing

from truestep.drills.items import ASSIGN_SECONDS, item_of, kept_item, published, seats_of
from truestep.drills.keepers import Keeper, keepers
from truestep.drills.reports import Reports
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.drills.watchers import LOOK_SECONDS, WATCHER, fetched, watcher
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.rules import winner_part

KEEPERS, SEATS = 6, 3
THIRD, HALF = KEEPERS // 3, KEEPERS // 2
PAYLOAD = b"what must outlive its keepers " * 1_000


def vanishing(stage: Stage) -> Verdict:
    """Let those vanish that hold seats, and let watchers and the others make good for it."""
    cast = keepers(stage, [f"keeper {number}" for number in range(1, KEEPERS + 1)])
    requester, _ = stage.key("requester"), stage.key(WATCHER)
    manifest = published(stage, PAYLOAD)
    item_id = kept_item(stage, requester, manifest, SEATS)
    before = stage.purses()
    watcher(stage)
    shutil.rmtree(stage.folder / "blobs")
    stage.say(f"an item is kept by {SEATS} of {KEEPERS} keepers; whoever registered it is gone")

    gone = _vanish(stage, item_id, cast, [], THIRD)
    _mended(stage, item_id, cast, gone)
    gone += _vanish(stage, item_id, cast, gone, HALF - THIRD)
    _mended(stage, item_id, cast, gone)

    with closing(Reports(stage.folder / "fetch.jsonl")) as reports:
        found = fetched(stage, reports).get_input(manifest.parts[0].root, len(PAYLOAD))
    share_wei = stage.rules.share_wei
    return Verdict(
        happened=f"{HALF} of {KEEPERS} keepers vanished, their seats went to others, and the data is there",
        guilty={each.name: share_wei for each in gone},
        honest={WATCHER: HALF * winner_part(stage.rules, share_wei)},
        changes=stage.changes_since(before),
        facts={
            "the item is kept": item_of(stage, item_id).state is ItemState.KEPT,
            "whoever is left can give the data": found == PAYLOAD,
            "the seats are those of keepers that are left": not {
                each.name for each in seats_of(stage, item_id, cast).values()
            }
            & {each.name for each in gone},
        },
    )


def _vanish(
    stage: Stage, item_id: ItemId, cast: list[Keeper], gone: list[Keeper], count: int
) -> list[Keeper]:
    """Let so many more of those vanish that hold seats."""
    vanished = list(seats_of(stage, item_id, cast).values())[:count]
    for each in vanished:
        each.vanish()
    stage.say(f"{count} keepers vanish, {len(gone) + count} of {KEEPERS} in all")
    return vanished


def _mended(stage: Stage, item_id: ItemId, cast: list[Keeper], gone: list[Keeper]) -> None:
    """Until all seats are held by others: found out, challenged, settled, drawn again."""
    names = {each.name for each in gone}

    def holders() -> set[str]:
        return {each.name for each in seats_of(stage, item_id, cast).values()}

    stage.until(
        "a watcher challenges who vanished",
        lambda: len(stage.facts().challenges) == len(holders() & names),
        step_seconds=LOOK_SECONDS,
    )
    stage.skip(HOUR_SECONDS + 1)
    stage.until("they lose their seats", lambda: not holders() & names)
    stage.say("they are slashed, since they have not answered")
    stage.skip(ASSIGN_SECONDS)
    stage.until("other keepers take their seats", lambda: len(holders()) == SEATS)
    stage.say("others fetch the item from who is left, and take the seats")
