"""What members commit to, and what they sign (docs/quorum.md Q4)."""

from truestep.base.ids import Address, BatchId, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.encoding import encode

COMMITMENT_BITS = 128
"""Two share a word of the contract."""
_HASH_BITS = 256
_DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_COMMITMENT_TYPE = "Commitment(uint256 batchId,bytes32 tasksRoot,address member,uint256 commitment)"
_NAME, _VERSION = "truestep quorum", "1"


def commitment_of(member: Address, batch_id: BatchId, root: Bytes32, salt: Bytes32) -> int:
    """What a member commits to that has this result, a claims root (Q4.1)."""
    hashed = keccak256(encode(member, batch_id, root, salt))
    return int.from_bytes(hashed, "big") >> (_HASH_BITS - COMMITMENT_BITS)


def signing_hash(
    chain_id: int,
    quorums: Address,
    batch_id: BatchId,
    tasks_root: Bytes32,
    member: Address,
    commitment: int,
) -> Bytes32:
    """What a member signs instead of sending its commitment (Q4.2, EIP-712).

    `tasks_root` is that of the batch, whose number may be that of other tasks after a reorganisation.
    """
    named = (keccak256(_DOMAIN_TYPE.encode()), keccak256(_NAME.encode()), keccak256(_VERSION.encode()))
    domain = keccak256(encode(*named, chain_id, quorums))
    kind = keccak256(_COMMITMENT_TYPE.encode())
    signed = keccak256(encode(kind, batch_id, tasks_root, member, commitment))
    return keccak256(b"\x19\x01" + domain + signed)
