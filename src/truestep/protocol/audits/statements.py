"""Hashes that audits are made of: draws, traps, checkpoints and commitments (docs/audits.md U3, U4, U6)."""

from collections.abc import Sequence

from truestep.base.ids import Address, Bytes32, TaskId, shard_of_task
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import pair_tree_levels
from truestep.protocol.settlement.encoding import encode, hash_struct
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.settlement.parameters import BPS
from truestep.protocol.settlement.records import BatchTerms, Work

CHUNK_BITS = 16
"""Of a hash, for each leaf."""
CHUNKS = 256 // CHUNK_BITS
TRAPS_DEPTH = 8
"""Levels of the tree over a batch's salts, one for each leaf that a batch can have."""
SEED_TAG_BYTES = 7
NO_HASH = Bytes32(bytes(32))


def drawn_leaves(seed: Bytes32, rate_bps: int, leaf_count: int) -> int:
    """The leaves that are audited, a bit each (U3.2)."""
    limit, leaves, chunk = rate_bps * 2**CHUNK_BITS // BPS, 0, b""
    for index in range(leaf_count):
        place = index % CHUNKS
        if place == 0:
            chunk = keccak256(encode(seed, index // CHUNKS))
        number = int.from_bytes(chunk, "big") >> CHUNK_BITS * place & 2**CHUNK_BITS - 1
        leaves |= int(number < limit) << index
    return leaves


def seed_of(round_seed: Bytes32, policy: Address, thing: Bytes32) -> Bytes32:
    """The seed of one thing that a round draws."""
    return keccak256(encode(round_seed, policy, thing))


def batch_thing(batch_id: int) -> Bytes32:
    """What is drawn for a batch."""
    return Bytes32(encode(batch_id))


def seat_thing(claim_id: LeafId, terms: BatchTerms, seats: int) -> Bytes32:
    """What is drawn for a claim's seat, behind so many others."""
    return keccak256(encode(claim_id, hash_struct(terms), seats))


def seed_tag(seed: Bytes32) -> bytes:
    """What the contract keeps of the seed of an appointment, to tell it from others of the claim (U4.1)."""
    return seed[:SEED_TAG_BYTES]


def traps_levels(salts: Sequence[Bytes32]) -> list[list[bytes]]:
    """The tree over the salts of a batch, a leaf for each place (U3.1)."""
    hashes = [keccak256(salt) for salt in salts]
    return pair_tree_levels(hashes, TRAPS_DEPTH)


def trap_path(levels: Sequence[Sequence[bytes]], leaf_index: int) -> tuple[Bytes32, ...]:
    """The siblings of one salt."""
    return tuple(Bytes32(levels[height][leaf_index >> height ^ 1]) for height in range(TRAPS_DEPTH))


def is_trap(salt: Bytes32, batch_seed: Bytes32, trap_bps: int) -> bool:
    """Whether the statement of a claim carries an error (U6.1)."""
    return int.from_bytes(keccak256(encode(salt, batch_seed)), "big") % BPS < trap_bps


def bait_of(digest: Bytes32, salt: Bytes32) -> Bytes32:
    """The error: what is published in place of a digest."""
    return keccak256(encode(digest, salt))


def commitment_of(member: Address, claim_id: LeafId, digest: Bytes32, salt: Bytes32) -> Bytes32:
    """What a seat commits to (U4.1)."""
    return keccak256(encode(member, claim_id, digest, salt))


def task_key(work: Work, task_id: TaskId) -> Bytes32:
    """The same for all jobs that run the same (U7.1)."""
    return keccak256(encode(hash_struct(work), shard_of_task(task_id)))


def checkpoint_numbers(seed: Bytes32, cycle: int, arity: int) -> tuple[int, ...]:
    """The numbers of the states that a digest of checkpoints is over (U4.1): one in each part of the run."""
    parts = min(arity, cycle)
    offset = int.from_bytes(seed, "big") % (cycle // parts)
    return tuple(cycle * part // parts + offset for part in range(parts))


def checkpoints_digest(state_hashes: Sequence[bytes]) -> Bytes32:
    """What is committed to and stated of a run (U4.1)."""
    return keccak256(b"".join(state_hashes))
