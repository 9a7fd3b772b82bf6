#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A policy that says what the test tells it
"""

MESSAGE_LIMIT_BYTES: constant(uint256) = 16_384

is_due: bool
held: uint256
last: uint256
is_waiting: bool


@external
def wait():
    self.is_waiting = True


@external
@payable
def __default__():
    pass


@external
def forward(target: address, message: Bytes[MESSAGE_LIMIT_BYTES]):
    raw_call(target, message)


@external
def open(last: uint256):
    self.last = last


@external
@view
def must_wait() -> bool:
    return self.is_waiting


@external
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    return self.last


@external
def decide(is_due: bool, held: uint256):
    self.is_due = is_due
    self.held = held


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    return self.is_due, self.held
