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
DESCEND_GAS: constant(uint256) = 70_000
REVEAL_GAS: constant(uint256) = 40_000


@internal
@pure
def operator_units(splits: uint256, hashes: uint256, has_revealed: bool) -> uint256:
    """
    @param splits Splits that the operator made.
    @param hashes Hashes in each of them but the last before and after the reveal, which may have had fewer.
    @param has_revealed Whether the game went on in a micro-run.
    """
    units: uint256 = splits * SPLIT_GAS
    last_splits: uint256 = 1
    if has_revealed:
        units += REVEAL_GAS
        last_splits = 2
    if splits > last_splits:
        units += (splits - last_splits) * hashes * SPLIT_GAS_PER_HASH
    return units


@internal
@pure
def challenger_units(picks: uint256, has_stepped: bool, has_descended: bool) -> uint256:
    """
    @param picks Picks that the challenger made.
    @param has_stepped Whether the game came to its step.
    @param has_descended Whether it came to the micro-run of a float instruction.
    """
    units: uint256 = OPEN_GAS + picks * PICK_GAS
    if has_stepped:
        units += STEP_GAS
    if has_descended:
        units += DESCEND_GAS
    return units
