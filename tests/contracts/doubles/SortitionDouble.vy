#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A pool and its randomness as tests of quorums want them: members one after the other, from a random one on
"""

SEATS_LIMIT: constant(uint256) = 16

assurances: public(immutable(address))
exit_seconds: public(immutable(uint256))
least_pledge_wei: public(immutable(uint256))
DRAW_SECONDS: immutable(uint256)
pool: DynArray[address, 256]
pledges: public(HashMap[address, uint256])


@deploy
@payable
def __init__(
    assurances_: address,
    exit_seconds_: uint256,
    draw_seconds: uint256,
    pool: DynArray[address, 256],
    pledge_wei: uint256,
):
    assurances = assurances_
    exit_seconds = exit_seconds_
    least_pledge_wei = pledge_wei
    DRAW_SECONDS = draw_seconds
    self.pool = pool
    for member: address in pool:
        self.pledges[member] = pledge_wei


@external
@payable
def __default__():
    pass


@external
@view
def randomness() -> address:
    return self


@external
@view
def drawing(since: uint256) -> uint256:
    assert block.timestamp > since + DRAW_SECONDS, "keepers are drawn in a later block"
    return since


@external
@view
def seed(round: uint256) -> bytes32:
    return keccak256(abi_encode(round))


@external
@view
def select(
    pool: uint256, seed: bytes32, count: uint256, excluded: DynArray[address, SEATS_LIMIT]
) -> DynArray[address, SEATS_LIMIT]:
    members: DynArray[address, SEATS_LIMIT] = []
    start: uint256 = convert(seed, uint256) % len(self.pool)
    for index: uint256 in range(len(self.pool), bound=256):
        member: address = self.pool[(start + index) % len(self.pool)]
        if len(members) < count and member not in excluded:
            members.append(member)
    return members


@external
@view
def pledge_of(pool: uint256, operator: address) -> uint256:
    return self.pledges[operator]


@external
def penalise(operator: address, amount_wei: uint256) -> uint256:
    taken_wei: uint256 = min(amount_wei, self.pledges[operator])
    self.pledges[operator] -= taken_wei
    raw_call(msg.sender, b"", value=taken_wei)
    return taken_wei
