#pragma version 0.4.3
"""
@title Signatures over BLS12-381 with the precompiles of EIP-2537 (docs/logs.md L4.3)
@notice Keys are points of the first group, signatures of the second: draft-irtf-cfrg-bls-signature, proof of possession.
        A point of the first group is four words: x and y, each as 128 and 256 bits.
"""

G1_ADD: constant(address) = 0x000000000000000000000000000000000000000b
G2_ADD: constant(address) = 0x000000000000000000000000000000000000000d
PAIRING: constant(address) = 0x000000000000000000000000000000000000000F
MAP_TO_G2: constant(address) = 0x0000000000000000000000000000000000000011
MODEXP: constant(address) = 0x0000000000000000000000000000000000000005
FIELD_HIGH: constant(uint256) = 34565483545414906068789196026815425751
FIELD_LOW: constant(uint256) = 45442060874369865957053122457065728162598490762543039060009208264153100167851
FIELD: constant(Bytes[48]) = (
    x"1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
)
# Minus the generator of the first group.
MINUS_ONE: constant(uint256[4]) = [
    31827880280837800241567138048534752271,
    88385725958748408079899006800036250932223001591707578097800747617502997169851,
    22997279242622214937712647648895181298,
    46816884707101390882112958134453447585552332943769894357249934112654335001290,
]
# "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_" and "BLS_POP_…", each with its length behind it.
SIGNS: constant(Bytes[44]) = (
    x"424c535f5349475f424c53313233383147325f584d443a5348412d3235365f535357555f524f5f504f505f2b"
)
POSSESSES: constant(Bytes[44]) = (
    x"424c535f504f505f424c53313233383147325f584d443a5348412d3235365f535357555f524f5f504f505f2b"
)


@internal
@view
def plus(left: uint256[4], right: uint256[4]) -> uint256[4]:
    """
    @notice The sum of two points of the first group.
    """
    return abi_decode(self._asked128(G1_ADD, abi_encode(left, right)), uint256[4])


@internal
@pure
def minus(point: uint256[4]) -> uint256[4]:
    """
    @notice Minus a point of the first group. Infinity, four zeros, is its own.
    """
    if point[0] | point[1] | point[2] | point[3] == 0:
        return point
    borrow: uint256 = 1 if point[3] > FIELD_LOW else 0
    return [point[0], point[1], FIELD_HIGH - borrow - point[2], unsafe_sub(FIELD_LOW, point[3])]


@internal
@view
def signs(key: uint256[4], message: bytes32, signature: Bytes[256]) -> bool:
    """
    @notice Whether the signature is that of the owners of a key, or of a sum of keys.
    """
    return self._holds(key, message, SIGNS, signature)


@internal
@view
def possesses(key: uint256[4], message: bytes32, signature: Bytes[256]) -> bool:
    """
    @notice Whether the signature shows that somebody has the key. It looks at the key's group too.
    """
    return self._holds(key, message, POSSESSES, signature)


@internal
@view
def _holds(key: uint256[4], message: bytes32, purpose: Bytes[44], signature: Bytes[256]) -> bool:
    assert len(signature) == 256, "BLS: not a point"
    pairs: Bytes[768] = concat(
        abi_encode(MINUS_ONE), signature, abi_encode(key), self._point_of(message, purpose)
    )
    is_success: bool = False
    answer: Bytes[32] = b""
    is_success, answer = raw_call(
        PAIRING, pairs, max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    # It fails for points off the curve or the group; a chain without it answers nothing.
    assert is_success and len(answer) == 32, "BLS: not a point"
    return convert(answer, uint256) == 1


@internal
@view
def _point_of(message: bytes32, purpose: Bytes[44]) -> Bytes[256]:
    """
    @notice The message as a point of the second group (RFC 9380, BLS12381G2_XMD:SHA-256_SSWU_RO_).
    """
    first: bytes32 = sha256(
        concat(empty(bytes32), empty(bytes32), message, x"010000", purpose)
    )
    blocks: bytes32[8] = empty(bytes32[8])
    block_before: bytes32 = empty(bytes32)
    for index: uint256 in range(8):
        block_before = sha256(
            concat(
                convert(convert(first, uint256) ^ convert(block_before, uint256), bytes32),
                convert(convert(index + 1, uint8), bytes1),
                purpose,
            )
        )
        blocks[index] = block_before
    left: Bytes[256] = self._mapped(blocks[0], blocks[1], blocks[2], blocks[3])
    right: Bytes[256] = self._mapped(blocks[4], blocks[5], blocks[6], blocks[7])
    return self._asked256(G2_ADD, concat(left, right))


@internal
@view
def _mapped(a: bytes32, b: bytes32, c: bytes32, d: bytes32) -> Bytes[256]:
    element: Bytes[128] = concat(
        empty(bytes16), self._reduced(a, b), empty(bytes16), self._reduced(c, d)
    )
    return self._asked256(MAP_TO_G2, element)


@internal
@view
def _reduced(high: bytes32, low: bytes32) -> Bytes[48]:
    """
    @notice 512 bits modulo the field.
    """
    is_success: bool = False
    answer: Bytes[48] = b""
    is_success, answer = raw_call(
        MODEXP,
        concat(
            convert(64, bytes32), convert(1, bytes32), convert(48, bytes32), high, low, x"01", FIELD
        ),
        max_outsize=48,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert is_success and len(answer) == 48, "BLS: not a point"
    return answer


@internal
@view
def _asked128(precompile: address, question: Bytes[256]) -> Bytes[128]:
    is_success: bool = False
    answer: Bytes[128] = b""
    is_success, answer = raw_call(
        precompile, question, max_outsize=128, is_static_call=True, revert_on_failure=False
    )
    assert is_success and len(answer) == 128, "BLS: not a point"
    return answer


@internal
@view
def _asked256(precompile: address, question: Bytes[512]) -> Bytes[256]:
    is_success: bool = False
    answer: Bytes[256] = b""
    is_success, answer = raw_call(
        precompile, question, max_outsize=256, is_static_call=True, revert_on_failure=False
    )
    assert is_success and len(answer) == 256, "BLS: not a point"
    return answer
