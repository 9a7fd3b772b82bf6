"""Bindings of blobs to roots: an item whose blobs hold something else is struck (docs/availability.md A4)."""

from collections.abc import Sequence
from dataclasses import replace

from truestep.availability.parts import Part, parts_hash
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.kzg import versioned_hash
from truestep.commitments.merkle import climb
from truestep.protocol.availability import items, layout, points
from truestep.protocol.availability.challenges import bond_factor
from truestep.protocol.availability.contracts.bindings import (
    Demand,
    Demanded,
    DemandSettled,
    Give,
    NodesGiven,
    OpenDemand,
    Opening,
    Pick,
    Picked,
    SettleDemand,
    StrikeFound,
    StrikeMismatch,
)
from truestep.protocol.availability.contracts.items import Record
from truestep.protocol.availability.ids import (
    DemandId,
    ItemId,
    demand_of,
    item_of_demand,
    part_of_demand,
)
from truestep.protocol.availability.rules import ANSWERS_LIMIT
from truestep.protocol.availability.state import Turn
from truestep.protocol.settlement.encoding import hash_struct
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.state import with_entry

ROUND_LEVELS = 6
"""That an answer goes down."""
ZERO_LEAF = Bytes32(bytes(32))


def strike_mismatch(turn: Turn, call: StrikeMismatch) -> None:
    """Show that a leaf of a part's tree is not what the item's blobs hold."""
    part = _part(call.record, call.parts, call.part_index)
    is_inside = len(call.path) == part.depth and call.leaf_index >> part.depth == 0
    require(is_inside, Reject.LEAF_PATH)
    require(climb(call.leaf, call.leaf_index, call.path) == part.root, Reject.LEAF_PATH)
    _check_mismatch(turn, call, call.leaf_index)
    items.strike(turn, call.item_id, call.record, turn.message.sender)


# --- descents -------------------------------------------------------------------------------------


def open_demand(turn: Turn, call: OpenDemand) -> None:
    """Ask for the tree of a part, with a bond that pays for the answers."""
    contract, message = turn.state.deployment.bindings, turn.message
    keeper = items.respondent(turn, call.item_id, call.record, call.seat)
    part = _part(call.record, call.parts, call.part_index)
    require(part.depth != 0, Reject.PART_IS_LEAF)
    bond_wei = turn.state.rules.tree_bond_wei * bond_factor(turn.state.demand_counts.get(call.item_id, 0))
    require(message.value_wei >= bond_wei, Reject.WRONG_VALUE)
    demand_id = demand_of(call.item_id, call.part_index, message.sender)
    require(demand_id not in turn.state.demands, Reject.DEMAND_OPEN)
    turn.receive(contract)
    turn.credit(contract, message.sender, message.value_wei - bond_wei)
    demand = Demand(
        challenger=message.sender,
        record_hash=hash_struct(call.record),
        keeper=keeper,
        node=part.root,
        level=part.depth,
        index=0,
        is_answered=False,
        answer_wei=turn.state.rules.tree_bond_wei // ANSWERS_LIMIT,
        left_wei=bond_wei,
        moved_at=message.now,
    )
    _put(turn, demand_id, demand)
    _count(turn, call.item_id, 1)
    turn.emit(Demanded(demand_id=demand_id, item_id=call.item_id, keeper=keeper, demand=demand))


def give(turn: Turn, call: Give) -> None:
    """Answer a demand: all nodes six levels below, or the leaves."""
    demand, message, answer_seconds = call.demand, turn.message, turn.state.rules.answer_seconds
    _check(turn, call.demand_id, demand)
    require(not demand.is_answered, Reject.DEMAND_ANSWERED)
    require(message.now <= demand.moved_at + answer_seconds, Reject.ANSWER_LATE)
    require(len(call.nodes) == 1 << min(demand.level, ROUND_LEVELS), Reject.NODES_COUNT)
    require(layout.join(call.nodes, 0) == demand.node, Reject.NODES_OTHER)
    is_early = message.now <= demand.moved_at + answer_seconds // 2
    receiver = demand.keeper if is_early else message.sender
    turn.credit(turn.state.deployment.bindings, receiver, demand.answer_wei)
    left_wei = demand.left_wei - demand.answer_wei
    given = replace(demand, is_answered=True, left_wei=left_wei, moved_at=message.now)
    _put(turn, call.demand_id, given)
    item_id = item_of_demand(call.demand_id)
    turn.emit(NodesGiven(demand_id=call.demand_id, item_id=item_id, nodes=call.nodes, demand=given))


def pick(turn: Turn, call: Pick) -> None:
    """Go on with one of the nodes that were given."""
    demand = call.demand
    require(turn.message.sender == demand.challenger, Reject.NOT_CHALLENGER)
    _check_child(turn, call.demand_id, demand, call.child, call.node, call.siblings)
    require(demand.level > ROUND_LEVELS, Reject.DEMAND_AT_LEAVES)
    picked = replace(
        demand,
        node=call.node,
        level=demand.level - ROUND_LEVELS,
        index=demand.index << ROUND_LEVELS | call.child,
        is_answered=False,
        moved_at=turn.message.now,
    )
    _put(turn, call.demand_id, picked)
    turn.emit(Picked(demand_id=call.demand_id, item_id=item_of_demand(call.demand_id), demand=picked))


def strike_found(turn: Turn, call: StrikeFound) -> None:
    """Show that a leaf that was given is not what the item's blobs hold, for the challenger."""
    demand = call.demand
    _check_child(turn, call.demand_id, demand, call.child, call.leaf, call.siblings)
    require(demand.level <= ROUND_LEVELS, Reject.DEMAND_ABOVE_LEAVES)
    require(hash_struct(call.record) == demand.record_hash, Reject.RECORD_OTHER)
    part = _part(call.record, call.parts, call.part_index)
    asked = call.parts[part_of_demand(call.demand_id)]
    require((part.root, part.depth) == (asked.root, asked.depth), Reject.LEAF_OTHER_PART)
    _check_mismatch(turn, call, demand.index << demand.level | call.child)
    _end(turn, call.demand_id, demand.challenger, demand.left_wei, is_struck=True)
    items.strike(turn, item_of_demand(call.demand_id), call.record, demand.challenger)


def settle_demand(turn: Turn, call: SettleDemand) -> None:
    """End a demand whose time is over: unanswered, it strikes the item; else the challenger has lost."""
    demand = call.demand
    _check(turn, call.demand_id, demand)
    require(hash_struct(call.record) == demand.record_hash, Reject.RECORD_OTHER)
    item_id, challenger = item_of_demand(call.demand_id), demand.challenger
    if not turn.state.items[item_id].is_open:
        _end(turn, call.demand_id, challenger, demand.left_wei, is_struck=False)
        return
    is_over = turn.message.now > demand.moved_at + turn.state.rules.answer_seconds
    require(is_over, Reject.ANSWER_RUNNING)
    receiver = demand.keeper if demand.is_answered else challenger
    _end(turn, call.demand_id, receiver, demand.left_wei, is_struck=not demand.is_answered)
    if not demand.is_answered:
        items.strike(turn, item_id, call.record, challenger)


# --- shared ---------------------------------------------------------------------------------------


def _put(turn: Turn, demand_id: DemandId, demand: Demand) -> None:
    turn.change(demands=with_entry(turn.state.demands, demand_id, demand))


def _count(turn: Turn, item_id: ItemId, change: int) -> None:
    count = turn.state.demand_counts.get(item_id, 0) + change
    turn.change(demand_counts=with_entry(turn.state.demand_counts, item_id, count))


def _end(turn: Turn, demand_id: DemandId, receiver: Address, amount_wei: int, *, is_struck: bool) -> None:
    item_id = item_of_demand(demand_id)
    turn.change(demands={key: value for key, value in turn.state.demands.items() if key != demand_id})
    _count(turn, item_id, -1)
    turn.credit(turn.state.deployment.bindings, receiver, amount_wei)
    turn.emit(
        DemandSettled(
            demand_id=demand_id,
            item_id=item_id,
            receiver=receiver,
            amount_wei=amount_wei,
            is_struck=is_struck,
        )
    )


def _check(turn: Turn, demand_id: DemandId, demand: Demand) -> None:
    stored = turn.state.demands.get(demand_id)
    require(stored is not None, Reject.DEMAND_UNKNOWN)
    require(stored == demand, Reject.DEMAND_OTHER)


def _check_child(
    turn: Turn, demand_id: DemandId, demand: Demand, child: int, node: Bytes32, siblings: Sequence[Bytes32]
) -> None:
    """Refuse a node that is not number `child` of those that were given, or comes too late."""
    _check(turn, demand_id, demand)
    require(demand.is_answered, Reject.DEMAND_UNANSWERED)
    is_in_time = turn.message.now <= demand.moved_at + turn.state.rules.answer_seconds
    require(is_in_time, Reject.ANSWER_LATE)
    levels = min(demand.level, ROUND_LEVELS)
    require(len(siblings) == levels and child >> levels == 0, Reject.NODE_PATH)
    require(climb(node, child, siblings) == demand.node, Reject.NODE_PATH)


def _part(record: Record, parts: tuple[Part, ...], part_index: int) -> Part:
    require(parts_hash(parts) == record.parts_hash, Reject.PARTS_OTHER)
    require(part_index < len(parts), Reject.PART_UNKNOWN)
    return parts[part_index]


def _has_leaf(part: Part, leaf_index: int) -> bool:
    return part.first_leaf <= leaf_index < part.end_leaf


def _check_mismatch(turn: Turn, call: StrikeMismatch | StrikeFound, leaf_index: int) -> None:
    """Refuse a leaf that is as the item says: in its blob, or zero and in no part of its tree."""
    parts, part = call.parts, call.parts[call.part_index]
    tree = [other for other in parts if (other.root, other.depth) == (part.root, part.depth)]
    if not any(_has_leaf(other, leaf_index) for other in tree):
        require(call.leaf != ZERO_LEAF, Reject.LEAF_AGREES)
        return
    require(_has_leaf(part, leaf_index), Reject.LEAF_OTHER_PART)
    blob, element, slot = layout.place_of(parts, call.part_index, leaf_index)
    _check_opening(turn, call.record, call.opening, blob, element)
    first, second = call.opening.first, call.opening.second
    if first < layout.ELEMENT_END and second < layout.ELEMENT_END:
        found = layout.leaf_in(first, second, slot).to_bytes(32, "big")
        require(found != call.leaf, Reject.LEAF_AGREES)


def _check_opening(turn: Turn, record: Record, opening: Opening, blob: int, element: int) -> None:
    root = climb(versioned_hash(opening.commitment), blob, opening.path)
    require(root == record.hashes_root, Reject.HASHES_PATH)
    points.check(turn.chain, element, opening.first, opening.commitment, opening.first_proof)
    points.check(turn.chain, element + 1, opening.second, opening.commitment, opening.second_proof)
