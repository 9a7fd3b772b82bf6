#pragma version 0.4.3
#pragma evm-version cancun
"""
@title CircuitVerifier: a circuit's proof of a model's run proves the claim of a job (docs/circuits.md C10)
@notice Keeps nothing and has no owner. For one circuit and the one program that computes the same.
@license Apache-2.0
"""
from interfaces import IJobs
from modules import leaf_proofs
from modules import small_trees

SELECTOR_MASK: constant(bytes32) = 0xffffffff00000000000000000000000000000000000000000000000000000000
SEAL_LIMIT_BYTES: constant(uint256) = 12_288
PROOF_LIMIT_BYTES: constant(uint256) = 9_600
INPUT_LIMIT_BYTES: constant(uint256) = 806
INPUT_FIELDS: constant(uint256) = 26
FIELD_BYTES: constant(uint256) = 31
OUTPUT_LIMIT_BYTES: constant(uint256) = 56
# Fourteen words, in two fields of seven.
HALF_BYTES: constant(uint256) = 28


interface Circuit:
    def verify(proof: Bytes[PROOF_LIMIT_BYTES], stated: DynArray[bytes32, 28]) -> bool: view


struct Told:
    kind: bytes32  # the selector, then zeros
    job_id: uint256
    work: IJobs.Work
    job_terms: IJobs.JobTerms
    shard_index: uint256
    cycle: uint256
    input: Bytes[INPUT_LIMIT_BYTES]
    output: Bytes[OUTPUT_LIMIT_BYTES]
    proof: Bytes[PROOF_LIMIT_BYTES]


JOBS: public(immutable(address))
CIRCUIT: public(immutable(address))
KEY_DIGEST: public(immutable(bytes32))
PROGRAM_HASH: public(immutable(bytes32))
INPUT_SIZE: public(immutable(uint256))
OUTPUT_SIZE: public(immutable(uint256))


@deploy
def __init__(
    jobs: address,
    circuit: address,
    key_digest: bytes32,
    program_hash: bytes32,
    input_size: uint256,
    output_size: uint256,
):
    """
    @param circuit The contract that checks the circuit's proofs. Whoever adds the entry compares its code.
    @param program_hash The guest that computes what the circuit proves, and the cycles that it may take.
    """
    assert jobs.is_contract and circuit.is_contract, "no contract at this address"
    assert input_size - 1 < INPUT_LIMIT_BYTES, "input: size out of bounds"
    assert output_size - 1 < OUTPUT_LIMIT_BYTES and output_size % 4 == 0, "output: size out of bounds"
    JOBS = jobs
    CIRCUIT = circuit
    KEY_DIGEST = key_digest
    PROGRAM_HASH = program_hash
    INPUT_SIZE = input_size
    OUTPUT_SIZE = output_size


@external
@view
def selector() -> bytes4:
    """
    @notice What its proofs begin with: the first bytes of the circuit's name.
    """
    return convert(slice(KEY_DIGEST, 0, 4), bytes4)


@external
@view
def verify(key_digest: bytes32, statement: bytes32, seal: Bytes[SEAL_LIMIT_BYTES]) -> bool:
    """
    @notice Whether the seal proves the statement (C10).
    @dev A circuit knows no cycle: it is taken as told, and the statement holds it (V3.5).
    """
    told: Told = abi_decode(seal, Told, unwrap_tuple=False)
    assert told.kind == KEY_DIGEST & SELECTOR_MASK, "proof: selector"
    if key_digest != KEY_DIGEST or len(told.input) != INPUT_SIZE or len(told.output) != OUTPUT_SIZE:
        return False
    work: IJobs.Work = told.work
    if keccak256(abi_encode(work.image_root, work.entry, work.max_cycles)) != PROGRAM_HASH:
        return False
    # A shard of many has a row of a larger input (C9.1).
    if convert(work.input_size, uint256) != INPUT_SIZE or work.shard_count != 1:
        return False
    if work.input_root != small_trees.root_of_input(told.input):
        return False
    output: Bytes[OUTPUT_LIMIT_BYTES + 64] = concat(told.output, empty(bytes32), empty(bytes32))
    digest: bytes32 = leaf_proofs.job_digest(JOBS, told.job_id, work, told.job_terms)
    if statement != self._statement(digest, told.shard_index, told.cycle, output):
        return False
    return staticcall Circuit(CIRCUIT).verify(told.proof, self._public_inputs(told.input, output))


@internal
@view
def _statement(
    digest: bytes32, shard_index: uint256, cycle: uint256, output: Bytes[OUTPUT_LIMIT_BYTES + 64]
) -> bytes32:
    """
    @notice That this shard of the job exits with code 0 and this output (V3.1, V3.2).
    @param output With zeros behind it.
    """
    return keccak256(
        abi_encode(
            chain.id,
            JOBS,
            keccak256(abi_encode(digest, shard_index)),
            small_trees.root_of_output(extract32(output, 0), extract32(output, 32)),
            OUTPUT_SIZE,
            leaf_proofs.EXITED,
            empty(uint256),
            cycle,
        )
    )


@internal
@pure
def _public_inputs(
    input: Bytes[INPUT_LIMIT_BYTES], output: Bytes[OUTPUT_LIMIT_BYTES + 64]
) -> DynArray[bytes32, 28]:
    """
    @notice The input in blocks of 31 bytes, and the output in two fields of seven words (C4.2, C4.4).
    """
    stated: DynArray[bytes32, 28] = []
    padded: Bytes[INPUT_LIMIT_BYTES + 32] = concat(input, empty(bytes32))
    size: uint256 = len(input)
    blocks: uint256 = size // FIELD_BYTES
    start: uint256 = 0
    for _: uint256 in range(blocks, bound=INPUT_FIELDS):
        stated.append(convert(extract32(padded, start, output_type=uint256) >> 8, bytes32))
        start = unsafe_add(start, FIELD_BYTES)
    if start != size:
        # The last block may be shorter: it is a smaller number, not one with zeros behind it.
        unused: uint256 = (32 - (size - start)) * 8
        stated.append(convert(extract32(padded, start, output_type=uint256) >> unused, bytes32))
        blocks += 1
    for _: uint256 in range(blocks, INPUT_FIELDS, bound=INPUT_FIELDS):
        stated.append(empty(bytes32))
    stated.append(convert(extract32(output, 0, output_type=uint256) >> 32, bytes32))
    stated.append(convert(extract32(output, HALF_BYTES, output_type=uint256) >> 32, bytes32))
    return stated
