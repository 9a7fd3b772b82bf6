"""A watcher's decisions: whom to look at, whom to challenge, what to settle (docs/availability.md A4)."""

from collections.abc import Iterable, Iterator

from truestep.commitments.keccak import keccak256
from truestep.commitments.kzg import ELEMENTS_PER_BLOB
from truestep.protocol.availability.calls import Paid
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers
from truestep.protocol.availability.contracts.challenges import Challenge, OpenChallenge, Settle
from truestep.protocol.availability.facts import Answered, KnownItem, KnownSeat, pair
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    ChallengePlace,
    KeeperId,
    unpack_challenge,
)
from truestep.protocol.availability.kept import HOLD_LIMIT_SECONDS
from truestep.roles.availability import binding
from truestep.roles.availability.bonds import CHALLENGE, Wish, challenge_wei, granted
from truestep.roles.availability.sights import (
    Action,
    LookAt,
    Need,
    Seat,
    SendData,
    Sight,
    SurveyItem,
    Suspicion,
    TellData,
    View,
    WatchPolicy,
)

DAY_SECONDS = 86_400
BACK_OFF_SECONDS, BACK_OFF_DOUBLINGS = DAY_SECONDS, 5
"""After an answer on the chain a keeper is left alone for a day, and twice as long each time: whoever serves
this node nothing, but answers challenges, earns their bonds."""
SERVED_SECONDS = DAY_SECONDS
"""If no keeper at all has given anything for so long, it may be this node that reaches nobody."""
SPREAD_SECONDS = 120
"""Watchers challenge and settle at different moments, so that they do not all pay for the same."""
END_SECONDS = 60
"""At the end of an item in which no challenge is opened any more: it would come too late."""
CLOCK_SECONDS = binding.CLOCK_SECONDS
AT_ONCE = 8
"""Challenges of this account on an item that are open at a time: an honest keeper can publish so many soon.
More if there is no time for one round after the other. Those of others do not count: a liar could ask its own
keepers for one blob again and again."""
CHECK_SECONDS = HOLD_LIMIT_SECONDS // 4
"""At the end of the time in which blobs can be waited for: for the check, and for a game."""
WITHDRAWALS = {
    "Keepers": keepers.WithdrawTo,
    "Items": items.WithdrawTo,
    "Challenges": challenges.WithdrawTo,
    "Bindings": bindings.WithdrawTo,
}


def decide(view: View, policy: WatchPolicy, more: Iterable[Wish] = ()) -> list[Action]:
    """What to do now: what a clock runs for first. `more` are wishes of others, which go before its own."""
    watched = [item for item in view.facts.items.values() if _is_watched(view, policy, item)]
    actions: list[Action] = [*binding.moves(view), *_settlements(view)]
    actions += [action for item in watched for action in binding.strikes(view, item)]
    wishes = list(more)
    wishes += [wish for item in watched if item.item_id in view.needs for wish in _publications(view, item)]
    wishes += [wish for item in watched for wish in binding.demands(view, item)]
    wishes += _accusations(view, policy, watched)
    actions += granted(view, policy, wishes)
    actions += _surveys(view, watched)
    actions += _looks(view, policy, watched)
    actions += binding.checks(view, policy, watched)
    actions += _troubles(view, policy, watched)
    actions += _withdrawals(view, policy)
    return _once(view, actions)


def _is_watched(view: View, policy: WatchPolicy, item: KnownItem) -> bool:
    """Whether an item matters here, and somebody answers for it: nobody can withhold what is in calldata."""
    if item.is_written:
        return False
    need = view.needs.get(item.item_id)
    is_wanted = policy.watches_all or (need is not None and need.is_missing)
    return is_wanted and item.is_open and view.now <= item.record.until - END_SECONDS


# --- looks ----------------------------------------------------------------------------------------


def _looks(view: View, policy: WatchPolicy, watched: list[KnownItem]) -> Iterator[Action]:
    """Look at items, those first at which nobody has looked for the longest time."""
    due = [
        (looked_at, item)
        for item in watched
        if _acknowledged(item)
        and (looked_at := view.looked_at.get(item.item_id, 0)) + _interval(view, policy, item) <= view.now
    ]
    for _, item in sorted(due, key=lambda each: (each[1].item_id not in view.needs, each[0])):
        yield LookAt(item=item)


def _interval(view: View, policy: WatchPolicy, item: KnownItem) -> int:
    is_suspected = any(seat in view.suspicions for seat in _seats(item))
    return policy.again_seconds if is_suspected else policy.look_seconds


def _acknowledged(item: KnownItem) -> dict[int, KnownSeat]:
    return {index: seat for index, seat in sorted(item.seats.items()) if seat.acknowledged_at}


def _seats(item: KnownItem) -> list[Seat]:
    return [(item.item_id, index, seat.acknowledged_at) for index, seat in _acknowledged(item).items()]


def _troubles(view: View, policy: WatchPolicy, watched: list[KnownItem]) -> Iterator[Action]:
    """Say who gives nothing, and when it may be this node that reaches nobody."""
    for item in watched:
        for seat in _seats(item):
            found = view.suspicions.get(seat)
            if found is not None and found.looks >= policy.patience_looks:
                yield TellData(
                    kind=f"keeper_{found.last.sight.value}",
                    message=f"{_words(view, item, seat[1])} does not give what it is asked for:"
                    f" {found.last.why}",
                )
        survey = view.surveys.get(item.item_id)
        unread = [blob for blob in item.published if survey is not None and blob in survey.missing]
        if item.item_id in view.needs and unread:
            yield TellData(
                kind="blob_not_read",
                message=f"blob {unread[0]} of item {item.item_id} was published in a transaction, and this"
                " node cannot read it: name a consensus node with --beacon, which keeps it for 18 days",
            )
    if view.suspicions and not _is_reached(view):
        yield TellData(
            kind="no_keeper_reached",
            message="no keeper gives this node anything, so it challenges none of them on suspicion; see"
            " whether it reaches them at all (--allow-private is for keepers on one computer or network)",
        )


def _is_reached(view: View) -> bool:
    return view.served_at is not None and view.now <= view.served_at + SERVED_SECONDS


# --- keepers that do not give what they must hold -------------------------------------------------


def _accusations(view: View, policy: WatchPolicy, watched: list[KnownItem]) -> Iterator[Wish]:
    """Have keepers open an element that were asked for cells in vain, or sent wrong ones: once each."""
    found = {keeper: wish for item in watched for keeper, wish in _accused(view, policy, item)}
    return iter(found.values())


def _accused(view: View, policy: WatchPolicy, item: KnownItem) -> Iterator[tuple[KeeperId, Wish]]:
    for index, known in _acknowledged(item).items():
        suspicion = view.suspicions.get((item.item_id, index, known.acknowledged_at))
        keeper = view.facts.keepers.get(known.keeper)
        if suspicion is None or keeper is None or keeper.account == view.account:
            continue
        answered = view.facts.answered.get(pair(view.account, keeper.account), Answered())
        if _is_due(view, policy, suspicion, known, answered) and not _is_asked(view, known.keeper):
            blob = min(suspicion.last.blob, item.record.blob_count - 1)
            seed = keccak256(policy.salt + f"{item.item_id}/{index}/{answered.count}".encode())
            element = int.from_bytes(seed[:4], "big") % ELEMENTS_PER_BLOB
            place = ChallengePlace(
                item_id=item.item_id,
                acknowledged_at=known.acknowledged_at,
                seat=index,
                kind=ChallengeKind.ELEMENT,
                blob=blob,
                element=element,
            )
            what = f"asks {_words(view, item, index)} for element {element} of blob {blob}"
            message = f"{what}: {suspicion.last.why}"
            yield known.keeper, _challenge(view, item, place, message, answered.count)


def _is_due(
    view: View, policy: WatchPolicy, suspicion: Suspicion, seat: KnownSeat, answered: Answered
) -> bool:
    """Whether a suspicion is old enough, and the keeper has not just answered this account."""
    if answered.count:
        doublings = min(answered.count - 1, BACK_OFF_DOUBLINGS)
        if view.now <= answered.until + (BACK_OFF_SECONDS << doublings):
            return False
    if suspicion.last.sight is Sight.WRONG:
        return True
    turn = keccak256(policy.salt + f"{seat.keeper}/{seat.acknowledged_at}".encode())
    patience = policy.again_seconds * (policy.patience_looks - 1)
    patience += int.from_bytes(turn[:4], "big") % min(SPREAD_SECONDS, policy.again_seconds)
    is_old = suspicion.looks >= policy.patience_looks and view.now >= suspicion.since + patience
    return is_old and _is_reached(view)


def _is_asked(view: View, keeper: KeeperId) -> bool:
    """Whether a challenge of this account waits for the keeper: one at a time shows whether it answers."""
    account = view.facts.keepers[keeper].account
    is_open = any(
        (each.challenger, each.keeper) == (view.account, account) for each in view.facts.challenges.values()
    )
    coming = (intent.split("/") for intent in view.in_flight)
    return is_open or any(
        parts[0] == CHALLENGE and _keeper_of(view, ChallengeId(int(parts[1]))) == keeper for parts in coming
    )


def _keeper_of(view: View, challenge_id: ChallengeId) -> KeeperId | None:
    place = unpack_challenge(challenge_id)
    item = view.facts.items.get(place.item_id)
    seat = item.seats.get(place.seat) if item else None
    return seat.keeper if seat else None


# --- blobs that somebody needs --------------------------------------------------------------------


def _surveys(view: View, watched: list[KnownItem]) -> Iterator[Action]:
    """Find out what is missing of items that are needed, and again after something was published."""
    for item in watched:
        need, survey = view.needs.get(item.item_id), view.surveys.get(item.item_id)
        if need is not None and need.is_missing and (survey is None or survey.missing):
            yield SurveyItem(item=item)


def _publications(view: View, item: KnownItem) -> Iterator[Wish]:
    """Have blobs published that nobody gives, and that a claim depends on.

    Each is asked of so many keepers at a time that all of them can have failed before it is too late; and so
    many blobs at a time that all are published by then, however late each answer comes.
    """
    need, survey = view.needs[item.item_id], view.surveys.get(item.item_id)
    if not need.is_missing or survey is None:
        return
    seats = list(_acknowledged(item).items())
    places = _asked_places(view, item)
    busy = {place.blob for place, _ in places}
    left = [blob for blob in survey.missing if blob not in item.published and blob not in busy]
    own = sum(challenge.challenger == view.account for _, challenge in places)
    at_once = max(AT_ONCE, _blobs_at_once(view, need, len(left) + own, len(seats)))
    for blob in sorted(left)[: max(at_once - own, 0)]:
        for index, seat in seats[: _at_once(view, need, len(seats))]:
            place = ChallengePlace(
                item_id=item.item_id,
                acknowledged_at=seat.acknowledged_at,
                seat=index,
                kind=ChallengeKind.BLOB,
                blob=blob,
                element=0,
            )
            why = f"asks {_words(view, item, index)} to publish blob {blob}: nobody gives it, and a claim"
            yield _challenge(view, item, place, f"{why} that depends on it cannot be checked")


def _asked_places(view: View, item: KnownItem) -> list[tuple[ChallengePlace, Challenge]]:
    """The blobs of an item that were asked for, by anybody, and are still to be published."""
    asked = [(unpack_challenge(each), challenge) for each, challenge in view.facts.challenges.items()]
    return [
        (place, challenge)
        for place, challenge in asked
        if place.item_id == item.item_id and place.kind == ChallengeKind.BLOB
    ]


def _at_once(view: View, need: Need, seat_count: int) -> int:
    """How many keepers to ask for a blob at the same time."""
    return -(-seat_count // max(1, _rounds(view, need.limit - view.now)))


def _blobs_at_once(view: View, need: Need, count: int, seat_count: int) -> int:
    """How many blobs to ask for at the same time. A round without an answer costs a seat, of all blobs."""
    return -(-count // max(1, _rounds(view, need.limit - CHECK_SECONDS - view.now) - seat_count))


def _rounds(view: View, seconds: int) -> int:
    return seconds // (view.rules.answer_seconds + 2 * SPREAD_SECONDS)


def _challenge(view: View, item: KnownItem, place: ChallengePlace, message: str, number: int = 0) -> Wish:
    bond_wei = challenge_wei(view, item.item_id, place.kind)
    call = OpenChallenge(
        item_id=item.item_id,
        record=item.record,
        seat=place.seat,
        kind=place.kind,
        blob=place.blob,
        element=place.element,
    )
    send = SendData(
        intent=f"{CHALLENGE}/{place.pack()}/{number}",
        call=Paid(call=call, value_wei=bond_wei),
        message=message,
    )
    return Wish(send=send, bond_wei=bond_wei)


# --- ends -----------------------------------------------------------------------------------------


def _settlements(view: View) -> Iterator[Action]:
    """End challenges that were not answered: one's own, and those that hold up what is needed."""
    for challenge_id, challenge in sorted(view.facts.challenges.items(), key=lambda each: each[1].until):
        place = unpack_challenge(challenge_id)
        item = view.facts.items.get(place.item_id)
        if item is None or not _is_to_settle(view, challenge, item):
            continue
        seat = item.seats.get(place.seat)
        is_served = item.is_open and seat is not None and seat.acknowledged_at == place.acknowledged_at
        if is_served and view.now <= challenge.until + CLOCK_SECONDS:
            continue
        what = (
            f"{_words(view, item, place.seat)} has not answered and loses its share"
            if is_served
            else f"a challenge on seat {place.seat} of item {item.item_id} has no object any more"
        )
        call = Settle(challenge_id=challenge_id, challenge=challenge, record=item.record)
        yield SendData(
            intent=f"settle-challenge/{challenge_id}/{challenge.until}",
            call=Paid(call=call),
            message=f"{what}: settle the challenge",
        )


def _is_to_settle(view: View, challenge: Challenge, item: KnownItem) -> bool:
    if challenge.challenger == view.account:
        return True
    return item.item_id in view.needs and view.now > challenge.until + SPREAD_SECONDS


def _withdrawals(view: View, policy: WatchPolicy) -> Iterator[Action]:
    """Take out what the contracts owe."""
    for contract, amount_wei in sorted(view.credits.items()):
        kind = f"withdraw-{contract}"
        is_under_way = any(intent.startswith(f"{kind}/") for intent in view.in_flight)
        if amount_wei > policy.withdraw_above_wei and not is_under_way:
            call = WITHDRAWALS[contract](receiver=view.account)
            yield SendData(
                intent=f"{kind}/{view.now}", call=Paid(call=call), message=f"withdraws from {contract}"
            )


def _once(view: View, actions: list[Action]) -> list[Action]:
    return [each for each in actions if not isinstance(each, SendData) or each.intent not in view.in_flight]


def _words(view: View, item: KnownItem, index: int) -> str:
    seat = item.seats.get(index)
    keeper = view.facts.keepers.get(seat.keeper) if seat else None
    return f"seat {index} of item {item.item_id}" + (f", {keeper.url[:200]}," if keeper else "")
