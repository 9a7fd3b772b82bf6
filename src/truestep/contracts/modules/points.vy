#pragma version 0.4.3
"""
@title Elements of a blob, opened by the point evaluation precompile (docs/availability.md A1.5; EIP-4844)
"""

PRECOMPILE: constant(address) = 0x000000000000000000000000000000000000000A
MODULUS: constant(uint256) = (
    52435875175126190479447740508185965837690552500527637822603658699938581184513
)
ELEMENTS: constant(uint256) = 4096
# w^(2^(11 - i)) for i from 0, where w = 7^((MODULUS - 1) / 4096): the factors of w^brp12(element) by its bits.
FACTORS: constant(uint256[12]) = [
    52435875175126190479447740508185965837690552500527637822603658699938581184512,
    3465144826073652318776269530687742778270252468765361963008,
    23674694431658770659612952115660802947967373701506253797663184111817857449850,
    14788168760825820622209131888203028446852016562542525606630160374691593895118,
    36581797046584068049060372878520385032448812009597153775348195406694427778894,
    31519469946562159605140591558550197856588417350474800936898404023113662197331,
    47309214877430199588914062438791732591241783999377560080318349803002842391998,
    36007022166693598376559747923784822035233416720563672082740011604939309541707,
    4214636447306890335450803789410475782380792963881561516561680164772024173390,
    22781213702924172180523978385542388841346373992886390990881355510284839737428,
    49307615728544765012166121802278658070711169839041683575071795236746050763237,
    39033254847818212395286706435128746857159659164139250548781411570340225835782,
]


@internal
@pure
def versioned_hash(commitment: Bytes[48]) -> bytes32:
    """
    @notice 0x01 and the last 31 bytes of the SHA-256 of a commitment.
    """
    return convert(convert(sha256(commitment), uint256) & 2**248 - 1 | 1 << 248, bytes32)


@internal
@view
def check(hash: bytes32, element: uint256, y: uint256, commitment: Bytes[48], proof: Bytes[48]):
    """
    @notice Refuse a proof that does not show that this element of the blob of this versioned hash is `y`.
    @dev Where there is no such precompile nothing is returned; a wrong proof makes it fail and takes all gas given.
    """
    z: uint256 = 1
    factors: uint256[12] = FACTORS
    for bit: uint256 in range(12):
        if element >> bit & 1 == 1:
            z = uint256_mulmod(z, factors[bit], MODULUS)
    is_success: bool = False
    answer: Bytes[64] = b""
    is_success, answer = raw_call(
        PRECOMPILE,
        concat(hash, convert(z, bytes32), convert(y, bytes32), commitment, proof),
        max_outsize=64,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert is_success and len(answer) == 64, "opening: proof"
    assert extract32(answer, 0) == convert(ELEMENTS, bytes32), "opening: proof"
    assert extract32(answer, 32) == convert(MODULUS, bytes32), "opening: proof"


@internal
@view
def check_precompile():
    """
    @notice Refuse a chain that has no point evaluation: the zero polynomial is zero everywhere.
    """
    infinity: Bytes[48] = concat(convert(192 << 248, bytes32), empty(bytes16))
    self.check(self.versioned_hash(infinity), 0, 0, infinity, infinity)
