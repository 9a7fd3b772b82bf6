#pragma version 0.4.3
"""
@title Paths in trees of up to 2^27 leaves: memory trees, and trees over versioned hashes (docs/availability.md A1)
"""

LEVELS: constant(uint256) = 27  # of the machine's memory (machine M3.2)


@internal
@pure
def climb(node: bytes32, index: uint256, siblings: DynArray[bytes32, LEVELS]) -> bytes32:
    """
    @notice The node that node number `index` of its level and its siblings, the lowest first, lead to.
    """
    above: bytes32 = node
    position: uint256 = index
    for sibling: bytes32 in siblings:
        if position & 1 == 0:
            above = keccak256(abi_encode(above, sibling))
        else:
            above = keccak256(abi_encode(sibling, above))
        position >>= 1
    return above


@internal
@pure
def join(nodes: DynArray[bytes32, 128], level: uint256) -> bytes32:
    """
    @notice The root over `nodes`, each the root of a subtree of 2^level leaves, with zero leaves behind them.
    """
    zero: bytes32 = empty(bytes32)
    for _: uint256 in range(level, bound=LEVELS):
        zero = keccak256(abi_encode(zero, zero))
    joined: DynArray[bytes32, 128] = nodes
    count: uint256 = len(nodes)
    for _: uint256 in range(7):
        if count == 1:
            break
        pairs: uint256 = count >> 1
        for index: uint256 in range(pairs, bound=64):
            joined[index] = keccak256(abi_encode(joined[index << 1], joined[index << 1 | 1]))
        if count & 1 == 1:
            joined[pairs] = keccak256(abi_encode(joined[count - 1], zero))
        count = pairs + (count & 1)
        zero = keccak256(abi_encode(zero, zero))
    return joined[0]
