#pragma version 0.4.3
"""
@title What a game keeps of its parameter set, in one word (docs/protocol.md S2.1)
@notice word  [ clock 32 | rescue 32 | reveal 32 | share_bps 16 | arity 8 ], times in seconds
"""
from interfaces import IParameters

MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK32: constant(uint256) = 2**32 - 1


@internal
@pure
def pack(parameters: IParameters.Parameters) -> uint256:
    return (
        parameters.clock_seconds << 88
        | parameters.rescue_seconds << 56
        | parameters.reveal_seconds << 24
        | parameters.winner_share_bps << 8
        | parameters.arity
    )


@internal
@pure
def clock_seconds(rules: uint256) -> uint256:
    return rules >> 88


@internal
@pure
def rescue_seconds(rules: uint256) -> uint256:
    return rules >> 56 & MASK32


@internal
@pure
def reveal_seconds(rules: uint256) -> uint256:
    return rules >> 24 & MASK32


@internal
@pure
def share_of(rules: uint256, amount_wei: uint256) -> uint256:
    """
    @notice The winner's share of an amount.
    """
    return amount_wei * (rules >> 8 & MASK16) // 10_000


@internal
@pure
def arity(rules: uint256) -> uint256:
    return rules & MASK8
