#pragma version 0.4.3
"""
@title The tree over the parts of a split interval (docs/protocol.md S11.4)
@notice Leaf p is keccak256(hash at part p's start, hash at its end); leaves without a part are zero.
"""

ARITY_LIMIT: constant(uint256) = 64
# Calldata makes a wider split dearer than the round it saves (docs/gas.md).
DEPTH_LIMIT: constant(uint256) = 6


@internal
@pure
def root(
    low_hash: bytes32, hashes: DynArray[bytes32, ARITY_LIMIT - 1], high_hash: bytes32, depth: uint256
) -> bytes32:
    """
    @notice The root of a tree of 2^depth leaves over len(hashes) + 1 parts.
    """
    nodes: bytes32[ARITY_LIMIT] = empty(bytes32[ARITY_LIMIT])
    parts: uint256 = unsafe_add(len(hashes), 1)
    if parts & 7 == 0 and parts >> depth == 1:  # all leaves have a part: eight at a time, at half the gas
        start: bytes32 = low_hash
        octets: uint256 = parts >> 3
        for index: uint256 in range(octets, bound=ARITY_LIMIT // 8):
            at: uint256 = index << 3
            b: bytes32 = hashes[at]
            c: bytes32 = hashes[at | 1]
            d: bytes32 = hashes[at | 2]
            e: bytes32 = hashes[at | 3]
            f: bytes32 = hashes[at | 4]
            g: bytes32 = hashes[at | 5]
            h: bytes32 = hashes[at | 6]
            i: bytes32 = high_hash if unsafe_add(index, 1) == octets else hashes[at | 7]
            first: bytes32 = keccak256(
                abi_encode(
                    keccak256(abi_encode(keccak256(abi_encode(start, b)), keccak256(abi_encode(b, c)))),
                    keccak256(abi_encode(keccak256(abi_encode(c, d)), keccak256(abi_encode(d, e)))),
                )
            )
            second: bytes32 = keccak256(
                abi_encode(
                    keccak256(abi_encode(keccak256(abi_encode(e, f)), keccak256(abi_encode(f, g)))),
                    keccak256(abi_encode(keccak256(abi_encode(g, h)), keccak256(abi_encode(h, i)))),
                )
            )
            nodes[index] = keccak256(abi_encode(first, second))
            start = i
        return self._root_of_nodes(nodes, octets, depth - 3)
    previous: bytes32 = low_hash
    for index: uint256 in range(parts, bound=ARITY_LIMIT):
        end: bytes32 = high_hash if index == len(hashes) else hashes[index]
        nodes[index] = keccak256(abi_encode(previous, end))
        previous = end
    return self._root_of_nodes(nodes, parts, depth)


@internal
@pure
def _root_of_nodes(level_nodes: bytes32[ARITY_LIMIT], level_count: uint256, depth: uint256) -> bytes32:
    """
    @notice The root of a tree of 2^depth leaves, zero from number `level_count` on.
    """
    nodes: bytes32[ARITY_LIMIT] = level_nodes
    count: uint256 = level_count
    zero: bytes32 = empty(bytes32)
    for level: uint256 in range(depth, bound=DEPTH_LIMIT):
        pairs: uint256 = count >> 1
        for index: uint256 in range(pairs, bound=ARITY_LIMIT // 2):
            left: uint256 = index << 1
            nodes[index] = keccak256(abi_encode(nodes[left], nodes[left | 1]))
        if count & 1 == 1:
            nodes[pairs] = keccak256(abi_encode(nodes[unsafe_sub(count, 1)], zero))
        count = unsafe_add(pairs, count & 1)
        zero = keccak256(abi_encode(zero, zero))
    return nodes[0]


@internal
@pure
def climb(start: bytes32, end: bytes32, part: uint256, siblings: DynArray[bytes32, DEPTH_LIMIT]) -> bytes32:
    """
    @notice The root that part number `part` and its siblings, the lowest first, lead to.
    """
    node: bytes32 = keccak256(abi_encode(start, end))
    position: uint256 = part
    for sibling: bytes32 in siblings:
        if position & 1 == 0:
            node = keccak256(abi_encode(node, sibling))
        else:
            node = keccak256(abi_encode(sibling, node))
        position >>= 1
    return node
