#pragma version 0.4.3
"""
@title The paths of a witness: from leaves to the memory's root (docs/machine.md M3.2, M6.3 to M6.8)
@notice The instruction's path is climbed first; the memory's leaves are proved up to nodes that it knows.
"""

# The longest witness has 2,876 bytes; a little room, so that one too long is refused with a reason
WITNESS_LIMIT: constant(uint256) = 3072

MASK_AT: constant(uint256) = 273
LEAVES_AT: constant(uint256) = 316

# The mask's bits for siblings (M6.7)
FIRST_PATH_BIT: constant(uint256) = 27
SECOND_PATH_BIT: constant(uint256) = 54
INSTRUCTION_PATH: constant(uint256) = 2**27 - 1

DEPTH: constant(uint256) = 27
CODE_LEVEL: constant(uint256) = 24
# M6.4: hex digit e is the place in the frame (C, t24, t25, t26) for the leaves of the memory's eighth e
PLACES: constant(uint256) = 2**4 + 2 * (2**8 + 2**12) + 3 * (2**16 + 2**20 + 2**24 + 2**28)

# 128 bits of which 1, 2 or 4 alternate, and the lowest bit of each byte: for counting
ALTERNATE_1: constant(uint256) = (2**128 - 1) // 3
ALTERNATE_2: constant(uint256) = (2**128 - 1) // 5
ALTERNATE_4: constant(uint256) = (2**128 - 1) // 17
EACH_BYTE: constant(uint256) = (2**128 - 1) // 255
ONE: constant(uint256) = 1  # a bare 1 to be shifted would be an int256


struct Leaves:
    first_index: uint256
    count: uint256  # 0, 1 or 2
    before: uint256[2]
    after: uint256[2]


struct Node:
    before: bytes32
    after: bytes32  # the same unless the step stores


ZERO_NODES: immutable(bytes32[DEPTH])


@deploy
def __init__():
    nodes: bytes32[DEPTH] = empty(bytes32[DEPTH])
    for level: uint256 in range(DEPTH - 1):
        nodes[level + 1] = keccak256(abi_encode(nodes[level], nodes[level]))
    ZERO_NODES = nodes


@internal
@view
def roots(
    witness: Bytes[WITNESS_LIMIT], instruction_index: uint256, instruction_leaf: bytes32, leaves: Leaves
) -> (bytes32, bytes32):
    """
    @notice The memory's root before and after the step. Reverts if the witness does not prove the leaves.
    """
    mask: uint256 = convert(extract32(witness, MASK_AT), uint256) >> 168
    self._check_form(len(witness), mask, leaves)

    # 1. The instruction's path: C, and the siblings t24, t25, t26 (M6.3)
    position: uint256 = LEAVES_AT + 32 * leaves.count
    node: Node = Node(before=instruction_leaf, after=instruction_leaf)
    position, node = self._climb(witness, position, mask, 0, CODE_LEVEL, instruction_index, node, False)
    frame: bytes32[4] = [node.before, empty(bytes32), empty(bytes32), empty(bytes32)]
    for place: uint256 in range(1, 4):
        level: uint256 = CODE_LEVEL - 1 + place
        if (mask >> level) & 1 == 0:
            frame[place] = ZERO_NODES[level]
        else:
            frame[place] = extract32(witness, position)
            position += 32
    root_before: bytes32 = self._root(frame)
    if leaves.count == 0:
        return root_before, root_before

    # 2. The first leaf, from where it meets the second one on if they end at the same node (M6.5)
    is_changed: bool = leaves.before[0] != leaves.after[0] or leaves.before[1] != leaves.after[1]
    place: uint256 = self._place(leaves.first_index)
    is_apart: bool = leaves.count == 2 and self._place(leaves.first_index + 1) != place
    level: uint256 = 0
    node = Node(before=convert(leaves.before[0], bytes32), after=convert(leaves.after[0], bytes32))
    if leaves.count == 2 and not is_apart:
        position, level, node = self._climb_to_meeting(witness, position, mask, leaves, is_changed)
    position, node = self._climb(
        witness,
        position,
        mask >> FIRST_PATH_BIT,
        level,
        self._levels(place),
        leaves.first_index,
        node,
        is_changed,
    )
    assert frame[place] == node.before, "witness proof"
    frame[place] = node.after

    # 3. The second leaf, if it ends at another node
    if is_apart:
        place += 1
        node = Node(before=convert(leaves.before[1], bytes32), after=convert(leaves.after[1], bytes32))
        position, node = self._climb(
            witness,
            position,
            mask >> SECOND_PATH_BIT,
            0,
            self._levels(place),
            leaves.first_index + 1,
            node,
            is_changed,
        )
        assert frame[place] == node.before, "witness proof"
        frame[place] = node.after

    # 4. A new root, if there is one
    if is_changed:
        return root_before, self._root(frame)
    return root_before, root_before


@internal
@pure
def _check_form(size: uint256, mask: uint256, leaves: Leaves):
    """
    @notice Refuses a witness with a sibling too many or too few (M6.4, M6.5, M6.8).
    """
    siblings: uint256 = INSTRUCTION_PATH
    if leaves.count != 0:
        place: uint256 = self._place(leaves.first_index)
        first_path: uint256 = self._full_path(place)
        second_path: uint256 = 0
        if leaves.count == 2:
            if self._place(leaves.first_index + 1) == place:
                # They meet at the level of the first's lowest clear bit, and need no sibling there
                meeting: uint256 = ~leaves.first_index & (leaves.first_index + 1)
                first_path ^= meeting
                second_path = meeting - 1
            else:
                second_path = self._full_path(place + 1)
        siblings |= (first_path << FIRST_PATH_BIT) | (second_path << SECOND_PATH_BIT)
    count: uint256 = self._count_bits(mask & siblings)
    assert size == LEAVES_AT + 32 * (leaves.count + count), "witness length"
    assert mask & ~siblings == 0, "witness mask"


@internal
@pure
def _place(leaf_index: uint256) -> uint256:
    """
    @notice Where in the frame the node is that proves a leaf.
    """
    return (PLACES >> ((leaf_index >> CODE_LEVEL) << 2)) & 3


@internal
@pure
def _levels(place: uint256) -> uint256:
    return max(CODE_LEVEL, CODE_LEVEL - 1 + place)


@internal
@pure
def _full_path(place: uint256) -> uint256:
    return (ONE << self._levels(place)) - 1


@internal
@pure
def _count_bits(x: uint256) -> uint256:
    """
    @notice How many of the low 128 bits are set: sums of neighbours, twice as wide each time.
    """
    sums: uint256 = (x & ALTERNATE_1) + ((x >> 1) & ALTERNATE_1)
    sums = (sums & ALTERNATE_2) + ((sums >> 2) & ALTERNATE_2)
    sums = (sums & ALTERNATE_4) + ((sums >> 4) & ALTERNATE_4)
    return (unsafe_mul(sums, EACH_BYTE) >> 120) & 255


@internal
@view
def _climb(
    witness: Bytes[WITNESS_LIMIT],
    start: uint256,
    mask: uint256,
    from_level: uint256,
    to_level: uint256,
    leaf_index: uint256,
    start_node: Node,
    is_changed: bool,
) -> (uint256, Node):
    """
    @notice From a node above a leaf to the one at `to_level`. The siblings lie from byte `start` on;
            bit l of `mask` says whether level l's does. Returns where the next one lies, and the node.
    """
    position: uint256 = start
    node: Node = start_node
    for level: uint256 in range(from_level, to_level, bound=DEPTH):
        sibling: bytes32 = empty(bytes32)
        if (mask >> level) & 1 == 0:
            sibling = ZERO_NODES[level]
        else:
            sibling = extract32(witness, position)
            position = unsafe_add(position, 32)
        if (leaf_index >> level) & 1 == 0:
            node.before = keccak256(abi_encode(node.before, sibling))
            if is_changed:
                node.after = keccak256(abi_encode(node.after, sibling))
        else:
            node.before = keccak256(abi_encode(sibling, node.before))
            if is_changed:
                node.after = keccak256(abi_encode(sibling, node.after))
    if not is_changed:
        node.after = node.before
    return position, node


@internal
@view
def _climb_to_meeting(
    witness: Bytes[WITNESS_LIMIT], start: uint256, mask: uint256, leaves: Leaves, is_changed: bool
) -> (uint256, uint256, Node):
    """
    @notice Two neighbouring leaves to the node above both. Until they meet, the first is always a right child
            and the second a left one. Returns where the next sibling lies, the node's level, and the node.
    """
    position: uint256 = start
    meeting: uint256 = 0
    first: Node = Node(before=convert(leaves.before[0], bytes32), after=convert(leaves.after[0], bytes32))
    second: Node = Node(before=convert(leaves.before[1], bytes32), after=convert(leaves.after[1], bytes32))
    for level: uint256 in range(DEPTH):
        if (leaves.first_index >> level) & 1 == 0:
            meeting = level
            break
        sibling: bytes32 = ZERO_NODES[level]
        if (mask >> (level + FIRST_PATH_BIT)) & 1 == 1:
            sibling = extract32(witness, position)
            position += 32
        first.before = keccak256(abi_encode(sibling, first.before))
        if is_changed:
            first.after = keccak256(abi_encode(sibling, first.after))
        sibling = ZERO_NODES[level]
        if (mask >> (level + SECOND_PATH_BIT)) & 1 == 1:
            sibling = extract32(witness, position)
            position += 32
        second.before = keccak256(abi_encode(second.before, sibling))
        if is_changed:
            second.after = keccak256(abi_encode(second.after, sibling))
    node: Node = Node(before=keccak256(abi_encode(first.before, second.before)), after=empty(bytes32))
    if is_changed:
        node.after = keccak256(abi_encode(first.after, second.after))
    return position, meeting + 1, node


@internal
@pure
def _root(frame: bytes32[4]) -> bytes32:
    root: bytes32 = keccak256(abi_encode(frame[0], frame[1]))
    root = keccak256(abi_encode(root, frame[2]))
    return keccak256(abi_encode(root, frame[3]))
