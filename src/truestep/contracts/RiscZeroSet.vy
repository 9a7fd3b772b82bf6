#pragma version 0.4.3
#pragma evm-version cancun
"""
@title RiscZeroSet: claims of RISC Zero that are in a set whose root is proven (docs/receipts.md R4)
@notice A root is proven once, by anybody, and serves all claims below it for ever. It keeps roots, no refusals, and
        has no owner.
@license Apache-2.0
"""
from modules import risc_zero

interface Verifier:
    def verify_digest(key_digest: bytes32, journal_digest: bytes32, proof: Bytes[260]) -> bool: view

event RootProven:
    root: indexed(bytes32)

PATH_LIMIT: constant(uint256) = 32
SEAL_SIZE_BYTES: constant(uint256) = 260
SEAL_WORDS: constant(uint256) = 9
PATH_AT: constant(uint256) = 132
# Behind the selector, two offsets of the encoding and one of the root's seal, and the length of the path.
PROOF_LIMIT_BYTES: constant(uint256) = 1476
# With a path of 32 hashes and the root's seal in whole words.

selector: public(immutable(bytes4))
verifier: public(immutable(address))
builder_id: public(immutable(bytes32))
is_proven: public(HashMap[bytes32, bool])


@deploy
def __init__(verifier_: address, builder_id_: bytes32, digest: bytes32):
    """
    @param verifier_ The RiscZeroGroth16 that proves roots.
    @param builder_id_ The image of the set builder.
    @param digest The published digest of the version; its first four bytes are the selector.
    """
    assert verifier_.is_contract, "no contract at this address"
    assert risc_zero.set_parameters(builder_id_) == digest, "key is not the published one"
    selector = convert(slice(digest, 0, 4), bytes4)
    verifier = verifier_
    builder_id = builder_id_


@external
def prove_root(root: bytes32, root_seal: Bytes[260]):
    """
    @notice Make claims below this root cheap. Reverts unless the seal proves the root.
    """
    assert self._builds(root, root_seal), "proof of the root does not hold"
    self.is_proven[root] = True
    log RootProven(root=root)


@external
@view
def verify(key_digest: bytes32, statement: bytes32, proof: Bytes[PROOF_LIMIT_BYTES]) -> bool:
    """
    @notice Whether the image wrote just the 32 bytes of the statement (R1.2).
    @param key_digest The image id.
    """
    return self._is_in_set(risc_zero.claim_digest(key_digest, sha256(statement)), proof)


@external
@view
def verify_digest(key_digest: bytes32, journal_digest: bytes32, proof: Bytes[PROOF_LIMIT_BYTES]) -> bool:
    """
    @notice Whether the image wrote a journal with this SHA-256.
    """
    return self._is_in_set(risc_zero.claim_digest(key_digest, journal_digest), proof)


@internal
@view
def _is_in_set(claim: bytes32, proof: Bytes[PROOF_LIMIT_BYTES]) -> bool:
    assert len(proof) >= 4, "proof: length"
    assert convert(slice(proof, 0, 4), bytes4) == selector, "proof: selector"
    node: bytes32 = risc_zero.leaf(claim)
    if len(proof) == 4:
        return self._known(node)
    count: uint256 = self._check_shape(proof)
    for level: uint256 in range(count, bound=PATH_LIMIT):
        node = risc_zero.parent(node, extract32(proof, PATH_AT + level * 32))
    seal_at: uint256 = PATH_AT + (count + 1) * 32
    if len(proof) == seal_at:
        return self._known(node)
    return self._builds(node, slice(proof, seal_at, SEAL_SIZE_BYTES))


@internal
@pure
def _check_shape(proof: Bytes[PROOF_LIMIT_BYTES]) -> uint256:
    """
    @notice Refuse all but the one encoding of path and root's seal, so that no bit can be flipped (R4.4).
    @return The length of the path.
    """
    assert len(proof) >= PATH_AT + 32, "proof: length"
    count: uint256 = extract32(proof, PATH_AT - 32, output_type=uint256)
    assert count <= PATH_LIMIT, "proof: encoding"
    size_at: uint256 = PATH_AT + count * 32
    assert len(proof) >= size_at + 32, "proof: length"
    size: uint256 = extract32(proof, size_at, output_type=uint256)
    if size != 0:
        assert size == SEAL_SIZE_BYTES, "proof: encoding"
        assert len(proof) == size_at + 32 + SEAL_WORDS * 32, "proof: length"
        padded: uint256 = extract32(proof, size_at + SEAL_WORDS * 32, output_type=uint256)
        assert padded << 32 == 0, "proof: encoding"
    else:
        assert len(proof) == size_at + 32, "proof: length"
    offsets: uint256 = extract32(proof, 4, output_type=uint256) ^ 32
    offsets |= extract32(proof, 36, output_type=uint256) ^ 64
    offsets |= extract32(proof, 68, output_type=uint256) ^ (count + 3) * 32
    assert offsets == 0, "proof: encoding"
    return count


@internal
@view
def _known(root: bytes32) -> bool:
    assert self.is_proven[root], "root is not proven"
    return True


@internal
@view
def _builds(root: bytes32, root_seal: Bytes[260]) -> bool:
    journal: bytes32 = risc_zero.set_journal(builder_id, root)
    return staticcall Verifier(verifier).verify_digest(builder_id, journal, root_seal)
