#pragma version 0.4.3
"""
@title What Disputes keeps of a challenged claim, in one word (docs/protocol.md S6, S7)
@notice word  [ flags 8 | pot_wei 104 | winners 24 | striker 24 | peak 8 | open_count 24 | opened 24 | struck_at 40 ]
"""

MASK8: constant(uint256) = 2**8 - 1
MASK24: constant(uint256) = 2**24 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK104: constant(uint256) = 2**104 - 1
BY_STEP: constant(uint256) = 2**248
WITHOUT_RESULT: constant(uint256) = 2**249

GAMES_LIMIT: constant(uint256) = MASK24
# Ordinals are packed into 24 bits; a window's blocks cannot hold so many.
PEAK_LIMIT: constant(uint256) = 3
# Beyond so many games a defender's clock grows no more: a liar's friends buy the same delay (S6.6).
BOND_STEP: constant(uint256) = 16
BOND_FACTOR_LIMIT: constant(uint256) = 10
BOND_DOUBLINGS_LIMIT: constant(uint256) = 4


struct Claim:
    struck_at: uint256  # 0 while the claim stands
    opened: uint256  # games ever opened
    open_count: uint256
    peak: uint256  # the most that were open at once, up to PEAK_LIMIT
    striker: uint256  # the ordinal of the game that struck the claim; 0: it was refuted
    winners: uint256  # that have not been rewarded yet; 0 until they are counted
    pot_wei: uint256  # what the winners have not been given yet
    by_step: bool  # struck by a step, not by a clock
    without_result: bool  # the winners were counted though the task has no result


@internal
@pure
def pack(claim: Claim) -> uint256:
    flags: uint256 = 0
    if claim.by_step:
        flags = BY_STEP
    if claim.without_result:
        flags |= WITHOUT_RESULT
    return (
        flags
        | claim.pot_wei << 144
        | claim.winners << 120
        | claim.striker << 96
        | claim.peak << 88
        | claim.open_count << 64
        | claim.opened << 40
        | claim.struck_at
    )


@internal
@pure
def unpack(word: uint256) -> Claim:
    return Claim(
        struck_at=word & MASK40,
        opened=word >> 40 & MASK24,
        open_count=word >> 64 & MASK24,
        peak=word >> 88 & MASK8,
        striker=word >> 96 & MASK24,
        winners=word >> 120 & MASK24,
        pot_wei=word >> 144 & MASK104,
        by_step=word & BY_STEP != 0,
        without_result=word & WITHOUT_RESULT != 0,
    )


@internal
@pure
def bond_factor(open_count: uint256) -> uint256:
    """
    @notice How many times the challenger's bond a game costs while so many are open (S6.2).
    """
    doublings: uint256 = max(open_count // BOND_STEP, 1) - 1
    return min(BOND_FACTOR_LIMIT, 1 << min(doublings, BOND_DOUBLINGS_LIMIT))
