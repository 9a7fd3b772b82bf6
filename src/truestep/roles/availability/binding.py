"""Items whose blobs do not hold what their parts say: demands for their trees (docs/availability.md A4.6)."""

from collections.abc import Iterator

from truestep.protocol.availability.calls import Paid
from truestep.protocol.availability.contracts.bindings import (
    Demand,
    OpenDemand,
    Pick,
    SettleDemand,
    StrikeFound,
    StrikeMismatch,
)
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import (
    DemandId,
    demand_of,
    item_of_demand,
)
from truestep.roles.availability.bonds import DEMAND, Wish, demand_wei
from truestep.roles.availability.sights import (
    Action,
    CheckRoots,
    ChildPick,
    FindMismatch,
    FindMove,
    SendData,
    View,
    WatchPolicy,
)

DAY_SECONDS = 86_400
OTHERS_LIMIT = 4
"""Items that are compared with a false one: anybody may register more that name the same tree."""
CLOCK_SECONDS = 3
"""The time is a guess between blocks: what may be done after a second is done a little later."""


def checks(view: View, policy: WatchPolicy, watched: list[KnownItem]) -> Iterator[Action]:
    """Fetch each item once: the smallest first, and none that its keepers have just not given."""
    suspected = {seat[0] for seat in view.suspicions}
    for item in sorted(watched, key=lambda each: each.record.blob_count):
        is_known = item.name in view.checked or (item.item_id in suspected and not _is_had(view, item))
        is_there = not item.record.seat_count or any(seat.acknowledged_at for seat in item.seats.values())
        if is_there and not is_known and item.record.blob_count <= policy.check_blobs_limit:
            yield CheckRoots(item=item)


def _is_had(view: View, item: KnownItem) -> bool:
    """Whether a needed item is known to be there, be it only because all of it was published."""
    survey = view.surveys.get(item.item_id)
    return item.item_id in view.needs and survey is not None and not survey.missing


def demands(view: View, item: KnownItem) -> Iterator[Wish]:
    """Ask for the tree of a part whose root is not that of the blobs, and which no other item holds."""
    seats = [index for index, each in sorted(item.seats.items()) if each.acknowledged_at]
    seat = next(iter(seats), None if item.record.seat_count else 0)  # without seats, its registrant answers
    for part_index in view.checked.get(item.name, ()):
        demand_id = demand_of(item.item_id, part_index, view.account)
        prefix = f"{DEMAND}/{demand_id}/"
        is_coming = any(intent.startswith(prefix) for intent in view.in_flight)
        if seat is None or demand_id in view.facts.demands or is_coming:
            continue
        is_waiting = _is_to_search(view, item, part_index) and item.item_id not in view.needs
        if is_waiting or view.mismatches.get((item.item_id, part_index)):
            return  # who waits for a claim's data waits for no search: only a demand can hold its batch
        bond_wei = demand_wei(view, item.item_id)
        call = OpenDemand(
            item_id=item.item_id, record=item.record, parts=item.parts, part_index=part_index, seat=seat
        )
        send = SendData(
            intent=f"{prefix}{view.now // DAY_SECONDS}",  # one that was missed is made again
            call=Paid(call=call, value_wei=bond_wei),
            message=f"item {item.item_id} does not hold what its part {part_index} says: asks for the tree",
        )
        yield Wish(send=send, bond_wei=bond_wei)
        return  # one struck part strikes the item


def strikes(view: View, item: KnownItem) -> Iterator[Action]:
    """Strike an item in one call of which another one holds the tree that it names (A4.5).

    Else its tree must be demanded, which takes a bond and several calls.
    """
    for part_index in view.checked.get(item.name, ()):
        found = view.mismatches.get((item.item_id, part_index))
        if _is_to_search(view, item, part_index):
            others = tuple(_others(view, item, part_index))
            yield FindMismatch(item=item, part_index=part_index, others=others)
        elif found is not None:
            call = StrikeMismatch(
                item_id=item.item_id,
                record=item.record,
                parts=item.parts,
                part_index=found.part_index,
                leaf_index=found.leaf_index,
                leaf=found.leaf,
                path=found.path,
                opening=found.opening,
            )
            yield SendData(
                intent=f"strike-item/{item.item_id}/{part_index}/{view.now // DAY_SECONDS}",
                call=Paid(call=call),
                message=f"item {item.item_id} does not hold leaf {found.leaf_index} of the tree that its part"
                f" {part_index} names: strike it",
            )
        else:
            continue
        return  # one struck part strikes the item


def _is_to_search(view: View, item: KnownItem, part_index: int) -> bool:
    """Whether another item may hold the tree that a part names, and nobody has looked."""
    is_known = (item.item_id, part_index) in view.mismatches
    return not is_known and next(_others(view, item, part_index), None) is not None


def _others(view: View, item: KnownItem, part_index: int) -> Iterator[tuple[KnownItem, tuple[str, ...]]]:
    """Some items that say that they hold the same tree, those first that nobody can have made up."""
    part = item.parts[part_index]
    found = [
        other
        for other in view.facts.items.values()
        if other.item_id != item.item_id
        and other.state is ItemState.KEPT
        and not view.checked.get(other.name)
        and any((each.root, each.depth) == (part.root, part.depth) for each in other.parts)
    ]
    for other in sorted(found, key=lambda each: (not each.is_written, each.item_id))[:OTHERS_LIMIT]:
        yield other, tuple(dict.fromkeys([*view.facts.urls_of(other), other.url]))


def moves(view: View) -> Iterator[Action]:
    """Go on with this account's demands, the earliest end first."""
    own = [each for each in view.facts.demands.items() if each[1].challenger == view.account]
    for demand_id, demand in sorted(own, key=lambda each: each[1].moved_at):
        item = view.facts.items.get(item_of_demand(demand_id))
        if item is not None:
            yield from _move(view, item, demand_id, demand)


def _move(view: View, item: KnownItem, demand_id: DemandId, demand: Demand) -> Iterator[Action]:
    end = demand.moved_at + view.rules.answer_seconds
    is_over = view.now > end
    if not item.is_open or (view.now > end + CLOCK_SECONDS and not demand.is_answered):
        why = "nobody has given it, and the item is struck" if item.is_open else "that was decided otherwise"
        call = SettleDemand(demand_id=demand_id, demand=demand, record=item.record)
        yield SendData(
            intent=f"settle-demand/{demand_id}/{demand.moved_at}",
            call=Paid(call=call),
            message=f"the tree of item {item.item_id} was demanded, {why}: settle the demand",
        )
    elif demand.is_answered and not is_over:
        yield from _next(view, item, demand_id, demand)


def _next(view: View, item: KnownItem, demand_id: DemandId, demand: Demand) -> Iterator[Action]:
    nodes, found = view.facts.given.get(demand_id), view.moves.get((demand_id, demand.moved_at))
    intent = f"{{}}/{demand_id}/{demand.level}/{demand.index}"
    match found:
        case ChildPick():
            call = Pick(
                demand_id=demand_id,
                demand=demand,
                child=found.child,
                node=found.node,
                siblings=found.siblings,
            )
            message = f"goes on below node {found.child} that was given of item {item.item_id}"
            yield SendData(intent=intent.format("pick-node"), call=Paid(call=call), message=message)
        case None if nodes is not None:
            yield FindMove(
                item=item,
                move=(demand_id, demand.moved_at),
                level=demand.level,
                index=demand.index,
                nodes=nodes,
            )
        case None:
            pass
        case _:
            strike = StrikeFound(
                demand_id=demand_id,
                demand=demand,
                record=item.record,
                parts=item.parts,
                part_index=found.part_index,
                child=found.child,
                leaf=found.leaf,
                siblings=found.siblings,
                opening=found.opening,
            )
            message = f"a leaf of item {item.item_id} is not what its blobs hold: strike it"
            yield SendData(intent=intent.format("strike"), call=Paid(call=strike), message=message)
