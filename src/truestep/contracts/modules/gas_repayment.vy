#pragma version 0.4.3
"""
@title The gas that a game's loser repays (docs/protocol.md P5.2)
@notice Units for each move, a little below what it costs (docs/gas.md), so that nobody plays for them.
"""

OPEN_GAS: constant(uint256) = 170_000
SPLIT_GAS: constant(uint256) = 40_000
SPLIT_GAS_PER_HASH: constant(uint256) = 1_000
PICK_GAS: constant(uint256) = 40_000
STEP_GAS: constant(uint256) = 60_000


@internal
@pure
def operator_units(splits: uint256, hashes: uint256) -> uint256:
    """
    @param splits Splits that the operator made.
    @param hashes Hashes in each of them but the last, which may have had fewer.
    """
    if splits == 0:
        return 0
    return splits * SPLIT_GAS + (splits - 1) * hashes * SPLIT_GAS_PER_HASH


@internal
@pure
def challenger_units(picks: uint256, has_stepped: bool) -> uint256:
    """
    @param picks Picks that the challenger made.
    @param has_stepped Whether the game came to its step.
    """
    units: uint256 = OPEN_GAS + picks * PICK_GAS
    if has_stepped:
        units += STEP_GAS
    return units
