#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A pool whose members and rounds are those that the test says, for contracts that ask Sortition and Randomness
"""

MEMBERS_LIMIT: constant(uint256) = 16

exit_seconds: public(immutable(uint256))
members: DynArray[address, MEMBERS_LIMIT]
pledges: HashMap[address, uint256]
sealed_since: uint256
round_seed: bytes32


@deploy
@payable
def __init__(exit_seconds_: uint256):
    exit_seconds = exit_seconds_


@external
@payable
def pledge(operator: address):
    """
    @notice Put more coins behind a member.
    """
    if operator not in self.members:
        self.members.append(operator)
    self.pledges[operator] += msg.value


@external
def begin_round(since: uint256, seed: bytes32):
    """
    @notice From now on this seed draws what happened up to `since`.
    """
    self.sealed_since = since
    self.round_seed = seed


@external
@view
def drawing(since: uint256) -> uint256:
    assert since <= self.sealed_since, "no round draws now"
    return 1


@external
@view
def seed(round: uint256) -> bytes32:
    return self.round_seed


@external
@view
def pledge_of(pool: uint256, operator: address) -> uint256:
    return self.pledges[operator]


@external
@view
def select(
    pool: uint256, seed: bytes32, count: uint256, excluded: DynArray[address, 16]
) -> DynArray[address, 16]:
    """
    @notice Who is next of those that are left: by the seed, with no weights.
    """
    left: DynArray[address, MEMBERS_LIMIT] = []
    for member: address in self.members:
        if member not in excluded:
            left.append(member)
    if len(left) == 0:
        return []
    return [left[convert(seed, uint256) % len(left)]]


@external
def penalise(operator: address, amount_wei: uint256) -> uint256:
    seized_wei: uint256 = min(self.pledges[operator], amount_wei)
    self.pledges[operator] -= seized_wei
    if seized_wei != 0:
        raw_call(msg.sender, b"", value=seized_wei)
    return seized_wei
