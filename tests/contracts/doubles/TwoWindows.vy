#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A second policy: due an hour after the window; half of an odd batch's leaves wait for another hour
"""

HOUR_SECONDS: constant(uint256) = 3_600
EVERY_OTHER_LEAF: constant(uint256) = max_value(uint256) // 3


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    due_at: uint256 = until + HOUR_SECONDS
    held: uint256 = 0
    if batch_id % 2 == 1 and block.timestamp <= due_at + HOUR_SECONDS:
        held = EVERY_OTHER_LEAF
    return block.timestamp > due_at, held
