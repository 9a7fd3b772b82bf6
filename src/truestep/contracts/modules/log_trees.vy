#pragma version 0.4.3
"""
@title Proofs of consistency between two sizes of a log (docs/logs.md L1.2; RFC 9162 2.1.4.2)
"""

PATH_LIMIT: constant(uint256) = 65
# The first node, and one for each level of a log of fewer than 2^63 entries, twice at most on one level.


@internal
@view
def roots(
    old_size: uint256, new_size: uint256, path: DynArray[bytes32, PATH_LIMIT]
) -> (bytes32, bytes32):
    """
    @notice The old and the new root that a proof leads to. The first node is always given.
    """
    assert old_size != 0 and old_size < new_size and len(path) != 0, "proof does not fit the sizes"
    place: uint256 = old_size - 1
    last: uint256 = new_size - 1
    for _: uint256 in range(64):
        if place & 1 == 0:
            break
        place >>= 1
        last >>= 1
    old: bytes32 = path[0]
    new: bytes32 = path[0]
    is_first: bool = True
    for node: bytes32 in path:
        if is_first:
            is_first = False
            continue
        assert last != 0, "proof does not fit the sizes"
        if place & 1 == 1 or place == last:
            old = sha256(concat(x"01", node, old))
            new = sha256(concat(x"01", node, new))
            for _: uint256 in range(64):
                if place & 1 == 1 or place == 0:
                    break
                place >>= 1
                last >>= 1
        else:
            new = sha256(concat(x"01", new, node))
        place >>= 1
        last >>= 1
    assert last == 0, "proof does not fit the sizes"
    return old, new
