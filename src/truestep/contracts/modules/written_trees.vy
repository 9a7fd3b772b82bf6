#pragma version 0.4.3
"""
@title Trees whose leaves are written into the chain (docs/availability.md A3.7)
"""
from interfaces import IItems
from modules import memory_tree

PARTS_LIMIT: constant(uint256) = 64
LIMIT_BYTES: constant(uint256) = 24_576
NODES_LIMIT: constant(uint256) = 448
# Of pairs of leaves: half of 768, and one more for each part that begins with the second leaf of a pair.
DEPTH_LIMIT: constant(uint256) = memory_tree.RANGE_LEVEL + 2  # of programs


@internal
@pure
def check(parts: DynArray[IItems.Part, PARTS_LIMIT], payload: Bytes[LIMIT_BYTES]):
    """
    @notice Refuse leaves that are not those of the parts, or have other roots.
    @dev Parts of the same root and depth that follow each other are of one tree: in order, in other pairs of leaves,
         and all its other leaves are zero.
    """
    # Nodes of one tree and level: runs of neighbours, of each part at first. Copies would cost more than the hashes,
    # so all is done here.
    nodes: bytes32[NODES_LIMIT] = empty(bytes32[NODES_LIMIT])
    starts: uint256[PARTS_LIMIT] = empty(uint256[PARTS_LIMIT])
    counts: uint256[PARTS_LIMIT] = empty(uint256[PARTS_LIMIT])
    zeros: bytes32[DEPTH_LIMIT] = memory_tree.ZERO_NODES
    zero: bytes32 = empty(bytes32)
    runs: uint256 = 0
    write: uint256 = 0
    offset: uint256 = 0
    least: uint256 = 0
    assert len(parts) != 0, "item: size out of bounds"
    for index: uint256 in range(len(parts), bound=PARTS_LIMIT):
        part: IItems.Part = parts[index]
        assert (
            part.depth <= DEPTH_LIMIT
            and part.depth != 0
            and part.leaf_count != 0
            and part.first_leaf >= least
            and part.first_leaf < 1 << part.depth
            and part.leaf_count <= (1 << part.depth) - part.first_leaf
        ), "part: shape"
        left: uint256 = part.leaf_count
        assert left <= (len(payload) - offset) >> 5, "payload: size"
        # The nodes above the part's leaves.
        starts[runs] = part.first_leaf >> 1
        before: uint256 = write
        if part.first_leaf & 1 == 1:
            nodes[write] = keccak256(abi_encode(zero, extract32(payload, offset)))
            write = unsafe_add(write, 1)
            offset = unsafe_add(offset, 32)
            left = unsafe_sub(left, 1)
        for _: uint256 in range(left >> 1, bound=NODES_LIMIT):
            nodes[write] = keccak256(slice(payload, offset, 64))
            write = unsafe_add(write, 1)
            offset = unsafe_add(offset, 64)
        if left & 1 == 1:
            nodes[write] = keccak256(abi_encode(extract32(payload, offset), zero))
            write = unsafe_add(write, 1)
            offset = unsafe_add(offset, 32)
        counts[runs] = write - before
        runs += 1
        least = part.first_leaf + part.leaf_count + 1 >> 1 << 1
        next: uint256 = index + 1
        if next < len(parts) and parts[next].root == part.root and parts[next].depth == part.depth:
            continue
        # The nodes above those, level by level, where the last of a run may meet the first of the next.
        for level: uint256 in range(1, part.depth, bound=DEPTH_LIMIT):
            if write == 1:
                nodes[0] = self._climb(nodes[0], starts[0], level, part.depth)
                break
            read: uint256 = 0
            write = 0
            is_taken: bool = False
            kept: uint256 = 0
            for run: uint256 in range(runs, bound=PARTS_LIMIT):
                start: uint256 = starts[run]
                count: uint256 = counts[run]
                if is_taken:
                    start = unsafe_add(start, 1)
                    count = unsafe_sub(count, 1)
                    read = unsafe_add(read, 1)
                    is_taken = False
                    if count == 0:
                        continue
                before = write
                if start & 1 == 1:
                    nodes[write] = keccak256(abi_encode(zeros[level], nodes[read]))
                    write = unsafe_add(write, 1)
                    read = unsafe_add(read, 1)
                    count = unsafe_sub(count, 1)
                for _: uint256 in range(count >> 1, bound=NODES_LIMIT):
                    nodes[write] = keccak256(abi_encode(nodes[read], nodes[unsafe_add(read, 1)]))
                    write = unsafe_add(write, 1)
                    read = unsafe_add(read, 2)
                if count & 1 == 1:
                    right: bytes32 = zeros[level]
                    if run + 1 < runs and starts[run + 1] == starts[run] + counts[run]:
                        right = nodes[unsafe_add(read, 1)]
                        is_taken = True
                    nodes[write] = keccak256(abi_encode(nodes[read], right))
                    write = unsafe_add(write, 1)
                    read = unsafe_add(read, 1)
                starts[kept] = start >> 1
                counts[kept] = write - before
                kept += 1
            runs = kept
        assert nodes[0] == part.root, "part: of other leaves"
        runs = 0
        write = 0
        least = 0
    assert offset == len(payload), "payload: size"


@internal
@pure
def _climb(node: bytes32, position: uint256, level: uint256, depth: uint256) -> bytes32:
    """
    @notice The root over a node of a level, all other nodes of which are zero.
    """
    zeros: bytes32[DEPTH_LIMIT] = memory_tree.ZERO_NODES
    above: bytes32 = node
    place: uint256 = position
    for height: uint256 in range(level, depth, bound=DEPTH_LIMIT):
        if place & 1 == 0:
            above = keccak256(abi_encode(above, zeros[height]))
        else:
            above = keccak256(abi_encode(zeros[height], above))
        place >>= 1
    return above
