"""How a worker has the outputs of its batches kept, and answers for its items (docs/availability.md A5.2)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from truestep.availability.parts import BLOB_UNITS, UNIT_SIZE_BYTES, Part
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.commitments.merkle import LEAF_SIZE_BYTES
from truestep.protocol.availability.contracts.bindings import Demand, Give
from truestep.protocol.availability.contracts.items import (
    Assign,
    CloseItem,
    ItemState,
    Register,
    RegisterCalldata,
)
from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import DemandId, ItemId, item_of_demand, part_of_demand
from truestep.protocol.availability.kept import OUTPUT_SECONDS, RANGE_DEPTH, THERE
from truestep.protocol.availability.kept_state import NO_ITEM, NOTHING_KEPT
from truestep.protocol.availability.registration import WRITTEN_LIMIT_BYTES, WRITTEN_PARTS_LIMIT
from truestep.protocol.availability.rules import RENT_BPS, rent_wei
from truestep.protocol.calls import DeliverOutputs
from truestep.protocol.settlement.facts.judging import open_until
from truestep.protocol.settlement.facts.kept_calls import outputs_of
from truestep.protocol.settlement.facts.records import Facts, KnownBatch
from truestep.protocol.settlement.ids import job_of_item
from truestep.protocol.settlement.records import BatchStage
from truestep.roles.actions import Alert, Send
from truestep.roles.availability.answering import is_in_blobs

SEATS_LEAST, SEATS_USUAL = 2, 4
ROUNDS = 2
"""Of draws that an item is waited for, before another one is registered."""
SPARE_SECONDS = 2 * 86_400
"""Outputs are kept so much longer than they must: registering again, and holds, take time."""
LATE_SECONDS = 60
"""So long before a batch's leaves can fail, an item is named that is not kept yet."""
DAY_SECONDS = 86_400
WRITTEN_GAS, WRITTEN_PART_GAS, WRITTEN_BYTE_GAS = 108_000, 13_000, 36
"""Of an item of calldata, for each of its parts and bytes."""
KEEPERS_GAS = 430_000
"""To register an item of one blob, have four seats drawn, and close it."""
WINDOW_SECONDS = 45 * DAY_SECONDS
"""The longest window, for what an item costs that is registered when it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """An item that keepers can fetch, and is not registered by that."""

    parts: tuple[Part, ...]
    nodes: tuple[Bytes32, ...]
    """As `Register` names them (A1.4)."""
    hashes: tuple[Bytes32, ...] = ()
    """To be published before, if the nodes are not the hashes themselves."""
    blob_count: int
    payload: bytes = b""
    """All leaves, if the item is to be written into the chain, which takes no keepers (A3.7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPolicy:
    """What a worker offers keepers."""

    url: str
    """From where they fetch. It is on the chain for everybody to read."""
    seat_count: int | None = None
    """How many keepers are drawn; None: four, or all if there are fewer."""
    fee_wei: int = 0
    """Of each keeper for each blob and day."""
    rent_bps: int = RENT_BPS
    """And so much of the share that a seat locks, a year, in hundredths of a per cent."""
    writes_small: bool = True
    """Whether outputs are written into the chain if that costs less gas, or if keepers are too few."""

    def seats(self, keeper_count: int) -> int | None:
        """How many keepers are asked for of so many; None if they are too few."""
        wanted = self.seat_count or min(SEATS_USUAL, keeper_count)
        return wanted if SEATS_LEAST <= wanted <= keeper_count else None

    def item_wei(self, rules: Rules, seats: int, blob_count: int) -> int:
        """What an item costs at first: its bond, which comes back, and all fees."""
        seconds = OUTPUT_SECONDS + SPARE_SECONDS + WINDOW_SECONDS
        return rules.registrant_bond_wei + seats * self.seat_fee_wei(rules, blob_count, seconds)

    def seat_fee_wei(self, rules: Rules, blob_count: int, seconds: int) -> int:
        """The fee of each seat for all of an item's time."""
        return -(-self.fee_wei * blob_count * seconds // DAY_SECONDS) + rent_wei(
            rules, seconds, self.rent_bps
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """What the decisions depend on. Times in seconds, as the chain counts them."""

    now: int
    account: Address
    """Who registers and delivers: the operator or its delegate."""
    operator: Address
    facts: Facts
    wallet_wei: int
    in_flight: frozenset[str] = frozenset()
    published: Mapping[BatchId, Published] = field(default_factory=dict[BatchId, Published])
    """Of batches whose outputs are where keepers can fetch them."""
    nodes: Mapping["Move", tuple[Bytes32, ...]] = field(default_factory=dict["Move", tuple[Bytes32, ...]])
    """What answers demands."""
    credits: Mapping[str, int] = field(default_factory=dict[str, int])
    """What each contract of availability owes the account, in wei."""


Move = tuple[DemandId, int]
"""A demand and the time of its last move."""


# --- actions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """Make one item of outputs and put it where keepers fetch it."""

    batch_id: BatchId
    outputs: tuple[tuple[Bytes32, int], ...]
    """Roots and sizes."""
    may_be_written: bool
    """Whether leaves may do instead, if they are few."""
    has_keepers: bool = True
    """Whether there are enough keepers; else leaves must do, if the chain takes so many at all."""


class SourceKind(StrEnum):
    """What a tree is of."""

    PROGRAM = "program"
    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Content of which this node has a copy, or can get one, by its root."""

    kind: SourceKind
    root: Bytes32
    number: int
    """The entry of a program, the size of others in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindNodes:
    """Compute what answers a demand."""

    item: KnownItem
    move: Move
    demand: Demand
    source: Source | None
    """What the tree is of; None if only the item's blobs say it."""


DeliveryAction = Send | Publish | FindNodes | Alert


def blobs_of_sizes(sizes_bytes: Iterable[int]) -> int:
    """How many blobs an item of outputs of these sizes has, if nothing was written behind them."""
    units = sum(max(1, -(-size // UNIT_SIZE_BYTES)) for size in sizes_bytes)
    return -(-units // BLOB_UNITS)


def decide(view: DeliveryView, policy: DeliveryPolicy) -> list[DeliveryAction]:
    """What to do now: what a clock runs for first."""
    if view.facts.keeping is None:
        return []
    rules = view.facts.keeping.rules
    actions: list[DeliveryAction] = [*_answers(view, rules)]
    for batch_id, known in view.facts.batches.items():
        if _is_own(view, known):
            actions += _deliver(view, policy, rules, batch_id, known)
    actions += _seats(view, rules)
    actions += _ends(view, rules)
    return actions


def _is_own(view: DeliveryView, known: KnownBatch) -> bool:
    keeping, batch = view.facts.keeping, known.batch
    is_kept = keeping is not None and batch.policy == keeping.policy
    return is_kept and batch.operator == view.operator and batch.stage is BatchStage.CLAIMED


# --- outputs of a batch ---------------------------------------------------------------------------


def _deliver(
    view: DeliveryView, policy: DeliveryPolicy, rules: Rules, batch_id: BatchId, known: KnownBatch
) -> Iterator[DeliveryAction]:
    delivered = view.facts.kept.batch(batch_id).item_id
    if delivered == NOTHING_KEPT or known.batch.struck == (1 << known.batch.leaf_count) - 1:
        return
    roots = frozenset(root for root, _ in outputs_of(known))
    if not roots:
        yield _named(batch_id, None, "has no outputs that must be kept")
        return
    named = view.facts.data.items.get(delivered)
    if named is not None and named.state in THERE:
        return
    until = known.batch.until + OUTPUT_SECONDS
    own = [item for item in _own_items(view) if _holds(item, roots) and item.record.until >= until]
    kept = next((item for item in own if item.state is ItemState.KEPT), None)
    if kept is not None:
        yield _named(batch_id, kept.item_id, f"item {kept.item_id} of its outputs is kept")
        return
    hopeful = [item for item in own if is_hopeful(item, rules, view.now)]
    if not hopeful:
        yield from _register(view, policy, rules, batch_id, known)
        return
    last = open_until(view.facts, batch_id, known.batch.until) + rules.acknowledge_seconds
    if view.now + LATE_SECONDS >= last and hopeful[-1].item_id != delivered:
        item_id = hopeful[-1].item_id
        yield _named(batch_id, item_id, f"item {item_id} of its outputs is not kept yet, and time is short")


def _named(batch_id: BatchId, item_id: ItemId | None, why: str) -> Send:
    return Send(
        intent=f"deliver/{batch_id}/{item_id or NO_ITEM}",
        call=DeliverOutputs(batch_id=batch_id, item_id=item_id),
        message=f"deliver batch {batch_id}: {why}",
    )


def _register(
    view: DeliveryView, policy: DeliveryPolicy, rules: Rules, batch_id: BatchId, known: KnownBatch
) -> Iterator[DeliveryAction]:
    """An item for the outputs of a batch; the first, or another one if keepers did not take the last."""
    prefix = f"register/{batch_id}/"
    if any(intent.startswith(prefix) for intent in view.in_flight):
        return
    published = view.published.get(batch_id)
    outputs = outputs_of(known)
    seats = policy.seats(len(view.facts.data.keepers))
    is_published = published is not None and {root for root, _ in outputs} <= {
        part.root for part in published.parts
    }  # else it is of another branch's batch
    is_left = seats is None and policy.writes_small and fits_written([size for _, size in outputs])
    if published is None or not is_published or (is_left and not published.payload):
        may_be_written, has_keepers = policy.writes_small, seats is not None
        yield Publish(
            batch_id=batch_id, outputs=outputs, may_be_written=may_be_written, has_keepers=has_keepers
        )
        return
    if published.payload:
        yield _written(f"{prefix}{_attempt(view, rules, published.parts)}", batch_id, published)
        return
    if seats is None:
        yield Alert(
            kind="keepers_too_few",
            message=f"the outputs of batch {batch_id} cannot be kept: expected at least"
            f" {counted(policy.seat_count or SEATS_LEAST, 'keeper')}, the network has"
            f" {len(view.facts.data.keepers)}; its"
            " bonds lose what a missed lease costs if no more come",
        )
        return
    until = known.batch.until + OUTPUT_SECONDS + SPARE_SECONDS + ROUNDS * rules.acknowledge_seconds
    fee_wei = policy.seat_fee_wei(rules, published.blob_count, until - view.now)
    cost_wei = rules.registrant_bond_wei + seats * fee_wei
    if view.wallet_wei < cost_wei:
        yield Alert(
            kind="item_unaffordable",
            message=f"the outputs of batch {batch_id} cannot be kept: that takes {coins(cost_wei)}, most of"
            f" it a bond that comes back, and {view.account} has {coins(view.wallet_wei)}; send coins there",
        )
        return
    call = Register(
        parts=published.parts,
        nodes=published.nodes,
        seat_count=seats,
        until=until,
        fee_wei=fee_wei,
        url=policy.url,
    )
    days = -(-(until - view.now) // DAY_SECONDS)
    yield Send(
        intent=f"{prefix}{_attempt(view, rules, published.parts)}",
        call=call,
        message=f"have the outputs of batch {batch_id} kept by {counted(seats, 'keeper')} for"
        f" {counted(days, 'day')}:"
        f" {blobs_in_words(published.blob_count)}, {coins(seats * fee_wei)} of fees, and a bond of"
        f" {coins(rules.registrant_bond_wei)} that comes back then",
    )


def _written(intent: str, batch_id: BatchId, published: Published) -> Send:
    return Send(
        intent=intent,
        call=RegisterCalldata(parts=published.parts, payload=published.payload),
        message=f"write the outputs of batch {batch_id} into the chain, {len(published.payload):,} bytes:"
        " that costs gas, and needs no keepers and no bond",
    )


def blobs_in_words(count: int) -> str:
    """`1 blob`, `32 blobs`."""
    return counted(count, "blob")


def is_cheaper_written(sizes_bytes: Sequence[int]) -> bool:
    """Whether outputs of these sizes cost less gas in calldata than at keepers (docs/availability-gas.md)."""
    size_bytes, count = sum(sizes_bytes), len(sizes_bytes)
    gas = WRITTEN_GAS + count * WRITTEN_PART_GAS + size_bytes * WRITTEN_BYTE_GAS
    return fits_written(sizes_bytes) and gas <= KEEPERS_GAS


def fits_written(sizes_bytes: Sequence[int]) -> bool:
    """Whether outputs of these sizes can be written into the chain at all, at whatever price (A3.7)."""
    return len(sizes_bytes) <= WRITTEN_PARTS_LIMIT and written_bytes(sizes_bytes) <= WRITTEN_LIMIT_BYTES


def written_bytes(sizes_bytes: Iterable[int]) -> int:
    """What an item of calldata with outputs of these sizes has: whole leaves."""
    return sum(-(-size // LEAF_SIZE_BYTES) * LEAF_SIZE_BYTES for size in sizes_bytes)


def _attempt(view: DeliveryView, rules: Rules, parts: tuple[Part, ...]) -> str:
    """Names an attempt by its time, and by what was lost before: another one begins only much later."""
    known = view.facts.data.items.values()
    dead = sum(item.parts == parts and item.record.registrant == view.account for item in known)
    return f"{view.now // _patience_seconds(rules)}/{dead}"


def _patience_seconds(rules: Rules) -> int:
    return ROUNDS * rules.acknowledge_seconds


def _own_items(view: DeliveryView) -> list[KnownItem]:
    """Those that this account has registered and that keepers answer for, or may come to."""
    found = view.facts.data.items.values()
    return [item for item in found if item.record.registrant == view.account and item.is_open]


def _holds(item: KnownItem, roots: frozenset[Bytes32]) -> bool:
    return roots <= {part.root for part in item.parts if part.depth == RANGE_DEPTH}


def is_hopeful(item: KnownItem, rules: Rules, now: int) -> bool:
    """Whether it is kept, or keepers may still take it."""
    is_new = now <= item.record.since + _patience_seconds(rules)
    return item.state is ItemState.KEPT or (item.state is ItemState.REGISTERED and is_new)


# --- items of one's own ---------------------------------------------------------------------------


def _seats(view: DeliveryView, rules: Rules) -> Iterator[DeliveryAction]:
    """Have keepers drawn for vacant seats until an item is kept, if nobody else has done it.

    For seats of one that is kept, keepers do: they earn there.
    """
    for item in _own_items(view):
        record = item.record
        if item.state is not ItemState.REGISTERED or not is_hopeful(item, rules, view.now):
            continue
        live = {
            seat.keeper
            for seat in item.seats.values()
            if seat.acknowledged_at or view.now <= seat.drawn_at + rules.acknowledge_seconds
        }
        vacant = record.seat_count - len(live)
        last = max([item.changed_at, *(seat.drawn_at for seat in item.seats.values())])
        if vacant and view.now > last and len(view.facts.data.keepers) > len(live):
            yield Send(
                intent=f"assign/{item.item_id}/{last}/{vacant}",
                call=Assign(item_id=item.item_id, record=record),
                message=f"have keepers drawn for {counted(vacant, 'seat')} of item {item.item_id}",
            )


def _ends(view: DeliveryView, rules: Rules) -> Iterator[DeliveryAction]:
    """Get back the bonds of items that are over, or that nobody has taken."""
    for item in view.facts.data.items.values():
        if item.record.registrant != view.account or item.item_id in view.facts.data.contests:
            continue
        if item.state is ItemState.LOST or (item.is_open and view.now > item.record.until):
            why = "is over"
        elif (
            item.state is ItemState.REGISTERED and not is_hopeful(item, rules, view.now) and not item.was_kept
        ):
            why = "was taken by too few keepers"
        else:
            continue
        if item.state is not ItemState.CLOSED:
            yield Send(
                intent=f"close-item/{item.item_id}",
                call=CloseItem(item_id=item.item_id, record=item.record),
                message=f"close item {item.item_id}, which {why}: its bond of"
                f" {coins(item.record.bond_wei)} and unused fees come back",
            )


# --- whoever doubts them --------------------------------------------------------------------------


def _answers(view: DeliveryView, rules: Rules) -> Iterator[DeliveryAction]:
    """Answer demands for one's own items, whose trees nobody else need know (A4.6), and for others in need.

    One's claims depend on those: whoever registered an input could else let it be struck, and have outputs
    for its bond. Items in blobs of which no copy is here are for whoever can read them (`answering`).
    """
    own = {item.item_id: item for item in _own_items(view) if not is_in_blobs(item)}
    sources = _sources(view)
    for demand_id, demand in view.facts.data.demands.items():
        item_id, move = item_of_demand(demand_id), (demand_id, demand.moved_at)
        item = view.facts.data.items.get(item_id)
        if item is None or not item.is_open or demand.is_answered:
            continue
        place = part_of_demand(demand_id)
        source = sources.get(item.parts[place].root) if place < len(item.parts) else None
        if source is None and item_id not in own:
            continue
        nodes = view.nodes.get(move)
        if nodes is None:
            yield FindNodes(item=item, move=move, demand=demand, source=source)
        elif _is_to_answer(view, item, demand, rules):
            yield _given(item, demand_id, demand, nodes)


def _sources(view: DeliveryView) -> dict[Bytes32, Source]:
    """Programs, inputs and outputs of one's claims that are not decided yet, by their roots."""
    found: dict[Bytes32, Source] = {}
    for known in view.facts.batches.values():
        if not _is_own(view, known):
            continue
        for root, size in outputs_of(known):
            found[root] = Source(kind=SourceKind.OUTPUT, root=root, number=size)
        for packed in known.batch.items:
            work = view.facts.jobs[job_of_item(packed)].job.work
            program, given = work.image_root, work.input_root
            found[program] = Source(kind=SourceKind.PROGRAM, root=program, number=work.entry)
            found[given] = Source(kind=SourceKind.INPUT, root=given, number=work.input_size)
    return found


def _is_to_answer(view: DeliveryView, item: KnownItem, demand: Demand, rules: Rules) -> bool:
    """In the second half of the time, which is paid to whoever answers; at once if no keeper may do it."""
    if demand.keeper == view.account or item.state is not ItemState.KEPT:
        return True
    return view.now > demand.moved_at + rules.answer_seconds // 2


def _given(item: KnownItem, demand_id: DemandId, demand: Demand, nodes: tuple[Bytes32, ...]) -> Send:
    return Send(
        intent=f"give/{demand_id}/{demand.moved_at}",
        call=Give(demand_id=demand_id, demand=demand, nodes=nodes),
        message=f"answer who doubts item {item.item_id}: the nodes below level {demand.level}",
    )
