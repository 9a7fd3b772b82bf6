#pragma version 0.4.3
"""
@title The gas that a winner is repaid, by the moves of its game (docs/protocol.md S7.6)
@notice Units below the cheapest such move in any transaction, however many moves a contract makes in it
        (tests/contracts/test_move_gas.py finds that cost), so that nobody plays for them.
"""

OPEN_GAS: constant(uint256) = 50_000
PICK_GAS: constant(uint256) = 8_000
STEP_GAS: constant(uint256) = 30_000
DESCEND_GAS: constant(uint256) = 25_000
