"""A third of the keepers, then half of them, vanish from one moment to the next."""

from truestep.drills.items import ASSIGN_SECONDS, item_of, seats_of
from truestep.drills.jobs import (
    REQUESTER,
    REWARD_WEI,
    WORKER,
    order,
    until_delivered,
    until_final,
    worker,
)
from truestep.drills.keepers import Keeper, keepers
from truestep.drills.stage import HOUR_SECONDS, Stage
from truestep.drills.verdict import Verdict
from truestep.drills.watchers import LOOK_SECONDS, WATCHER, watcher
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.availability.rules import winner_part

KEEPERS, SEATS = 6, 3
THIRD, HALF = KEEPERS // 3, KEEPERS // 2


def vanishing(stage: Stage) -> Verdict:
    """Let those vanish that hold seats, and let watchers and the others make good for it.

    Keepers have one share each, so that seats go to the others; two new ones come for the job's outputs.
    """
    cast = keepers(stage, [f"keeper {number}" for number in range(1, KEEPERS + 1)], shares=1)
    new = ("new keeper 1", "new keeper 2")
    stage.keys(REQUESTER, WORKER, WATCHER, *new)
    before = stage.purses()
    ordered = order(stage, seat_count=SEATS)
    watcher(stage)
    stage.lose_store()
    stage.say(f"{SEATS} of {KEEPERS} keepers have the data, and nobody else: the requester's store is gone")

    gone = _vanish(stage, ordered.item_id, cast, [], THIRD)
    _mended(stage, ordered.item_id, cast, gone)
    gone += _vanish(stage, ordered.item_id, cast, gone, HALF - THIRD)
    _mended(stage, ordered.item_id, cast, gone)

    keepers(stage, new, shares=1)
    worker(stage)
    until_delivered(ordered)
    until_final(ordered)
    share_wei = stage.rules.share_wei
    names = {each.name for each in gone}
    holders = seats_of(stage, ordered.item_id, cast).values()
    return Verdict(
        happened=f"{HALF} of {KEEPERS} keepers vanished, others took their seats, and the job was done",
        guilty=dict.fromkeys(names, share_wei),
        honest={WATCHER: HALF * winner_part(stage.rules, share_wei), WORKER: REWARD_WEI},
        paid={REQUESTER: REWARD_WEI},
        changes=stage.changes_since(before),
        facts={
            "the job is finished": ordered.job.is_complete(),
            "its result is right, and everybody can have it": ordered.has_right_result(),
            "its data is kept": item_of(stage, ordered.item_id).state is ItemState.KEPT,
            "by keepers that are left": not {each.name for each in holders} & names,
        },
    )


def _vanish(
    stage: Stage, item_id: ItemId, cast: list[Keeper], gone: list[Keeper], count: int
) -> list[Keeper]:
    """Let so many more of those vanish that hold seats."""
    vanished = list(seats_of(stage, item_id, cast).values())[:count]
    for each in vanished:
        each.vanish()
    stage.say(
        f"{', '.join(each.name for each in vanished)} vanished: {len(gone) + count} of {KEEPERS} in all"
    )
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
    while len(holders()) < SEATS:
        _seats_drawn(stage, item_id)
        drawn = len(item_of(stage, item_id).seats)
        stage.until("other keepers take their seats", lambda drawn=drawn: len(holders()) >= drawn)
    stage.say("others fetch the item from who is left, and take the seats")


def _seats_drawn(stage: Stage, item_id: ItemId) -> None:
    """Let keepers have empty seats drawn: they wait the longer, the older the item was at the last draw."""
    item = item_of(stage, item_id)
    is_taken = all(seat.acknowledged_at for seat in item.seats.values())
    if len(item.seats) == SEATS or not is_taken:
        return
    last = max(seat.drawn_at for seat in item.seats.values())
    stage.skip(max(2 * last - item.record.since + ASSIGN_SECONDS - stage.now(), 1))
    stage.until("keepers have seats drawn", lambda: len(item_of(stage, item_id).seats) == SEATS)
