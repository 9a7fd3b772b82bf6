#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Sp1Groth16: proofs of one version of SP1, as Groth16 proofs (docs/receipts.md R5)
@notice Keeps nothing and has no owner. Its selector is derived from the key that it was deployed with, as the
        SHA-256 of the key's file, so a wrong constant cannot pass for a published version.
@license Apache-2.0
"""
from modules import groth16

initializes: groth16

PROOF_SIZE_BYTES: constant(uint256) = 356
DIGEST: constant(uint256) = 2**253 - 1
SMALL: constant(uint256) = 2 << 254
LARGE: constant(uint256) = 3 << 254
# The highest bits of a compressed point: which of the two values y is.

selector: public(immutable(bytes4))
vk_root: public(immutable(uint256))
_constant: immutable(uint256[2])
# The constant point and the root of keys; the exit code is 0.
_program: immutable(uint256[2])
_values: immutable(uint256[2])
_nonce: immutable(uint256[2])
# What the other inputs are multiplied with.


@deploy
def __init__(key: groth16.Key, beta_first: bytes32, delta_first: bytes32, vk_root_: uint256, digest: bytes32):
    """
    @param beta_first Two points of the prover's, compressed: they are in the key's file and so in its hash.
    @param vk_root_ The root of the keys of the circuits below.
    @param digest The published hash of the key; its first four bytes are the selector.
    """
    assert self._hash(key, beta_first, delta_first) == digest, "key is not the published one"
    groth16.__init__(key)
    selector = convert(slice(digest, 0, 4), bytes4)
    vk_root = vk_root_
    _constant = groth16.plus(key.inputs[0], key.inputs[4], vk_root_)
    _program = key.inputs[1]
    _values = key.inputs[2]
    _nonce = key.inputs[5]


@external
@view
def verify(key_digest: bytes32, statement: bytes32, proof: Bytes[PROOF_SIZE_BYTES]) -> bool:
    """
    @notice Whether the program wrote just the 32 bytes of the statement (R1.2).
    @param key_digest The hash of the program's verifying key.
    """
    return self._holds(key_digest, sha256(statement), proof)


@external
@view
def verify_digest(key_digest: bytes32, values_digest: bytes32, proof: Bytes[PROOF_SIZE_BYTES]) -> bool:
    """
    @notice Whether the program wrote public values with this SHA-256.
    """
    return self._holds(key_digest, values_digest, proof)


@internal
@view
def _holds(program: bytes32, values_digest: bytes32, proof: Bytes[PROOF_SIZE_BYTES]) -> bool:
    assert len(proof) == PROOF_SIZE_BYTES, "proof: length"
    assert convert(slice(proof, 0, 4), bytes4) == selector, "proof: selector"
    assert extract32(proof, 4, output_type=uint256) == 0, "proof: exit code"
    assert extract32(proof, 36, output_type=uint256) == vk_root, "proof: root of keys"
    nonce: uint256 = extract32(proof, 68, output_type=uint256)
    total: uint256[2] = groth16.plus(_constant, _program, convert(program, uint256))
    total = groth16.plus(total, _values, convert(values_digest, uint256) & DIGEST)
    if nonce != 0:
        total = groth16.plus(total, _nonce, nonce)
    return groth16.holds(slice(proof, 100, groth16.PROOF_SIZE_BYTES), total)


@internal
@pure
def _hash(key: groth16.Key, beta_first: bytes32, delta_first: bytes32) -> bytes32:
    """
    @notice The SHA-256 of the key's file as gnark writes it (R5.2).
    """
    return sha256(
        concat(
            self._first(key.alpha),
            beta_first,
            self._second(key.beta),
            self._second(key.gamma),
            delta_first,
            self._second(key.delta),
            x"00000006",
            self._first(key.inputs[0]),
            self._first(key.inputs[1]),
            self._first(key.inputs[2]),
            self._first(key.inputs[3]),
            self._first(key.inputs[4]),
            self._first(key.inputs[5]),
            x"0000000000000000",
        )
    )


@internal
@pure
def _first(point: uint256[2]) -> bytes32:
    return convert(point[0] | self._sign(point[1]), bytes32)


@internal
@pure
def _second(point: uint256[4]) -> Bytes[64]:
    y: uint256 = point[2] if point[2] != 0 else point[3]
    return concat(convert(point[0] | self._sign(y), bytes32), convert(point[1], bytes32))


@internal
@pure
def _sign(y: uint256) -> uint256:
    return LARGE if y > groth16.FIELD // 2 else SMALL
