#pragma version 0.4.3
"""
@title The phases of rounds: commit, reveal, draw (docs/assignment.md D1)
"""

commit_seconds: public(immutable(uint256))
reveal_seconds: public(immutable(uint256))
draw_seconds: public(immutable(uint256))
ROUND_SECONDS: immutable(uint256)


@deploy
def __init__(commit_seconds_: uint256, reveal_seconds_: uint256, draw_seconds_: uint256):
    commit_seconds = commit_seconds_
    reveal_seconds = reveal_seconds_
    draw_seconds = draw_seconds_
    ROUND_SECONDS = commit_seconds_ + reveal_seconds_ + draw_seconds_


@internal
@view
def round_at(time: uint256) -> uint256:
    return time // ROUND_SECONDS


@internal
@view
def start(round: uint256) -> uint256:
    """
    @notice The first second of a round.
    """
    return round * ROUND_SECONDS


@internal
@view
def is_committing() -> bool:
    return block.timestamp % ROUND_SECONDS < commit_seconds


@internal
@view
def is_drawing() -> bool:
    return block.timestamp % ROUND_SECONDS >= commit_seconds + reveal_seconds


@internal
@view
def is_revealing() -> bool:
    return not self.is_committing() and not self.is_drawing()
