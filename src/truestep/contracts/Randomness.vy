#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Randomness: seeds that nobody controls alone (docs/assignment.md D1, D2)
@license Apache-2.0
@dev Rounds follow one another without a pause, by the clock alone. A bond that is not revealed stays here for ever.
"""
from interfaces import IRandomness
from modules import coins
from modules import draw_phases
from modules import native_credits

implements: IRandomness
initializes: coins
initializes: native_credits
initializes: draw_phases
exports: (
    native_credits.credits,
    native_credits.withdraw_to,
    draw_phases.commit_seconds,
    draw_phases.reveal_seconds,
    draw_phases.draw_seconds,
)

LEAST_PHASE_SECONDS: constant(uint256) = 2
# A devnet has a block each second.
PHASE_LIMIT_SECONDS: constant(uint256) = 86_400
BOND_LIMIT_WEI: constant(uint256) = 2**96

bond_wei: public(immutable(uint256))

commitments: public(HashMap[uint256, HashMap[address, bytes32]])  # of a round, until they are revealed
mixes: HashMap[uint256, bytes32]  # of a round: what has been revealed, and prevrandao at the first reveal
counts: HashMap[uint256, uint256]  # of a round: [ reveals 128 | commitments 128 ]


@deploy
def __init__(
    commit_seconds: uint256, reveal_seconds: uint256, draw_seconds: uint256, bond_wei_: uint256
):
    for seconds: uint256 in [commit_seconds, reveal_seconds, draw_seconds]:
        assert (
            seconds >= LEAST_PHASE_SECONDS and seconds <= PHASE_LIMIT_SECONDS
        ), "phase out of bounds"
    assert bond_wei_ != 0 and bond_wei_ < BOND_LIMIT_WEI, "entropy bond out of bounds"
    draw_phases.__init__(commit_seconds, reveal_seconds, draw_seconds)
    bond_wei = bond_wei_


@external
@payable
def commit(round: uint256, commitment: bytes32):
    """
    @notice Promise a secret for the seed of a round. In its commit phase, once (D2.1).
    @param round Of the commitment: a call that comes to a block later takes no bond.
    @param commitment keccak256(abi.encode(sender, round, secret)).
    @dev The bond comes with the call, or out of what the sender is owed, if no coins do.
    """
    assert (
        round == draw_phases.round_at(block.timestamp) and draw_phases.is_committing()
    ), "not the commit phase of the round"
    assert commitment != empty(bytes32), "commitment is to something else"
    assert self.commitments[round][msg.sender] == empty(bytes32), "already committed"
    if msg.value == 0:
        owed_wei: uint256 = native_credits.credits[msg.sender]
        assert owed_wei >= bond_wei, "wrong amount of coins sent"
        native_credits.credits[msg.sender] = owed_wei - bond_wei
    else:
        assert msg.value == bond_wei, "wrong amount of coins sent"
    self.commitments[round][msg.sender] = commitment
    self.counts[round] += 1
    log IRandomness.Committed(round=round, committer=msg.sender, commitment=commitment)


@external
def reveal(secret: bytes32):
    """
    @notice Give the secret that was promised. In the reveal phase of the round; the bond is owed again (D2.2).
    """
    round: uint256 = draw_phases.round_at(block.timestamp)
    assert draw_phases.is_revealing(), "not the time to reveal"
    assert self.commitments[round][msg.sender] == keccak256(
        abi_encode(msg.sender, round, secret)
    ), "commitment is to something else"
    self.commitments[round][msg.sender] = empty(bytes32)
    counts: uint256 = self.counts[round]
    mix: bytes32 = self.mixes[round]
    if counts >> 128 == 0:
        mix = keccak256(abi_encode(block.prevrandao, round))
    mix = convert(convert(mix, uint256) ^ convert(secret, uint256), bytes32)
    self.mixes[round] = mix
    self.counts[round] = counts + (1 << 128)
    native_credits.credit(msg.sender, bond_wei)
    log IRandomness.Revealed(round=round, committer=msg.sender, secret=secret, mix=mix)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def round_at(time: uint256) -> uint256:
    """
    @notice The round that this second is in.
    """
    return draw_phases.round_at(time)


@external
@view
def phase_ends(round: uint256) -> IRandomness.Phases:
    """
    @notice The last seconds of a round's phases.
    """
    return IRandomness.Phases(
        commit_ends=self._commit_ends(round),
        reveal_ends=draw_phases.start(round + 1) - draw_phases.draw_seconds - 1,
        draw_ends=draw_phases.start(round + 1) - 1,
    )


@external
@view
def counts_of(round: uint256) -> (uint256, uint256):
    """
    @notice How many secrets were promised for a round, and how many of them were revealed.
    """
    counts: uint256 = self.counts[round]
    return counts & (2**128 - 1), counts >> 128


@external
@view
def seed(round: uint256) -> bytes32:
    """
    @notice The seed of a round. Refused before its reveals are over, and if there were none (D2.3).
    """
    assert (
        block.timestamp >= draw_phases.start(round + 1) - draw_phases.draw_seconds
    ), "seed is not known yet"
    self._check_revealed(round)
    return keccak256(abi_encode(chain.id, self, round, self.mixes[round]))


@external
@view
def drawing(since: uint256) -> uint256:
    """
    @notice The round by whose seed a thing of this time may be drawn now. Refused if there is none (D2.4).
    """
    assert draw_phases.is_drawing(), "not the time to draw"
    round: uint256 = draw_phases.round_at(block.timestamp)
    assert since <= self._commit_ends(round), "drawn in a later round"
    self._check_revealed(round)
    return round


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _commit_ends(round: uint256) -> uint256:
    return draw_phases.start(round) + draw_phases.commit_seconds - 1


@internal
@view
def _check_revealed(round: uint256):
    assert self.counts[round] >> 128 != 0, "round has no seed"
