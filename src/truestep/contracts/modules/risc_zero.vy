#pragma version 0.4.3
"""
@title Digests of RISC Zero (docs/receipts.md R3, R4)
@notice A structure's digest is the SHA-256 of its tag's, the digests that it holds, its other fields, and how many
        digests it holds, in two bytes, the lower one first.
"""
from modules import groth16

OUTPUT: constant(bytes32) = 0x77eafeb366a78b47747de0d7bb176284085ff5564887009a5be63da32d3559d4
CLAIM: constant(bytes32) = 0xcb1fefcd1f2d9a64975cbbbf6e161e2914434b0cbb9960b84df5d717e86b48af
KEY: constant(bytes32) = 0xfa77044bc9f1aec494a3f424cb9104c24149acf58ca6b219b44bd6b1056f9d4c
KEY_INPUTS: constant(bytes32) = 0xf776d186bf72b819a595ab1833062ab4bb3592160c10857ebeca9691ce729f22
PARAMETERS: constant(bytes32) = 0x60b97a2bdc471360c901f58eb3f22679fc24bd6bf6367e14a8a34744f29516aa
SET_PARAMETERS: constant(bytes32) = 0x0d1598224cacaf2b74569b87801d8afe8d17210a4ea42c1e4f32ac6875276202
# SHA-256 of the tags: risc0.Output, risc0.ReceiptClaim, risc0_groth16.VerifyingKey, risc0_groth16.VerifyingKey.IC,
# risc0.Groth16ReceiptVerifierParameters, risc0.SetInclusionReceiptVerifierParameters.
HALTED: constant(bytes32) = 0xa3acc27117418996340b84e5a90f3ef4c49d22c79e44aad822ec9c313e1eb8e2
# The digest of the state of a machine that has halted.
LEAF_TAG: constant(bytes8) = 0x4c4541465f544147
FINISHED: constant(uint256) = 2**255
# What the set builder writes as the size of a finished set.


@internal
@pure
def claim_digest(image_id: bytes32, journal_digest: bytes32) -> bytes32:
    """
    @notice That the image halted with code 0, without assumptions, and wrote this journal (R3.1).
    """
    output: bytes32 = sha256(concat(OUTPUT, journal_digest, empty(bytes32), x"0200"))
    return sha256(concat(CLAIM, empty(bytes32), image_id, HALTED, output, x"0000000000000000", x"0400"))


@internal
@pure
def parameters(key: groth16.Key, control_root: bytes32, control_id: bytes32) -> bytes32:
    """
    @notice What names a version, from its key and circuits (R3.3).
    """
    inputs: bytes32 = empty(bytes32)
    for i: uint256 in range(6):
        inputs = sha256(concat(KEY_INPUTS, sha256(abi_encode(key.inputs[5 - i])), inputs, x"0200"))
    digest: bytes32 = sha256(
        concat(
            KEY,
            sha256(abi_encode(key.alpha)),
            sha256(abi_encode(key.beta)),
            sha256(abi_encode(key.gamma)),
            sha256(abi_encode(key.delta)),
            inputs,
            x"0500",
        )
    )
    backwards: bytes32 = convert(self.reversed(control_id), bytes32)
    return sha256(concat(PARAMETERS, control_root, backwards, digest, x"0300"))


@internal
@pure
def set_parameters(builder_id: bytes32) -> bytes32:
    """
    @notice What names a version of set inclusion, from the image of its set builder (R4.1).
    """
    return sha256(concat(SET_PARAMETERS, builder_id, x"0100"))


@internal
@pure
def set_journal(builder_id: bytes32, root: bytes32) -> bytes32:
    """
    @notice The digest of what the set builder writes for a finished set (R4.3).
    """
    return sha256(concat(builder_id, convert(FINISHED, bytes32), root))


@internal
@pure
def leaf(claim: bytes32) -> bytes32:
    """
    @notice What stands for a claim in a set (R4.2).
    """
    return keccak256(concat(LEAF_TAG, claim))


@internal
@pure
def parent(a: bytes32, b: bytes32) -> bytes32:
    """
    @notice The node above two others, the lower one first (R4.2).
    """
    if convert(a, uint256) < convert(b, uint256):
        return keccak256(concat(a, b))
    return keccak256(concat(b, a))


@internal
@pure
def reversed(word: bytes32) -> uint256:
    """
    @notice The 32 bytes from the last to the first.
    """
    x: uint256 = convert(word, uint256)
    mask: uint256 = max_value(uint256) // (2**8 + 1)
    x = (x & mask) << 8 | (x >> 8 & mask)
    mask = max_value(uint256) // (2**16 + 1)
    x = (x & mask) << 16 | (x >> 16 & mask)
    mask = max_value(uint256) // (2**32 + 1)
    x = (x & mask) << 32 | (x >> 32 & mask)
    mask = max_value(uint256) // (2**64 + 1)
    x = (x & mask) << 64 | (x >> 64 & mask)
    return x << 128 | x >> 128
