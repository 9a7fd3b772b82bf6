#pragma version 0.4.3
"""
@title What members of a committee commit to, and their signatures by EIP-712 (docs/quorum.md Q4)
"""

# keccak256 of "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)",
# "truestep quorum", "1", and "Commitment(uint256 batchId,bytes32 tasksRoot,address member,uint256 commitment)"
DOMAIN_TYPE: constant(bytes32) = 0x8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f
DOMAIN_NAME: constant(bytes32) = 0x519dd88209689cdb8f24d57a14bf0d75d6c9cc76988c8d27e727f1dc2a75ea72
DOMAIN_VERSION: constant(bytes32) = 0xc89efdaa54c0f20c7adf612882df0950f5a951637e0307cdcb4c672f298b8bc6
COMMITMENT_TYPE: constant(bytes32) = 0x8e7422b62d5f04c0f37cf328c42d97feaef86ec0dad5e5cb7523956fc2462d49
COMMITMENT_BITS: constant(uint256) = 128
# Two share a word. Whoever wants another result than it committed to has 2^128 tries to make.
SEATS_OF_WORD: constant(uint256) = 2
MASK128: constant(uint256) = 2**128 - 1

committed: HashMap[uint256, uint256]  # batch id << 8 | (seat + 1) // 2: two commitments


@external
@view
def commitment_at(batch_id: uint256, seat: uint256) -> uint256:
    """
    @notice What the member of a seat has committed to; zero if it has not.
    """
    return self.kept(batch_id, seat)


@internal
@view
def kept(batch_id: uint256, seat: uint256) -> uint256:
    # The first seat, which seldom commits, has a word of its own.
    word: uint256 = self.committed[batch_id << 8 | (seat + 1) // SEATS_OF_WORD]
    return word >> ((seat + 1) % SEATS_OF_WORD * COMMITMENT_BITS) & MASK128


@internal
def keep(batch_id: uint256, seat: uint256, commitment: uint256):
    assert commitment != 0 and commitment <= MASK128, "not a commitment"
    assert self.kept(batch_id, seat) == 0, "seat has spoken"
    self.committed[batch_id << 8 | (seat + 1) // SEATS_OF_WORD] |= (
        commitment << ((seat + 1) % SEATS_OF_WORD * COMMITMENT_BITS)
    )


@internal
@pure
def commitment_of(member: address, batch_id: uint256, root: bytes32, salt: bytes32) -> uint256:
    """
    @notice What a member commits to that has this result, a claims root. Nobody else's commitment can be the same.
    """
    hashed: bytes32 = keccak256(abi_encode(member, batch_id, root, salt))
    return convert(hashed, uint256) >> (256 - COMMITMENT_BITS)


@internal
@view
def signer_of(
    batch_id: uint256, tasks_root: bytes32, member: address, commitment: uint256, signature: Bytes[65]
) -> address:
    """
    @notice Who signed a member's commitment; zero, which acts for nobody, if the signature is of no key.
    @param tasks_root Of the batch: after a reorganisation its number may be that of other tasks.
    """
    if len(signature) != 65:
        return empty(address)
    domain: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, chain.id, self)
    )
    signed: bytes32 = keccak256(abi_encode(COMMITMENT_TYPE, batch_id, tasks_root, member, commitment))
    return ecrecover(
        keccak256(concat(0x1901, domain, signed)),
        convert(slice(signature, 64, 1), uint256),
        extract32(signature, 0),
        extract32(signature, 32),
    )
