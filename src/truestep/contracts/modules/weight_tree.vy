#pragma version 0.4.3
"""
@title Weights of up to 16,384 slots for each of many pools, in trees of sums (docs/assignment.md D4.2)
@notice A node is a word: the sums of its four children, 64 bits each. A child of a lowest node is a slot.
"""

LEVELS: constant(uint256) = 7
SLOT_LIMIT: constant(uint256) = 4**7
TAKEN_LIMIT: constant(uint256) = 32
# Slots that one draw leaves out: 16 that are excluded and 16 that are drawn.
MASK64: constant(uint256) = 2**64 - 1

nodes: HashMap[uint256, uint256]  # by [ pool | level 8 | index 16 ]


@internal
@view
def total(pool: uint256) -> uint256:
    root: uint256 = self.nodes[self._key(pool, LEVELS - 1, 0)]
    return (root & MASK64) + (root >> 64 & MASK64) + (root >> 128 & MASK64) + (root >> 192)


@internal
def change(pool: uint256, slot: uint256, before: uint256, after: uint256):
    """
    @notice Change the weight of a slot. The total of the pool must stay below 2^64.
    """
    for level: uint256 in range(LEVELS):
        key: uint256 = self._key(pool, level, slot >> (2 * level + 2))
        at: uint256 = (slot >> 2 * level & 3) << 6
        # No sum is below `before` or above 2^64 - 1, so that no field reaches into another.
        self.nodes[key] = unsafe_sub(unsafe_add(self.nodes[key], after << at), before << at)


@internal
@view
def find(
    pool: uint256, point: uint256, taken: DynArray[uint256, TAKEN_LIMIT]
) -> (uint256, uint256):
    """
    @notice The slot that holds this point of the total, when these slots are left out, and its weight.
    @param taken Slots, each `slot << 64 | weight`, and no slot twice.
    """
    index: uint256 = 0
    weight: uint256 = 0
    rest: uint256 = point
    for step: uint256 in range(LEVELS):
        level: uint256 = unsafe_sub(LEVELS - 1, step)
        node: uint256 = self.nodes[self._key(pool, level, index)]
        place: uint256 = unsafe_mul(2, level)
        for each: uint256 in taken:
            slot: uint256 = each >> 64
            if slot >> unsafe_add(place, 2) == index:
                node = unsafe_sub(node, (each & MASK64) << ((slot >> place & 3) << 6))
        index <<= 2
        weight = node & MASK64
        for _: uint256 in range(3):
            if rest < weight:
                break
            rest = unsafe_sub(rest, weight)
            node >>= 64
            index = unsafe_add(index, 1)
            weight = node & MASK64
    return index, weight


@internal
@pure
def _key(pool: uint256, level: uint256, index: uint256) -> uint256:
    return pool << 24 | level << 16 | index
