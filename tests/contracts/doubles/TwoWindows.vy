#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A second policy: due an hour after the window; half of an odd batch's leaves wait for another hour, and games on
       it may be opened till it is due. It says that some claims are proven and some games ended, and who may take what. It
       calls what the test says.
"""

HOUR_SECONDS: constant(uint256) = 3_600
EVERY_OTHER_LEAF: constant(uint256) = max_value(uint256) // 3
MESSAGE_LIMIT_BYTES: constant(uint256) = 16_384


@external
@payable
def __default__():
    pass


@external
def forward(target: address, message: Bytes[MESSAGE_LIMIT_BYTES]):
    raw_call(target, message)


@external
@view
def must_wait() -> bool:
    return True


@external
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    return until + HOUR_SECONDS * (batch_id % 2)


@external
@view
def is_proven(claim_id: uint256) -> bool:
    return claim_id % 2 == 1


@external
@view
def ends_game(game_id: uint256) -> bool:
    return (game_id >> 40) % 2 == 1 and game_id % 2 == 1


@external
@view
def assigns() -> bool:
    return True


@external
@view
def may_take(operator: address, items: DynArray[uint256, 256]) -> bool:
    return (((convert(operator, uint256) >> 152) + (items[0] >> 64)) % 4) != 0


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    due_at: uint256 = until + HOUR_SECONDS
    held: uint256 = 0
    if batch_id % 2 == 1 and block.timestamp <= due_at + HOUR_SECONDS:
        held = EVERY_OTHER_LEAF
    return block.timestamp > due_at, held
