#pragma version 0.4.3
#pragma evm-version cancun
"""
@title A circuit's verifier whose proofs are hashes of the public inputs; it reverts for others, as real ones do
"""


@external
@view
def verify(proof: Bytes[9_600], stated: DynArray[bytes32, 28]) -> bool:
    assert len(proof) >= 32 and extract32(proof, 0) == keccak256(abi_encode(stated)), "no proof"
    return True
