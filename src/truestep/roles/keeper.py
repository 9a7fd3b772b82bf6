"""A keeper's decisions: what to fetch, sign, answer, collect and forget (docs/availability.md A2 to A4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from truestep.availability.cells import seat_cells
from truestep.base.ids import Address, Bytes32
from truestep.base.text import counted
from truestep.base.units import duration
from truestep.commitments.keccak import keccak256
from truestep.protocol.availability.contracts.bindings import Demand, Give, SettleDemand
from truestep.protocol.availability.contracts.challenges import AnswerBlob, AnswerElement, Challenge, Settle
from truestep.protocol.availability.contracts.items import (
    Acknowledge,
    Assign,
    CloseItem,
    Collect,
    ItemState,
)
from truestep.protocol.availability.contracts.keepers import Enrol, Rules
from truestep.protocol.availability.facts import Facts, KnownItem, KnownSeat
from truestep.protocol.availability.ids import (
    ChallengeId,
    ChallengeKind,
    DemandId,
    ItemId,
    KeeperId,
    item_of_demand,
    unpack_challenge,
)
from truestep.roles.availability.withdrawals import Withdrawal, withdrawals
from truestep.roles.keeper_policy import KeeperPolicy, why_unworthy

ASSIGN_SPREAD_SECONDS = 120
"""Keepers call `assign` for others too; each waits for another time, so that they do not all pay for it."""
COLLECT_SECONDS = 7 * 86_400
"""Interval at which a seat's fees are collected while it lasts."""
DAY_SECONDS = 86_400
FORGET_SECONDS = DAY_SECONDS
"""How long cells outlive their duty: longer than a reorganisation, or a node that tells another story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A seat of an item that this keeper has."""

    item: KnownItem
    index: int
    seat: KnownSeat

    @property
    def first_cell(self) -> int:
        """Where the run of its cells begins."""
        return seat_cells(self.index, self.item.record.seat_count)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementAnswer:
    """What opens an element."""

    y: int
    commitment: bytes
    proof: bytes
    path: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlobAnswer:
    """What publishes a blob."""

    blob: bytes
    commitment: bytes
    cell_proofs: tuple[bytes, ...]
    """Of its 128 cells, which nodes want beside it (EIP-7594)."""
    path: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesAnswer:
    """What answers a demand."""

    nodes: tuple[Bytes32, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFor:
    """Why a run is kept: a seat of an item, as it was when it was fetched."""

    item_id: ItemId
    index: int
    since: int
    """When it was fetched, by the chain's time."""
    until: int
    """The item's last second."""


Answer = ElementAnswer | BlobAnswer | NodesAnswer
Question = tuple[str, int, int]
"""`challenge` and its id, or `demand` with its id and the time of its last move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that the decisions depend on."""

    now: int
    account: Address
    facts: Facts
    rules: Rules
    shares: int
    """Those that it has paid for."""
    verified: frozenset[Bytes32]
    """The names of items whose binding was checked here."""
    refused: Mapping[Bytes32, str]
    """Items that are not what they say, and why."""
    whole: frozenset[tuple[Bytes32, int]]
    """The runs that are completely on the shelf: an item's name and the run's first cell."""
    on_shelf: Mapping[tuple[Bytes32, int], tuple[KeptFor, ...]]
    """Why runs of which anything is there are kept."""
    receipts: Mapping[tuple[int, int, int], bytes]
    """Signatures by item, seat and time of the draw."""
    answers: Mapping[Question, Answer]
    credits: Mapping[str, int] = field(default_factory=dict[str, int])
    """What each contract owes the account, in wei."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishBlob:
    """Send this answer with the blob in its transaction."""

    call: AnswerBlob
    blob: bytes
    commitment: bytes
    cell_proofs: tuple[bytes, ...]


SeatCall = Enrol | Assign | Acknowledge | Collect | CloseItem
KeeperCall = SeatCall | AnswerElement | PublishBlob | Give | Settle | SettleDemand | Withdrawal

URGENT = (AnswerElement, PublishBlob, Give)
"""A clock runs for these: too late, a share is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendKept:
    """Make a call, at most once for each intent."""

    intent: str
    call: KeeperCall
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Fetch an item, check it, and store its seat's cells; or note that those on the shelf are its too."""

    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Sign the receipt of a seat: its item was checked and its cells are stored."""

    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """Compute what answers a challenge or a demand."""

    item: KnownItem
    question: Question
    asked: ChallengeId | Demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Drop a run of cells that nobody can ask for any more."""

    name: Bytes32
    first_cell: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Tell the operator something, once."""

    kind: str
    message: str


Action = SendKept | Keep | Sign | Prepare | Forget | Tell


def decide(view: View, policy: KeeperPolicy) -> list[Action]:
    """What to do now, the most urgent first."""
    number = view.facts.number_of(view.account)
    if number is None:
        return list(_enrol(view, policy))
    places = own_places(view, number)
    return [
        *_answers(view, places, number),
        *_acknowledgements(view, places, policy),
        *_assignments(view, number, policy),
        *_enrol(view, policy),
        *_settlements(view, places),
        *_earnings(view, places),
        *(
            SendKept(intent=i, call=c, message=m)
            for i, c, m in withdrawals(view.credits, view.account, view.now)
        ),
        *_forgotten(view, places),
    ]


def own_places(view: View, number: KeeperId) -> list[Place]:
    """The seats of a keeper."""
    return [
        Place(item=item, index=index, seat=seat)
        for item in view.facts.items.values()
        for index, seat in item.seats.items()
        if seat.keeper == number
    ]


def _enrol(view: View, policy: KeeperPolicy) -> Iterator[Action]:
    """Buy the shares that are missing, or say a new URL."""
    number = view.facts.number_of(view.account)
    known = view.facts.keepers.get(number) if number is not None else None
    more = max(policy.shares - view.shares, 0)
    if not policy.url or (known is None and not more) or (known and not more and known.url == policy.url):
        return
    digest = keccak256(policy.url.encode()).hex()[:8]
    yield SendKept(
        intent=f"enrol/{view.shares}+{more}/{digest}",
        call=Enrol(shares=more, url=policy.url),
        message=f"becomes a keeper with {counted(view.shares + more, 'share')}, serving at {policy.url}",
    )


# --- challenges and demands -----------------------------------------------------------------------


def _answers(view: View, places: list[Place], number: KeeperId) -> Iterator[Action]:
    """Answer what is asked of this keeper, the earliest end first."""
    own = {(place.item.item_id, place.index): place for place in places}
    open_challenges = sorted(view.facts.challenges.items(), key=lambda entry: entry[1].until)
    for challenge_id, challenge in open_challenges:
        asked = unpack_challenge(challenge_id)
        place = own.get((asked.item_id, asked.seat))
        if place is None or place.seat.acknowledged_at != asked.acknowledged_at:
            continue
        if view.now > challenge.until:
            yield Tell(
                kind="challenge_missed",
                message=f"a challenge on {_words(place)} was not answered in time: the seat's share is lost"
                " once anybody settles it; see why no answer was sent",
            )
            continue
        yield from _challenge(view, place, challenge_id, challenge)
    for demand_id, demand in view.facts.demands.items():
        yield from _demand(view, places, number, demand_id, demand)


def _challenge(view: View, place: Place, challenge_id: ChallengeId, challenge: Challenge) -> Iterator[Action]:
    question: Question = ("challenge", challenge_id, 0)
    asked, answer = unpack_challenge(challenge_id), view.answers.get(question)
    what = (
        f"blob {asked.blob}"
        if asked.kind == ChallengeKind.BLOB
        else f"element {asked.element} of blob {asked.blob}"
    )
    yield Tell(
        kind="challenged",
        message=f"{_words(place)} is asked for {what} and answers by itself, until second"
        f" {challenge.until} of the chain",
    )
    intent = f"answer/{challenge_id}/{challenge.until}"  # the same may be asked again, under the same id
    match answer:
        case ElementAnswer():
            call = AnswerElement(
                challenge_id=challenge_id,
                challenge=challenge,
                y=answer.y,
                commitment=answer.commitment,
                proof=answer.proof,
                path=answer.path,
            )
            yield SendKept(intent=intent, call=call, message=f"opens {what} of {_words(place)}")
        case BlobAnswer():
            published = AnswerBlob(
                challenge_ids=(challenge_id,), challenges=(challenge,), index=0, path=answer.path
            )
            call = PublishBlob(
                call=published, blob=answer.blob, commitment=answer.commitment, cell_proofs=answer.cell_proofs
            )
            yield SendKept(intent=intent, call=call, message=f"publishes {what} of {_words(place)}")
        case _:
            yield Prepare(item=place.item, question=question, asked=challenge_id)


def _demand(
    view: View, places: list[Place], number: KeeperId, demand_id: DemandId, demand: Demand
) -> Iterator[Action]:
    """Without an answer the item is struck, and each seat loses a share. Whoever is named answers first."""
    item_id = item_of_demand(demand_id)
    place = next((place for place in places if place.item.item_id == item_id), None)
    if place is None or not place.seat.acknowledged_at or demand.is_answered:
        return
    if demand.keeper != view.account and view.now <= demand.moved_at + view.rules.answer_seconds // 2:
        return
    question: Question = ("demand", demand_id, demand.moved_at)
    answer = view.answers.get(question)
    if isinstance(answer, NodesAnswer):
        yield SendKept(
            intent=f"give/{demand_id}/{demand.moved_at}",
            call=Give(demand_id=demand_id, demand=demand, nodes=answer.nodes),
            message=f"gives nodes of the tree of {_words(place)}",
        )
    else:
        yield Prepare(item=place.item, question=question, asked=demand)


# --- seats ----------------------------------------------------------------------------------------


def _acknowledgements(view: View, places: list[Place], policy: KeeperPolicy) -> Iterator[Action]:
    """Fetch what a seat is for, and hand in its receipt."""
    for place in sorted(places, key=lambda place: place.seat.drawn_at):
        item, name = place.item, place.item.name
        if not item.is_open or view.now > item.record.until:
            continue
        why = "" if place.seat.acknowledged_at else _unwanted(view, place, policy)
        if name in view.refused:
            why = view.refused[name]
            yield Tell(kind="item_refused", message=f"does not sign for {_words(place)}: {why}")
        elif why:
            yield Tell(kind="seat_declined", message=f"does not take {_words(place)}: {why}")
        elif not _is_kept_for(view, place):
            yield Keep(place=place)
        elif not place.seat.acknowledged_at:
            yield from _receipt(view, place)


def _is_kept_for(view: View, place: Place) -> bool:
    """Whether the seat's cells are there, and are noted to be kept for it: another item may have the same."""
    run = place.item.name, place.first_cell
    reasons = view.on_shelf.get(run, ())
    is_noted = any((each.item_id, each.index) == (place.item.item_id, place.index) for each in reasons)
    return is_noted and place.item.name in view.verified and run in view.whole


def _receipt(view: View, place: Place) -> Iterator[Action]:
    key = (place.item.item_id, place.index, place.seat.drawn_at)
    signature = view.receipts.get(key)
    if signature is None:
        yield Sign(place=place)
        return
    call = Acknowledge(
        item_id=place.item.item_id,
        record=place.item.record,
        indices=(place.index,),
        signatures=(signature,),
    )
    intent = "acknowledge/" + "/".join(map(str, key))
    yield SendKept(intent=intent, call=call, message=f"answers for {_words(place)} from now on")


def _unwanted(view: View, place: Place, policy: KeeperPolicy) -> str:
    """Why a seat cannot be taken, or is not worth its trouble; empty if it is."""
    if view.now > place.seat.drawn_at + view.rules.acknowledge_seconds:
        return (
            f"it was to be signed for within {duration(view.rules.acknowledge_seconds)} of the draw, and"
            " fetching and checking it took longer"
        )
    return why_unworthy(view.rules, place.item.record, policy)


def _assignments(view: View, number: KeeperId, policy: KeeperPolicy) -> Iterator[Action]:
    """Have seats drawn that nobody has: a keeper that is drawn earns. What nobody takes, ever more rarely."""
    for item in view.facts.items.values():
        record = item.record
        is_wanted = item.name not in view.refused and not why_unworthy(view.rules, record, policy)
        if not item.is_open or view.now >= record.until or not is_wanted:
            continue
        vacant = record.seat_count - sum(
            1
            for seat in item.seats.values()
            if seat.acknowledged_at or view.now <= seat.drawn_at + view.rules.acknowledge_seconds
        )
        last = max((seat.drawn_at for seat in item.seats.values()), default=record.since)
        turn = int.from_bytes(keccak256(f"{number}/{item.item_id}/{last}".encode())[:4], "big")
        age = min(last - record.since, DAY_SECONDS if item.was_kept else record.until)
        if vacant and view.now > last + age + turn % ASSIGN_SPREAD_SECONDS:
            yield SendKept(
                intent=f"assign/{item.item_id}/{last}/{vacant}",
                call=Assign(item_id=item.item_id, record=record),
                message=f"has keepers drawn for {counted(vacant, 'seat')} of item {item.item_id}",
            )


def _contested(view: View) -> set[ItemId]:
    """The items of which something is asked, or was and nobody has ended it."""
    contested = {unpack_challenge(each).item_id for each in view.facts.challenges}
    return contested | {item_of_demand(each) for each in view.facts.demands}


def _settlements(view: View, places: list[Place]) -> Iterator[Action]:
    """End what others have left alone: a contested item is never closed, and its shares stay locked."""
    own = {place.item.item_id: place for place in places if place.seat.acknowledged_at and place.item.is_open}
    for demand_id, demand in view.facts.demands.items():
        place = own.get(item_of_demand(demand_id))
        if place is None or not demand.is_answered:  # one without an answer strikes the item
            continue
        is_paid = demand.keeper == view.account
        if view.now > demand.moved_at + view.rules.answer_seconds and (is_paid or _is_past(view, place)):
            yield SendKept(
                intent=f"settle-demand/{demand_id}/{demand.moved_at}",
                call=SettleDemand(demand_id=demand_id, demand=demand, record=place.item.record),
                message=f"nobody goes on with a demand for a tree of item {place.item.item_id}: ends it",
            )
    for challenge_id, challenge in view.facts.challenges.items():
        place = own.get(unpack_challenge(challenge_id).item_id)
        if place is None or challenge.keeper == view.account:
            continue
        if view.now > challenge.until and _is_past(view, place):
            yield SendKept(
                intent=f"settle-challenge/{challenge_id}/{challenge.until}",
                call=Settle(challenge_id=challenge_id, challenge=challenge, record=place.item.record),
                message=f"a challenge of item {place.item.item_id} is over: ends it",
            )


def _is_past(view: View, place: Place) -> bool:
    """Whether an item has been over for so long that whoever has a better reason has ended what is open."""
    turn = int.from_bytes(keccak256(f"{view.account}/{place.item.item_id}".encode())[:4], "big")
    return view.now > place.item.record.until + ASSIGN_SPREAD_SECONDS + turn % ASSIGN_SPREAD_SECONDS


def _earnings(view: View, places: list[Place]) -> Iterator[Action]:
    """Collect fees now and then, and close items that are over."""
    asked = _contested(view)
    for place in places:
        item = place.item
        if item.item_id in asked or not place.seat.acknowledged_at:
            continue
        is_over = view.now > item.record.until or item.state is ItemState.LOST
        period = (view.now - place.seat.acknowledged_at) // COLLECT_SECONDS
        if is_over and item.state is not ItemState.STRUCK:
            yield SendKept(
                intent=f"close-item/{item.item_id}",
                call=CloseItem(item_id=item.item_id, record=item.record),
                message=f"closes item {item.item_id}, which is over",
            )
        elif item.is_open and period and item.record.fee_wei:
            yield SendKept(
                intent=f"collect/{item.item_id}/{place.index}/{place.seat.acknowledged_at}/{period}",
                call=Collect(item_id=item.item_id, record=item.record, index=place.index),
                message=f"collects what {_words(place)} has earned",
            )


def _forgotten(view: View, places: list[Place]) -> Iterator[Action]:
    """Drop runs that nobody can ask for any more.

    A node that leaves out events must not make a keeper drop what it answers for: before the end of an item,
    a run is dropped only if the chain says that it is over, or that the seat is another's. What was asked
    in an item's last second may take long beyond it.
    """
    contested = _contested(view)
    needed = {(place.item.name, place.first_cell) for place in places if _is_needed(view, place)}
    for (name, first_cell), reasons in view.on_shelf.items():
        is_free = (name, first_cell) not in needed
        if is_free and reasons and all(_is_over(view, reason, contested) for reason in reasons):
            yield Forget(name=name, first_cell=first_cell)


def _is_needed(view: View, place: Place) -> bool:
    """Whether a seat needs its cells, or will if it is signed for in time."""
    is_ours = place.seat.acknowledged_at or view.now <= place.seat.drawn_at + view.rules.acknowledge_seconds
    return place.item.is_open and view.now <= place.item.record.until and bool(is_ours)


def _is_over(view: View, reason: KeptFor, contested: set[ItemId]) -> bool:
    item = view.facts.items.get(reason.item_id)
    if item is not None and item.is_open and item.item_id in contested:
        return False
    if view.now > reason.until + FORGET_SECONDS:
        return True
    seat = item.seats.get(reason.index) if item else None
    if item is None or view.now <= reason.since + FORGET_SECONDS:
        return False
    is_ours = seat is not None and view.facts.number_of(view.account) == seat.keeper
    return not item.is_open or not is_ours


def _words(place: Place) -> str:
    return f"seat {place.index} of item {place.item.item_id}"
