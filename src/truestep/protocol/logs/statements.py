"""Checkpoints as the chain can check them: EIP-712 beside the note's own signature (docs/logs.md L6.2)."""

from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.logs.contracts.anchors import RecoverableSignature
from truestep.protocol.logs.notes import Checkpoint, Note, Signature, key_id
from truestep.protocol.settlement.encoding import encode

DOMAIN_TYPE = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
CHECKPOINT_TYPE = "Checkpoint(string origin,uint64 size,bytes32 root)"
PROPOSAL_TYPE = "Proposal(uint256 group,uint256 epoch,bytes32 root)"
DOMAIN_NAME, DOMAIN_VERSION = "truestep log", "1"
SIGNATURE_KIND = b"\xfftruestep eip712 checkpoint 1"
"""The type of a note's signature that is this one: C2SP leaves 0xff to types with a longer name."""
SIGNATURE_SIZE_BYTES = 65


def checkpoint_digest(chain_id: int, anchors: Address, checkpoint: Checkpoint) -> Bytes32:
    """What the signer of a log signs, with the domain of one deployment."""
    origin = keccak256(checkpoint.origin.encode())
    kind = keccak256(CHECKPOINT_TYPE.encode())
    return _digest(chain_id, anchors, encode(kind, origin, checkpoint.size, checkpoint.root))


def proposal_digest(chain_id: int, anchors: Address, group: int, epoch: int, root: Bytes32) -> Bytes32:
    """What the signer of a log signs to propose the rows of an epoch to others (L5.6). It states nothing."""
    kind = keccak256(PROPOSAL_TYPE.encode())
    return _digest(chain_id, anchors, encode(kind, group, epoch, root))


def _digest(chain_id: int, anchors: Address, content: bytes) -> Bytes32:
    names = [keccak256(each.encode()) for each in (DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION)]
    domain = keccak256(encode(*names, chain_id, anchors))
    return keccak256(b"\x19\x01" + domain + keccak256(content))


def signature_line(origin: str, signer: Address, signature: bytes) -> Signature:
    """A signature of 65 bytes (r, s, v) as a line of the note."""
    return Signature(name=origin, key_id=_key_id(origin, signer), signature=signature)


def signature_in(note: Note, origin: str, signer: Address) -> RecoverableSignature | None:
    """The signature that a note has of this signer, None if it has none. It is not verified here."""
    own_id = _key_id(origin, signer)
    for each in note.signatures:
        if (each.name, each.key_id) == (origin, own_id) and len(each.signature) == SIGNATURE_SIZE_BYTES:
            return recoverable(each.signature)
    return None


def recoverable(signature: bytes) -> RecoverableSignature:
    """A signature of 65 bytes: r, s, v."""
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    return RecoverableSignature(v=signature[64], r=r, s=s)


def _key_id(origin: str, signer: Address) -> bytes:
    return key_id(origin, SIGNATURE_KIND, bytes.fromhex(signer[2:]))
