"""Elements of a blob, opened by the point evaluation precompile (docs/availability.md A1.5; EIP-4844)."""

from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import (
    BLS_MODULUS,
    COMMITMENT_SIZE_BYTES,
    PROOF_SIZE_BYTES,
    element_point,
    versioned_hash,
)
from truestep.protocol.availability.state import Chain
from truestep.protocol.settlement.refusals import require


def check(chain: Chain, element: int, y: int, commitment: bytes, proof: bytes) -> None:
    """Refuse a proof that does not show that this element of the blob is `y`."""
    is_whole = len(commitment) == COMMITMENT_SIZE_BYTES and len(proof) == PROOF_SIZE_BYTES
    require(is_whole and y < BLS_MODULUS, Reject.OPENING_PROOF)
    value, z = Bytes32(y.to_bytes(32, "big")), element_point(element)
    is_shown = chain.opens(versioned_hash(commitment), z, value, commitment, proof)
    require(is_shown, Reject.OPENING_PROOF)
