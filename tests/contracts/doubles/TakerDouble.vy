#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A policy that assigns jobs to those that the test says
"""

MESSAGE_LIMIT_BYTES: constant(uint256) = 16_384

takers: HashMap[uint256, address]
is_waiting: bool
is_failing: bool


@external
def wait():
    self.is_waiting = True


@external
def fail(is_failing: bool):
    self.is_failing = is_failing


@external
def assign(job_id: uint256, operator: address):
    self.takers[job_id] = operator


@external
def forward(target: address, message: Bytes[MESSAGE_LIMIT_BYTES]):
    raw_call(target, message)


@external
@view
def must_wait() -> bool:
    return self.is_waiting


@external
@view
def assigns() -> bool:
    return True


@external
@view
def may_take(operator: address, items: DynArray[uint256, 256]) -> bool:
    assert not self.is_failing, "unknown policy"
    for item: uint256 in items:
        if self.takers[item >> 64] != operator:
            return False
    return True


@external
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    return until


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    return block.timestamp > until, 0
