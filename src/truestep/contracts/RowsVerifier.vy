#pragma version 0.4.3
#pragma evm-version cancun
"""
@title RowsVerifier: one proof of a model's runs on many rows proves the claims of as many shards (docs/circuits.md C12)
@notice Keeps nothing and has no owner. For one tree of circuits and the one program that computes the same.
@license Apache-2.0
"""
from interfaces import IJobs
from modules import leaf_proofs
from modules import small_trees

SELECTOR_MASK: constant(bytes32) = 0xffffffff00000000000000000000000000000000000000000000000000000000
SEAL_LIMIT_BYTES: constant(uint256) = 16_384
PROOF_LIMIT_BYTES: constant(uint256) = 9_600
# Of a circuit of 2^21 gates.
RUN_LIMIT: constant(uint256) = 32
INPUT_LIMIT_BYTES: constant(uint256) = 2**16
# No circuit of a larger row is small enough to be proven: 27 hashes for 784 bytes.
OUTPUT_LIMIT_BYTES: constant(uint256) = 56
# Fourteen words.
PATH_LIMIT: constant(uint256) = 16
# A job has fewer than 2^16 shards.
RANGE_LEVEL: constant(uint256) = 24


interface Circuit:
    def verify(proof: Bytes[PROOF_LIMIT_BYTES], stated: DynArray[bytes32, 3]) -> bool: view


struct Told:
    kind: bytes32  # the selector, then zeros
    job_id: uint256
    work: IJobs.Work
    job_terms: IJobs.JobTerms
    first_shard: uint256
    cycles: DynArray[uint256, RUN_LIMIT]
    path: DynArray[bytes32, PATH_LIMIT]
    roots: Bytes[32 * RUN_LIMIT]
    outputs: Bytes[OUTPUT_LIMIT_BYTES * RUN_LIMIT]
    proof: Bytes[PROOF_LIMIT_BYTES]


JOBS: public(immutable(address))
CIRCUIT: public(immutable(address))
KEY_DIGEST: public(immutable(bytes32))
PROGRAM_HASH: public(immutable(bytes32))
INPUT_SIZE: public(immutable(uint256))
OUTPUT_SIZE: public(immutable(uint256))
RUN_COUNT: public(immutable(uint256))
SLOT_LEVEL: immutable(uint256)


@deploy
def __init__(
    jobs: address,
    circuit: address,
    key_digest: bytes32,
    program_hash: bytes32,
    input_size: uint256,
    output_size: uint256,
    run_count: uint256,
):
    """
    @param circuit The contract that checks proofs of the outermost circuit. Whoever adds the entry compares its code.
    @param program_hash The guest that computes what the circuits prove, and the cycles that it may take.
    @param input_size Of one row.
    """
    assert jobs.is_contract and circuit.is_contract, "no contract at this address"
    assert input_size - 1 < INPUT_LIMIT_BYTES, "input: size out of bounds"
    assert output_size - 1 < OUTPUT_LIMIT_BYTES and output_size % 4 == 0, "output: size out of bounds"
    assert (
        run_count > 1 and run_count <= RUN_LIMIT and run_count & (run_count - 1) == 0
    ), "claims are no part of the tree"
    JOBS = jobs
    CIRCUIT = circuit
    KEY_DIGEST = key_digest
    PROGRAM_HASH = program_hash
    INPUT_SIZE = input_size
    OUTPUT_SIZE = output_size
    RUN_COUNT = run_count
    level: uint256 = 0
    for _: uint256 in range(RANGE_LEVEL):
        if 32 << level >= input_size:
            break
        level += 1
    SLOT_LEVEL = level


@external
@view
def selector() -> bytes4:
    """
    @notice What its proofs begin with: the first bytes of the outermost circuit's name.
    """
    return convert(slice(KEY_DIGEST, 0, 4), bytes4)


@external
@view
def verify(key_digest: bytes32, statement: bytes32, seal: Bytes[SEAL_LIMIT_BYTES]) -> bool:
    """
    @notice Whether the seal proves the statement of many claims (C12.3).
    @dev A circuit knows no cycle: each is taken as told, and the statement holds it (V3.5).
    """
    told: Told = abi_decode(seal, Told, unwrap_tuple=False)
    assert told.kind == KEY_DIGEST & SELECTOR_MASK, "proof: selector"
    if key_digest != KEY_DIGEST or len(told.cycles) != RUN_COUNT:
        return False
    if len(told.roots) != 32 * RUN_COUNT or len(told.outputs) != OUTPUT_SIZE * RUN_COUNT:
        return False
    work: IJobs.Work = told.work
    if keccak256(abi_encode(work.image_root, work.entry, work.max_cycles)) != PROGRAM_HASH:
        return False
    if not self._are_rows_of(work, told.first_shard, told.roots, told.path):
        return False
    digest: bytes32 = leaf_proofs.job_digest(JOBS, told.job_id, work, told.job_terms)
    words: DynArray[bytes32, 2 * RUN_LIMIT] = self._leaves(told.cycles, told.outputs)
    if statement != leaf_proofs.statement_of_many(JOBS, digest, told.first_shard, words):
        return False
    stated: uint256 = convert(keccak256(concat(told.roots, told.outputs)), uint256) >> 8
    return staticcall Circuit(CIRCUIT).verify(
        told.proof, [convert(stated, bytes32), convert(RUN_COUNT, bytes32), empty(bytes32)]
    )


@internal
@view
def _are_rows_of(
    work: IJobs.Work,
    first_shard: uint256,
    roots: Bytes[32 * RUN_LIMIT],
    path: DynArray[bytes32, PATH_LIMIT],
) -> bool:
    """
    @notice Whether these are the roots of the shards' rows in the job's input (C11.1).
    """
    shards: uint256 = convert(work.shard_count, uint256)
    if first_shard % RUN_COUNT != 0 or first_shard + RUN_COUNT > shards:
        return False
    if convert(work.input_size, uint256) != ((shards - 1) << SLOT_LEVEL + 5) + INPUT_SIZE:
        return False
    nodes: bytes32[RUN_LIMIT // 2] = empty(bytes32[RUN_LIMIT // 2])
    width: uint256 = RUN_COUNT >> 1
    for index: uint256 in range(width, bound=RUN_LIMIT // 2):
        nodes[index] = keccak256(slice(roots, index << 6, 64))
    level: uint256 = SLOT_LEVEL + 1
    for _: uint256 in range(RUN_LIMIT):
        width >>= 1
        if width == 0:
            break
        for index: uint256 in range(width, bound=RUN_LIMIT // 4):
            nodes[index] = keccak256(abi_encode(nodes[2 * index], nodes[2 * index + 1]))
        level += 1
    node: bytes32 = nodes[0]
    position: uint256 = first_shard // RUN_COUNT
    for sibling: bytes32 in path:
        node = (
            keccak256(abi_encode(node, sibling))
            if position & 1 == 0
            else keccak256(abi_encode(sibling, node))
        )
        position >>= 1
    # Behind the path there are zeros, to the right only.
    return position == 0 and work.input_root == small_trees.climb(node, level + len(path))


@internal
@view
def _leaves(
    cycles: DynArray[uint256, RUN_LIMIT], outputs: Bytes[OUTPUT_LIMIT_BYTES * RUN_LIMIT]
) -> DynArray[bytes32, 2 * RUN_LIMIT]:
    """
    @notice Head and output root of each leaf: exit with code 0 after so many cycles.
    """
    words: DynArray[bytes32, 2 * RUN_LIMIT] = []
    padded: Bytes[OUTPUT_LIMIT_BYTES * RUN_LIMIT + 64] = concat(outputs, empty(bytes32), empty(bytes32))
    start: uint256 = 0
    for cycle: uint256 in cycles:
        assert cycle < 2**64, "proof: length"
        left: uint256 = extract32(padded, start, output_type=uint256)
        right: uint256 = 0
        if OUTPUT_SIZE < 32:
            unused: uint256 = (32 - OUTPUT_SIZE) * 8
            left = left >> unused << unused
        elif OUTPUT_SIZE > 32:
            unused: uint256 = (64 - OUTPUT_SIZE) * 8
            right = extract32(padded, start + 32, output_type=uint256) >> unused << unused
        words.append(convert(leaf_proofs.EXITED << 192 | cycle << 64 | OUTPUT_SIZE, bytes32))
        words.append(
            small_trees.root_of_output(convert(left, bytes32), convert(right, bytes32))
        )
        start += OUTPUT_SIZE
    return words
