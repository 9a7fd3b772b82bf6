#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A policy that says what the test tells it
"""

is_due: bool
held: uint256


@external
def decide(is_due: bool, held: uint256):
    self.is_due = is_due
    self.held = held


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    return self.is_due, self.held
