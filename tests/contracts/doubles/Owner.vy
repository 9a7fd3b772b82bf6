#pragma version 0.4.3
#pragma evm-version cancun
"""
@title What others need of a timelock: it calls what the test says at once, and names a guardian
"""

MESSAGE_LIMIT_BYTES: constant(uint256) = 4_096

GUARDIAN: immutable(address)
GUARDIAN_UNTIL: immutable(uint256)


@deploy
def __init__(guardian_: address, until: uint256):
    GUARDIAN = guardian_
    GUARDIAN_UNTIL = until


@external
@view
def guardian() -> address:
    return GUARDIAN if block.timestamp < GUARDIAN_UNTIL else empty(address)


@external
def forward(target: address, message: Bytes[MESSAGE_LIMIT_BYTES]):
    raw_call(target, message)
