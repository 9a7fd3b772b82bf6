#pragma version 0.4.3
"""
@title Paths in the trees over a batch's items and leaves (docs/protocol.md S4.1)
@notice Binary, positional, of the smallest depth that holds the leaves, zero behind them.
"""

DEPTH_LIMIT: constant(uint256) = 8  # 256 tasks in a batch


@internal
@pure
def climb(leaf: bytes32, index: uint256, siblings: DynArray[bytes32, DEPTH_LIMIT]) -> bytes32:
    """
    @notice The root that leaf number `index` and its siblings, the lowest first, lead to.
    """
    node: bytes32 = leaf
    position: uint256 = index
    for sibling: bytes32 in siblings:
        if position & 1 == 0:
            node = keccak256(abi_encode(node, sibling))
        else:
            node = keccak256(abi_encode(sibling, node))
        position >>= 1
    return node


@internal
@pure
def join(nodes: bytes32[DEPTH_LIMIT + 1], count: uint256) -> bytes32:
    """
    @notice The root of `count` leaves.
    @param nodes At each level with a bit in `count`: the root of the full subtree of 2^level leaves that is not
           part of a larger one yet, as when a binary counter counts the leaves.
    """
    level: uint256 = 0
    for _: uint256 in range(DEPTH_LIMIT):
        if count >> level & 1 == 1:
            break
        level = unsafe_add(level, 1)
    node: bytes32 = nodes[level]
    if count >> level == 1:
        return node
    zero: bytes32 = empty(bytes32)
    for _: uint256 in range(level, bound=DEPTH_LIMIT):
        zero = keccak256(abi_encode(zero, zero))
    node = keccak256(abi_encode(node, zero))
    for above: uint256 in range(unsafe_add(level, 1), DEPTH_LIMIT, bound=DEPTH_LIMIT):
        if count >> above == 0:
            break
        zero = keccak256(abi_encode(zero, zero))
        if count >> above & 1 == 1:
            node = keccak256(abi_encode(nodes[above], node))
        else:
            node = keccak256(abi_encode(node, zero))
    return node
