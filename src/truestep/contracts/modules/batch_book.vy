#pragma version 0.4.3
"""
@title What Jobs keeps of each batch (docs/protocol.md S4.2)
@notice batch  [ flags 8 | stage 8 | leaf_count 16 | until 40 | operator 160 | parameters_id 16 | policy 8 ]
"""
from interfaces import IJobs

TAKEN: constant(uint256) = 1
CLAIMED: constant(uint256) = 2
FINAL: constant(uint256) = 3
OVER: constant(uint256) = 4
STAGE_AT: constant(uint256) = 240
UNTIL_AT: constant(uint256) = 184
STRUCK: constant(uint256) = 1 << 248  # a leaf at least is struck
WAITING: constant(uint256) = 1 << 249  # the batch is final, but for leaves that were held

MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK40: constant(uint256) = 2**40 - 1

words: HashMap[uint256, uint256]
terms_hashes: HashMap[uint256, bytes32]
struck_leaves: HashMap[uint256, uint256]
waiting_leaves: HashMap[uint256, uint256]
lost_sums: HashMap[uint256, uint256]  # [ reward 128 | bond 128 ] of the leaves struck before the batch ends


@external
@view
def get_batch(batch_id: uint256) -> IJobs.Batch:
    """
    @notice A batch; all zero if there is none.
    """
    batch: uint256 = self.words[batch_id]
    return IJobs.Batch(
        stage=convert(batch >> STAGE_AT & MASK8, uint8),
        leaf_count=convert(batch >> 224 & MASK16, uint16),
        until=convert(batch >> UNTIL_AT & MASK40, uint64),
        operator=self.operator_of(batch),
        parameters_id=convert(batch >> 8 & MASK16, uint16),
        policy=convert(batch & MASK8, uint8),
        terms_hash=self.terms_hashes[batch_id],
        struck=self.struck_in(batch_id, batch),
    )


@external
@view
def is_leaf_final(claim_id: uint256) -> bool:
    """
    @notice Whether the leaf's batch is final and the leaf neither struck nor held (S4.8).
    """
    batch_id: uint256 = claim_id >> 8
    batch: uint256 = self.words[batch_id]
    bit: uint256 = 1 << (claim_id & MASK8)
    return (
        batch >> STAGE_AT & MASK8 == FINAL
        and claim_id & MASK8 < batch >> 224 & MASK16
        and (self.struck_in(batch_id, batch) | self.waiting_in(batch_id, batch)) & bit == 0
    )


@internal
@view
def stated(batch_id: uint256, stage: uint256, terms: IJobs.BatchTerms) -> uint256:
    """
    @notice The word of a batch that must be in this stage and have these terms.
    """
    batch: uint256 = self.words[batch_id]
    assert batch >> STAGE_AT & MASK8 == stage, "not the stage of the batch"
    assert keccak256(abi_encode(terms)) == self.terms_hashes[batch_id], "terms of another batch"
    return batch


@internal
@pure
def operator_of(batch: uint256) -> address:
    return convert(batch >> 24 & 2**160 - 1, address)


@internal
@view
def struck_in(batch_id: uint256, batch: uint256) -> uint256:
    if batch & STRUCK == 0:
        return 0
    return 1 if batch >> 224 & MASK16 == 1 else self.struck_leaves[batch_id]


@internal
@view
def waiting_in(batch_id: uint256, batch: uint256) -> uint256:
    return 0 if batch & WAITING == 0 else self.waiting_leaves[batch_id]


@internal
@view
def stands(batch_id: uint256, batch: uint256, bit: uint256) -> bool:
    """
    @notice Whether a leaf is claimed or waiting, and not struck.
    """
    stage: uint256 = batch >> STAGE_AT & MASK8
    if stage == FINAL:
        return self.waiting_in(batch_id, batch) & bit != 0
    return (
        stage == CLAIMED
        and bit >> (batch >> 224 & MASK16) == 0
        and self.struck_in(batch_id, batch) & bit == 0
    )
