#pragma version 0.4.3
#pragma evm-version prague
"""
@title One step of the machine, decided on chain (docs/machine.md)
@license Apache-2.0
@notice Given a witness (M6), says what the state's hash was and what it is after the step. The contract keeps
        no state and trusts nobody: a caller compares the first hash with its own, and believes the second.
"""

from interfaces import IStep
from modules import arithmetic
from modules import floats
from modules import instructions
from modules import micro_runs
from modules import rom
from modules import witness_paths

implements: IStep
initializes: witness_paths

# Offsets in a witness (M6.2)
REGISTERS_AT: constant(uint256) = 25
REGISTERS_SIZE: constant(uint256) = 31 * 8
TAIL_SIZE: constant(uint256) = 273
INSTRUCTION_LEAF_AT: constant(uint256) = 284
MEMORY_LEAVES_AT: constant(uint256) = 316

CODE_LEAVES: constant(uint256) = 2**24
FETCHABLE: constant(uint256) = 2**29 - 4  # the bits that an instruction's address may have (M5.1, code 1)
U64_MAX: constant(uint256) = 2**64 - 1


@deploy
def __init__():
    witness_paths.__init__()


@external
@view
def step(witness: Bytes[witness_paths.WITNESS_LIMIT]) -> (bytes32, bytes32):
    """
    @notice The state hashes before and after the step that `witness` shows; equal for a final state.
    @dev Reverts with "witness length", "witness mask" or "witness proof" (M6.8), and with
         "float instruction: descend" if the instruction's result is that of a micro-run (M9.5).
    """
    assert len(witness) >= MEMORY_LEAVES_AT, "witness length"

    # 1. The state (M2.2), its instruction and what that works on
    tail: Bytes[TAIL_SIZE] = slice(witness, 0, TAIL_SIZE)
    head: uint256 = convert(extract32(tail, 0), uint256)
    pc: uint256 = head >> 192
    is_running: bool = (head >> 120) & 255 == instructions.RUNNING
    can_fetch: bool = is_running and pc & ~FETCHABLE == 0
    instruction_leaf: bytes32 = extract32(witness, INSTRUCTION_LEAF_AT)
    word: uint256 = self._fetch(instruction_leaf, pc) if can_fetch else 0  # 0 is no instruction
    a: uint256 = 0
    b: uint256 = 0
    a, b = self._operands(tail, word)

    # 2. The leaves that it touches (M6.4), before and after
    access: instructions.Access = instructions.access(word, a)
    leaves: witness_paths.Leaves = empty(witness_paths.Leaves)
    if access.size_bytes != 0:
        leaves = self._touched_leaves(witness, access)
        if access.is_store:
            leaves.after = self._store(leaves.before, access.start & 31, access.size_bytes, b)
        else:
            b = self._load(leaves.before, access.start & 31, access.size_bytes)

    # 3. The memory's root before and after
    root_before: bytes32 = empty(bytes32)
    root_after: bytes32 = empty(bytes32)
    root_before, root_after = witness_paths.roots(
        witness, (pc >> 5) & (CODE_LEAVES - 1), instruction_leaf, leaves
    )
    before: bytes32 = keccak256(concat(root_before, tail))
    if not is_running:
        return before, before

    # 4. The state after
    outcome: instructions.Outcome = instructions.trap(instructions.FETCH_ACCESS)
    if can_fetch:
        outcome = instructions.execute(word, pc, a, b, access.size_bytes != 0)
    cycle: uint256 = unsafe_add(head >> 128, 1) & U64_MAX
    return before, self._hash_after(root_after, cycle, tail, outcome)


@external
@view
def open_float(
    witness: Bytes[witness_paths.WITNESS_LIMIT],
) -> (bytes32, bytes32, bytes32, uint256):
    """
    @notice What the witness of a float instruction with a result says of its step (M9.3, M9.5): the hash of
            the state before, that of its micro-run's first state, the template of the state after, and rd.
    """
    assert len(witness) >= MEMORY_LEAVES_AT, "witness length"
    tail: Bytes[TAIL_SIZE] = slice(witness, 0, TAIL_SIZE)
    head: uint256 = convert(extract32(tail, 0), uint256)
    pc: uint256 = head >> 192
    can_fetch: bool = (head >> 120) & 255 == instructions.RUNNING and pc & ~FETCHABLE == 0
    instruction_leaf: bytes32 = extract32(witness, INSTRUCTION_LEAF_AT)
    word: uint256 = self._fetch(instruction_leaf, pc) if can_fetch else 0
    number: uint256 = floats.operation(word)
    rd: uint256 = (word >> 7) & 31
    assert number != floats.NOTHING and rd != 0, "not a float instruction"
    root: bytes32 = witness_paths.roots(
        witness, pc >> 5, instruction_leaf, empty(witness_paths.Leaves)
    )[0]

    a: uint256 = 0
    b: uint256 = 0
    a, b = self._operands(tail, word)
    others: floats.Operands = floats.operands(number, word, b, self._register(tail, word >> 27))
    micro_start: bytes32 = micro_runs.start_hash(number, a, others.a1, others.a2)
    counters: bytes16 = self._counters(pc + 4, unsafe_add(head >> 128, 1) & U64_MAX)
    after: Bytes[micro_runs.STATE_SIZE_BYTES] = concat(
        root, counters, empty(bytes9), slice(tail, REGISTERS_AT, REGISTERS_SIZE)
    )
    return keccak256(concat(root, tail)), micro_start, micro_runs.template(after, rd), rd


@external
@pure
def rom_root() -> bytes32:
    """
    @notice The root of the memory in which every micro-run begins (M9.1).
    """
    return rom.ROM_ROOT


@internal
@pure
def _fetch(instruction_leaf: bytes32, pc: uint256) -> uint256:
    return self._load([convert(instruction_leaf, uint256), 0], pc & 31, 4)


@internal
@pure
def _operands(tail: Bytes[TAIL_SIZE], word: uint256) -> (uint256, uint256):
    """
    @notice The values of rs1 and rs2; for `ecall` a7, and a2 to write or a0 for anything else (M4.4).
    """
    if word == instructions.ECALL_WORD:
        number: uint256 = self._register(tail, instructions.A7)
        if number == instructions.ECALL_WRITE:
            return number, self._register(tail, instructions.A2)
        return number, self._register(tail, instructions.A0)
    return self._register(tail, (word >> 15) & 31), self._register(tail, (word >> 20) & 31)


@internal
@pure
def _register(tail: Bytes[TAIL_SIZE], number: uint256) -> uint256:
    if number == 0:
        return 0
    return convert(extract32(tail, 8 * number - 7), uint256) & U64_MAX


@internal
@pure
def _touched_leaves(
    witness: Bytes[witness_paths.WITNESS_LIMIT], access: instructions.Access
) -> witness_paths.Leaves:
    """
    @notice The one or two leaves of an access, as the witness says they are.
    """
    leaves: witness_paths.Leaves = empty(witness_paths.Leaves)
    leaves.first_index = access.start >> 5
    leaves.count = 1 if (access.start & 31) + access.size_bytes <= 32 else 2
    assert len(witness) >= MEMORY_LEAVES_AT + 32 * leaves.count, "witness length"
    leaves.before[0] = convert(extract32(witness, MEMORY_LEAVES_AT), uint256)
    if leaves.count == 2:
        leaves.before[1] = convert(extract32(witness, MEMORY_LEAVES_AT + 32), uint256)
    leaves.after = leaves.before
    return leaves


@internal
@pure
def _load(leaves: uint256[2], offset: uint256, size_bytes: uint256) -> uint256:
    """
    @notice `size_bytes` from byte `offset` of the first leaf on, little-endian.
    """
    skipped_bits: uint256 = offset << 3
    window: uint256 = (leaves[0] << skipped_bits) | (leaves[1] >> unsafe_sub(256, skipped_bits))
    return arithmetic.swap_bytes(window >> 192) & ~(max_value(uint256) << (size_bytes << 3))


@internal
@pure
def _store(leaves: uint256[2], offset: uint256, size_bytes: uint256, register: uint256) -> uint256[2]:
    """
    @notice The leaves with the low `size_bytes` of a register from byte `offset` on, little-endian.
    """
    skipped_bits: uint256 = offset << 3
    first_bits: uint256 = unsafe_sub(256, skipped_bits)
    hole: uint256 = max_value(uint256) << unsafe_sub(256, size_bytes << 3)
    written: uint256 = (arithmetic.swap_bytes(register) << 192) & hole
    return [
        (leaves[0] & ~(hole >> skipped_bits)) | (written >> skipped_bits),
        (leaves[1] & ~(hole << first_bits)) | (written << first_bits),
    ]


@internal
@pure
def _hash_after(
    root: bytes32, cycle: uint256, tail: Bytes[TAIL_SIZE], outcome: instructions.Outcome
) -> bytes32:
    """
    @notice The next state's hash (M2.2). A final state's registers are 0 (M2.3); else one may have changed.
    """
    counters: bytes16 = self._counters(outcome.pc, cycle)
    ending: bytes9 = convert(convert((outcome.status << 64) | outcome.code, uint72), bytes9)
    if outcome.status != instructions.RUNNING:
        zero: bytes32 = empty(bytes32)
        return keccak256(
            concat(root, counters, ending, zero, zero, zero, zero, zero, zero, zero, empty(bytes24))
        )
    if outcome.rd == 0:
        return keccak256(concat(root, counters, ending, slice(tail, REGISTERS_AT, REGISTERS_SIZE)))
    end: uint256 = 8 * outcome.rd
    return keccak256(
        concat(
            root,
            counters,
            ending,
            slice(tail, REGISTERS_AT, end - 8),
            convert(convert(outcome.result, uint64), bytes8),
            slice(tail, REGISTERS_AT + end, REGISTERS_SIZE - end),
        )
    )


@internal
@pure
def _counters(pc: uint256, cycle: uint256) -> bytes16:
    return convert(convert((pc << 64) | cycle, uint128), bytes16)
