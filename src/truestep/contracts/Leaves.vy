#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Leaves: what a leaf of a claimed batch says, once it is proved (docs/protocol.md S4.8, S5)
@notice Keeps nothing. A contract of its own only because Disputes would be too large with it (EIP-170).
@license Apache-2.0
"""
from interfaces import IJobs
from interfaces import ILeaves
from modules import leaf_proofs

implements: ILeaves

jobs: public(immutable(address))


@deploy
def __init__(jobs_: address):
    assert jobs_.is_contract, "no contract at this address"
    jobs = jobs_


@external
@view
def prove(
    claim_id: uint256,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
    packed_state: Bytes[leaf_proofs.PACKED_SIZE_BYTES],
) -> ILeaves.ProvedLeaf:
    """
    @notice What a leaf says. Refuses a proof that is not about this claim.
    @param packed_state For a running leaf the state that it names, if it is to be looked at; else empty.
    """
    batch: IJobs.Batch = staticcall IJobs(jobs).get_batch(claim_id >> 8)
    task_id: uint256 = leaf_proofs.check(jobs, claim_id, batch, terms, proof)
    return ILeaves.ProvedLeaf(
        task_id=task_id,
        cycle=proof.leaf.head >> 64 & leaf_proofs.MASK64,
        initial_hash=leaf_proofs.initial_state_hash(task_id, proof.work),
        claimed_hash=leaf_proofs.state_hash(task_id, proof.work, proof.leaf),
        is_refuted=leaf_proofs.is_refuted(proof.work, proof.leaf, packed_state),
    )
