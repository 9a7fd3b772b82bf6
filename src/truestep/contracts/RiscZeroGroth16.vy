#pragma version 0.4.3
#pragma evm-version cancun
"""
@title RiscZeroGroth16: receipts of one version of RISC Zero's zkVM, as Groth16 proofs (docs/receipts.md R3)
@notice Keeps nothing and has no owner. Its selector is derived from the key and the circuits that it was deployed
        with, so a wrong constant cannot pass for a published version.
@license Apache-2.0
"""
from modules import groth16
from modules import risc_zero

initializes: groth16

SEAL_SIZE_BYTES: constant(uint256) = 260
HALF: constant(uint256) = 2**128 - 1

selector: public(immutable(bytes4))
_constant: immutable(uint256[2])
# The constant point and the three inputs that are the same for every receipt.
_low: immutable(uint256[2])
_high: immutable(uint256[2])
# What the halves of the claim's digest are multiplied with.


@deploy
def __init__(key: groth16.Key, control_root: bytes32, control_id: bytes32, digest: bytes32):
    """
    @param digest The published digest of key and circuits; its first four bytes are the selector.
    """
    assert risc_zero.parameters(key, control_root, control_id) == digest, "key is not the published one"
    groth16.__init__(key)
    selector = convert(slice(digest, 0, 4), bytes4)
    root: uint256 = risc_zero.reversed(control_root)
    total: uint256[2] = groth16.plus(key.inputs[0], key.inputs[1], root & HALF)
    total = groth16.plus(total, key.inputs[2], root >> 128)
    _constant = groth16.plus(total, key.inputs[5], convert(control_id, uint256))
    _low = key.inputs[3]
    _high = key.inputs[4]


@external
@view
def verify(key_digest: bytes32, statement: bytes32, proof: Bytes[SEAL_SIZE_BYTES]) -> bool:
    """
    @notice Whether the image wrote just the 32 bytes of the statement (R1.2).
    @param key_digest The image id.
    """
    return self._holds(risc_zero.claim_digest(key_digest, sha256(statement)), proof)


@external
@view
def verify_digest(key_digest: bytes32, journal_digest: bytes32, proof: Bytes[SEAL_SIZE_BYTES]) -> bool:
    """
    @notice Whether the image wrote a journal with this SHA-256.
    """
    return self._holds(risc_zero.claim_digest(key_digest, journal_digest), proof)


@internal
@view
def _holds(claim: bytes32, seal: Bytes[SEAL_SIZE_BYTES]) -> bool:
    assert len(seal) == SEAL_SIZE_BYTES, "proof: length"
    assert convert(slice(seal, 0, 4), bytes4) == selector, "proof: selector"
    halves: uint256 = risc_zero.reversed(claim)
    total: uint256[2] = groth16.plus(_constant, _low, halves & HALF)
    total = groth16.plus(total, _high, halves >> 128)
    return groth16.holds(slice(seal, 4, groth16.PROOF_SIZE_BYTES), total)
