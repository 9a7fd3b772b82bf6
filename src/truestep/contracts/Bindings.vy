#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Bindings: what the commitments of an item hold is what its roots say, or it is struck (docs/availability.md A4.5, A4.6)
@license Apache-2.0
"""
from interfaces import IBindings
from interfaces import IItems
from interfaces import IKeepers
from modules import bond_factors
from modules import coins
from modules import long_paths
from modules import native_credits
from modules import points

implements: IBindings
initializes: coins
initializes: native_credits
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)


interface Linked:
    def keepers() -> address: view


PARTS_LIMIT: constant(uint256) = 256
UNIT_LEAVES: constant(uint256) = 31
UNIT_ELEMENTS: constant(uint256) = 32
BLOB_UNITS: constant(uint256) = 128
ELEMENT_END: constant(uint256) = 2**248  # an element holds 31 bytes
ROUND_LEVELS: constant(uint256) = 6  # that an answer goes down
NODES_LIMIT: constant(uint256) = 64
ANSWERS_LIMIT: constant(uint256) = 5  # of one demand: 27 levels at most
ANY_LEVELS: constant(uint256) = 27
MASK16: constant(uint256) = 2**16 - 1

ITEMS: immutable(IItems)
BOND_WEI: immutable(uint256)
ANSWER_SECONDS: immutable(uint256)

demands: public(HashMap[uint256, bytes32])  # demand id: the hash of the demand, while it is open
open_counts: public(HashMap[uint256, uint256])  # item: its open demands


@deploy
def __init__(items_: address):
    assert items_.is_contract, "no contract at this address"
    ITEMS = IItems(items_)
    rules: IKeepers.Rules = staticcall IKeepers(staticcall Linked(items_).keepers()).rules()
    BOND_WEI = rules.tree_bond_wei
    ANSWER_SECONDS = rules.answer_seconds
    points.check_precompile()


@external
def strike_mismatch(
    item_id: uint256,
    record: IItems.Record,
    parts: DynArray[IItems.Part, PARTS_LIMIT],
    part_index: uint256,
    leaf_index: uint256,
    leaf: bytes32,
    path: DynArray[bytes32, ANY_LEVELS],
    opening: IBindings.Opening,
):
    """
    @notice Show that a leaf of a part's tree is not what the item's blobs hold, by anybody (A4.5).
    @param path Of the leaf to the part's root.
    @param opening Of the two elements that the leaf lies in; it is not looked at if no part holds the leaf.
    """
    part: IItems.Part = self._part(record, parts, part_index)
    assert len(path) == part.depth and leaf_index >> part.depth == 0, "leaf: path"
    assert long_paths.climb(leaf, leaf_index, path) == part.root, "leaf: path"
    self._check_mismatch(record, parts, part_index, leaf_index, leaf, opening)
    extcall ITEMS.strike(item_id, record, msg.sender)


# --- descents -------------------------------------------------------------------------------------


@external
@payable
def open_demand(
    item_id: uint256,
    record: IItems.Record,
    parts: DynArray[IItems.Part, PARTS_LIMIT],
    part_index: uint256,
    seat: uint256,
) -> uint256:
    """
    @notice Ask for the tree of a part, with a bond that pays for the answers (A4.6).
    @param seat Of the keeper that is paid for answers in the first half of their time; of an item without seats that is
                its registrant.
    @return The demand's id.
    """
    keeper: address = staticcall ITEMS.respondent(item_id, record, seat)
    part: IItems.Part = self._part(record, parts, part_index)
    assert part.depth != 0, "part: a leaf has no tree"
    open_count: uint256 = self.open_counts[item_id]
    bond_wei: uint256 = BOND_WEI * bond_factors.factor(open_count)
    assert msg.value >= bond_wei, "wrong amount of coins sent"
    native_credits.credit(msg.sender, msg.value - bond_wei)
    demand_id: uint256 = item_id << 176 | part_index << 160 | convert(msg.sender, uint256)
    assert self.demands[demand_id] == empty(bytes32), "already demanded"
    made: IBindings.Demand = IBindings.Demand(
        challenger=msg.sender,
        record_hash=keccak256(abi_encode(record)),
        keeper=keeper,
        node=part.root,
        level=part.depth,
        index=0,
        is_answered=False,
        answer_wei=BOND_WEI // ANSWERS_LIMIT,
        left_wei=bond_wei,
        moved_at=block.timestamp,
    )
    self.demands[demand_id] = keccak256(abi_encode(made))
    self.open_counts[item_id] = open_count + 1
    log IBindings.Demanded(demand_id=demand_id, item_id=item_id, keeper=keeper, demand=made)
    return demand_id


@external
def give(demand_id: uint256, demand: IBindings.Demand, nodes: DynArray[bytes32, NODES_LIMIT]):
    """
    @notice Answer a demand, by anybody: all nodes six levels below the one that is asked for, or the leaves.
    """
    self._check(demand_id, demand)
    assert not demand.is_answered, "demand is answered"
    assert block.timestamp <= demand.moved_at + ANSWER_SECONDS, "time to answer is over"
    assert len(nodes) == 1 << min(demand.level, ROUND_LEVELS), "nodes: number"
    assert self._above(nodes) == demand.node, "nodes: of another node"
    is_early: bool = block.timestamp <= demand.moved_at + ANSWER_SECONDS // 2
    native_credits.credit(demand.keeper if is_early else msg.sender, demand.answer_wei)
    given: IBindings.Demand = demand
    given.is_answered = True
    given.left_wei -= demand.answer_wei
    given.moved_at = block.timestamp
    self.demands[demand_id] = keccak256(abi_encode(given))
    log IBindings.NodesGiven(
        demand_id=demand_id, item_id=demand_id >> 176, nodes=nodes, demand=given
    )


@external
def pick(
    demand_id: uint256,
    demand: IBindings.Demand,
    child: uint256,
    node: bytes32,
    siblings: DynArray[bytes32, ROUND_LEVELS],
):
    """
    @notice Go on with one of the nodes that were given, by the challenger.
    """
    assert demand.challenger == msg.sender, "caller is not the challenger"
    self._check_child(demand_id, demand, child, node, siblings)
    assert demand.level > ROUND_LEVELS, "demand: leaves are known"
    picked: IBindings.Demand = demand
    picked.node = node
    picked.level -= ROUND_LEVELS
    picked.index = demand.index << ROUND_LEVELS | child
    picked.is_answered = False
    picked.moved_at = block.timestamp
    self.demands[demand_id] = keccak256(abi_encode(picked))
    log IBindings.Picked(demand_id=demand_id, item_id=demand_id >> 176, demand=picked)


@external
def strike_found(
    demand_id: uint256,
    demand: IBindings.Demand,
    record: IItems.Record,
    parts: DynArray[IItems.Part, PARTS_LIMIT],
    part_index: uint256,
    child: uint256,
    leaf: bytes32,
    siblings: DynArray[bytes32, ROUND_LEVELS],
    opening: IBindings.Opening,
):
    """
    @notice Show that a leaf that was given is not what the item's blobs hold, by anybody, for the challenger.
    @param part_index Of the part that holds the leaf: the one that was asked for, or another of the same tree.
    """
    self._check_child(demand_id, demand, child, leaf, siblings)
    assert demand.level <= ROUND_LEVELS, "demand: leaves are not known"
    assert keccak256(abi_encode(record)) == demand.record_hash, "record of another item"
    leaf_index: uint256 = demand.index << demand.level | child
    part: IItems.Part = self._part(record, parts, part_index)
    asked: IItems.Part = parts[demand_id >> 160 & MASK16]
    assert part.root == asked.root and part.depth == asked.depth, "leaf: in another part"
    self._check_mismatch(record, parts, part_index, leaf_index, leaf, opening)
    self._end(demand_id, demand.challenger, demand.left_wei, True)
    extcall ITEMS.strike(demand_id >> 176, record, demand.challenger)


@external
def settle_demand(demand_id: uint256, demand: IBindings.Demand, record: IItems.Record):
    """
    @notice End a demand whose time is over, by anybody: unanswered, it strikes the item; else the challenger has lost.
    @dev If the item is struck or lost already, what is left of the bond goes back, at any time.
    """
    self._check(demand_id, demand)
    assert keccak256(abi_encode(record)) == demand.record_hash, "record of another item"
    item_id: uint256 = demand_id >> 176
    if not staticcall ITEMS.is_open(item_id):
        self._end(demand_id, demand.challenger, demand.left_wei, False)
        return
    assert block.timestamp > demand.moved_at + ANSWER_SECONDS, "time to answer is not over"
    if demand.is_answered:
        self._end(demand_id, demand.keeper, demand.left_wei, False)
    else:
        self._end(demand_id, demand.challenger, demand.left_wei, True)
        extcall ITEMS.strike(item_id, record, demand.challenger)


@external
@view
def items() -> address:
    """
    @notice The contract Items.
    """
    return ITEMS.address


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check(demand_id: uint256, demand: IBindings.Demand):
    stored: bytes32 = self.demands[demand_id]
    assert stored != empty(bytes32), "demand is not open"
    assert keccak256(abi_encode(demand)) == stored, "demand is another"


@internal
@view
def _check_child(
    demand_id: uint256,
    demand: IBindings.Demand,
    child: uint256,
    node: bytes32,
    siblings: DynArray[bytes32, ROUND_LEVELS],
):
    """
    @notice Refuse a node that is not number `child` of those that were given, or comes too late.
    """
    self._check(demand_id, demand)
    assert demand.is_answered, "demand is not answered"
    assert block.timestamp <= demand.moved_at + ANSWER_SECONDS, "time to answer is over"
    levels: uint256 = min(demand.level, ROUND_LEVELS)
    assert len(siblings) == levels and child >> levels == 0, "node: path"
    assert long_paths.climb(node, child, siblings) == demand.node, "node: path"


@internal
def _end(demand_id: uint256, receiver: address, amount_wei: uint256, is_struck: bool):
    self.demands[demand_id] = empty(bytes32)
    self.open_counts[demand_id >> 176] -= 1
    native_credits.credit(receiver, amount_wei)
    log IBindings.DemandSettled(
        demand_id=demand_id,
        item_id=demand_id >> 176,
        receiver=receiver,
        amount_wei=amount_wei,
        is_struck=is_struck,
    )


@internal
@pure
def _above(nodes: DynArray[bytes32, NODES_LIMIT]) -> bytes32:
    """
    @notice The node above 2^n nodes.
    """
    joined: DynArray[bytes32, NODES_LIMIT] = nodes
    count: uint256 = len(nodes)
    for _: uint256 in range(ROUND_LEVELS):
        if count == 1:
            break
        count >>= 1
        for index: uint256 in range(count, bound=NODES_LIMIT // 2):
            joined[index] = keccak256(abi_encode(joined[index << 1], joined[index << 1 | 1]))
    return joined[0]


@internal
@pure
def _part(
    record: IItems.Record, parts: DynArray[IItems.Part, PARTS_LIMIT], part_index: uint256
) -> IItems.Part:
    assert keccak256(abi_encode(parts)) == record.parts_hash, "parts of another item"
    assert part_index < len(parts), "parts: no such part"
    return parts[part_index]


@internal
@view
def _check_mismatch(
    record: IItems.Record,
    parts: DynArray[IItems.Part, PARTS_LIMIT],
    part_index: uint256,
    leaf_index: uint256,
    leaf: bytes32,
    opening: IBindings.Opening,
):
    """
    @notice Refuse a leaf that is what the item says: the part holds it, or no part of its tree does and it is zero.
    """
    part: IItems.Part = parts[part_index]
    first_unit: uint256 = 0
    is_held: bool = False
    index: uint256 = 0
    for other: IItems.Part in parts:
        if index < part_index:
            first_unit += (other.leaf_count + UNIT_LEAVES - 1) // UNIT_LEAVES
        if (
            other.root == part.root
            and other.depth == part.depth
            and leaf_index >= other.first_leaf
            and leaf_index < other.first_leaf + other.leaf_count
        ):
            is_held = True
        index += 1
    if not is_held:
        assert leaf != empty(bytes32), "leaf: as the item says"
        return
    assert (
        leaf_index >= part.first_leaf and leaf_index < part.first_leaf + part.leaf_count
    ), "leaf: in another part"
    place: uint256 = leaf_index - part.first_leaf
    unit: uint256 = first_unit + place // UNIT_LEAVES
    # Leaf j of a unit is the last 31 - j bytes of element j and the first j + 1 of the next: never more than two.
    slot: uint256 = place % UNIT_LEAVES
    element: uint256 = unit % BLOB_UNITS * UNIT_ELEMENTS + slot
    hash: bytes32 = points.versioned_hash(opening.commitment)
    root: bytes32 = long_paths.climb(hash, unit // BLOB_UNITS, opening.path)
    assert root == record.hashes_root, "hashes: path"
    points.check(hash, element, opening.first, opening.commitment, opening.first_proof)
    points.check(hash, element + 1, opening.second, opening.commitment, opening.second_proof)
    if opening.first < ELEMENT_END and opening.second < ELEMENT_END:
        high: uint256 = (opening.first & (1 << 8 * (31 - slot)) - 1) << 8 * (slot + 1)
        assert (
            high | opening.second >> 8 * (30 - slot) != convert(leaf, uint256)
        ), "leaf: as the item says"
