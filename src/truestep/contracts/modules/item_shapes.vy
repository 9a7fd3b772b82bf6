#pragma version 0.4.3
"""
@title How many units and blobs the parts of an item take (docs/availability.md A1.2, A1.3)
"""
from interfaces import IItems

DEPTH_LIMIT: constant(uint256) = 27  # of the machine's memory
UNIT_LEAVES: constant(uint256) = 31
BLOB_UNITS: constant(uint256) = 128
BLOBS_LIMIT: constant(uint256) = 4352  # 526 MiB: an input of 512 MiB and its neighbours


@internal
@pure
def unit_count(part: IItems.Part) -> uint256:
    """
    @notice How many units a part takes (A1.3). Refuses a part that no tree has.
    """
    assert part.depth <= DEPTH_LIMIT, "part: shape"
    leaves: uint256 = 1 << part.depth
    assert (
        part.leaf_count != 0
        and part.leaf_count <= leaves
        and part.first_leaf <= leaves - part.leaf_count
    ), "part: shape"
    return (part.leaf_count + UNIT_LEAVES - 1) // UNIT_LEAVES


@internal
@pure
def blob_count(units: uint256) -> uint256:
    """
    @notice How many blobs these units take (A1.3). Refuses none, and more than an item has.
    """
    count: uint256 = (units + BLOB_UNITS - 1) // BLOB_UNITS
    assert count != 0 and count <= BLOBS_LIMIT, "item: size out of bounds"
    return count
