#pragma version 0.4.3
"""
@title How bonds rise with what is open on an item (docs/availability.md A4.1)
"""

STEP: constant(uint256) = 8
DOUBLINGS: constant(uint256) = 6
# Up to 64 times. Who withholds can raise the price by challenging itself: so that of blobs does not rise (A4.1).


@internal
@pure
def factor(open_count: uint256) -> uint256:
    """
    @notice By what a bond is multiplied while so many are open: twice as much with each 8.
    """
    return 1 << min(open_count // STEP, DOUBLINGS)
