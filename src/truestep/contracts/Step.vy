#pragma version 0.4.3
#pragma evm-version prague
"""
@title One step of the machine, decided on chain (docs/machine.md)
@license Apache-2.0
@notice Given a witness (M6), says what the state's hash was and what it is after the step. The contract keeps no
        state and trusts nobody: a caller compares the first hash with what it knows, and then believes the second.
"""

from modules import arithmetic

# A witness: tail, mask, instruction leaf, up to 2 memory leaves, up to 27 + 24 + 26 siblings (M6.2, M6.4)
WITNESS_LIMIT: constant(uint256) = 2844
TAIL_SIZE: constant(uint256) = 273
REGISTERS_AT: constant(uint256) = 25
REGISTERS_SIZE: constant(uint256) = 31 * 8
INSTRUCTION_LEAF_AT: constant(uint256) = 284
MEMORY_LEAVES_AT: constant(uint256) = 316

# The mask's bits for siblings (M6.7)
FIRST_PATH_BIT: constant(uint256) = 27
SECOND_PATH_BIT: constant(uint256) = 54
INSTRUCTION_PATH: constant(uint256) = 2**27 - 1

# The memory tree (M3.2), and the level from which the instruction's path knows the memory's nodes (M6.3)
DEPTH: constant(uint256) = 27
CODE_LEVEL: constant(uint256) = 24
CODE_LEAVES: constant(uint256) = 2**24
# M6.4: hex digit r is the place in the frame for the leaves of the memory's eighth number r
TARGETS: constant(uint256) = 2**4 + 2 * (2**8 + 2**12) + 3 * (2**16 + 2**20 + 2**24 + 2**28)

# Ranges and rights (M3.3)
FETCHABLE: constant(uint256) = 2**29 - 4  # the bits that an instruction's address may have
WRITABLE_EIGHTHS: constant(uint256) = 2**1 + 2**2 + 2**3 + 2**7
OUTPUT_SIZE_AT: constant(uint256) = 3 * 2**30

ONE: constant(uint256) = 1  # a bare 1 to be shifted would be an int256
EIGHT: constant(uint256) = 8
BYTE_SIGN: constant(uint256) = 2**7
U32_MAX: constant(uint256) = 2**32 - 1
U64_MAX: constant(uint256) = 2**64 - 1

# Opcodes, and the two words of opcode 0x73 that are instructions (M1)
LOAD: constant(uint256) = 3
FENCE: constant(uint256) = 15
IMMEDIATE: constant(uint256) = 19
AUIPC: constant(uint256) = 23
IMMEDIATE_32: constant(uint256) = 27
STORE: constant(uint256) = 35
REGISTER: constant(uint256) = 51
LUI: constant(uint256) = 55
REGISTER_32: constant(uint256) = 59
BRANCH: constant(uint256) = 99
JUMP_REGISTER: constant(uint256) = 103
JUMP: constant(uint256) = 111
ECALL_WORD: constant(uint256) = 115
EBREAK_WORD: constant(uint256) = 2**20 + 115

# Environment calls (M4.4): registers and numbers
A0: constant(uint256) = 10
A2: constant(uint256) = 12
A7: constant(uint256) = 17
ECALL_WRITE: constant(uint256) = 64
ECALL_EXIT: constant(uint256) = 93

# Status (M2.1) and causes of a trap (M5.1)
RUNNING: constant(uint256) = 0
EXITED: constant(uint256) = 1
TRAPPED: constant(uint256) = 2
JUMP_MISALIGNED: constant(uint256) = 0
FETCH_ACCESS: constant(uint256) = 1
ILLEGAL_INSTRUCTION: constant(uint256) = 2
BREAKPOINT: constant(uint256) = 3
LOAD_ACCESS: constant(uint256) = 5
STORE_ACCESS: constant(uint256) = 7
UNKNOWN_ECALL: constant(uint256) = 8


UPPER: constant(uint256) = 2**32 - 2**12  # the immediate of lui and auipc

# For counting bits: 128 bits of which every 1, 2 or 4 alternate, and a bit in each byte
ALTERNATE_1: constant(uint256) = (2**128 - 1) // 3
ALTERNATE_2: constant(uint256) = (2**128 - 1) // 5
ALTERNATE_4: constant(uint256) = (2**128 - 1) // 17
EACH_BYTE: constant(uint256) = (2**128 - 1) // 255


struct Outcome:
    status: uint256
    code: uint256
    rd: uint256  # 0: no register changes
    value: uint256
    pc: uint256


ZERO_NODES: immutable(bytes32[DEPTH])


@deploy
def __init__():
    nodes: bytes32[DEPTH] = empty(bytes32[DEPTH])
    for level: uint256 in range(DEPTH - 1):
        nodes[level + 1] = keccak256(concat(nodes[level], nodes[level]))
    ZERO_NODES = nodes


@external
@view
def step(witness: Bytes[WITNESS_LIMIT]) -> (bytes32, bytes32):
    """
    @notice The state hashes before and after the step that `witness` shows. A final state's step changes nothing.
    @dev Reverts with "witness length", "witness mask" or "witness proof"; a witness longer than any can be is
         refused by the decoder of the call, without a reason.
    """
    assert len(witness) >= MEMORY_LEAVES_AT, "witness length"

    # 1. The state (M2.2) and the instruction
    head: uint256 = convert(extract32(witness, 0), uint256)
    pc: uint256 = head >> 192
    is_running: bool = (head >> 120) & 255 == RUNNING
    can_fetch: bool = is_running and pc & ~FETCHABLE == 0
    instruction_leaf: bytes32 = extract32(witness, INSTRUCTION_LEAF_AT)
    word: uint256 = 0  # where none can be fetched; no instruction either
    if can_fetch:
        word = arithmetic.swap_bytes(
            convert(instruction_leaf, uint256) >> unsafe_sub(224, (pc & 28) << 3)
        ) >> 32

    # 2. Its operands: rs1 and rs2; for an ecall a7 and what that number is about (M4.4)
    rs1: uint256 = (word >> 15) & 31
    rs2: uint256 = (word >> 20) & 31
    a: uint256 = 0
    b: uint256 = 0
    if word == ECALL_WORD:
        rs1 = A7
        rs2 = A0
    if rs1 != 0:
        a = convert(extract32(witness, unsafe_add(REGISTERS_AT - 8, rs1 << 3)), uint256) >> 192
    if word == ECALL_WORD and a == ECALL_WRITE:
        rs2 = A2
    if rs2 != 0:
        b = convert(extract32(witness, unsafe_add(REGISTERS_AT - 8, rs2 << 3)), uint256) >> 192

    # 3. The leaves that it reads or writes (M6.4)
    at: uint256 = 0
    size_bytes: uint256 = 0
    at, size_bytes = self._access(word, a)
    is_store: bool = size_bytes != 0 and word & 127 == STORE
    first_index: uint256 = at >> 5
    leaf_count: uint256 = 0
    if size_bytes != 0:
        leaf_count = 1 if unsafe_add(at & 31, size_bytes) <= 32 else 2
    mask: uint256 = convert(extract32(witness, TAIL_SIZE), uint256) >> 168
    self._check_form(len(witness), mask, first_index, leaf_count)
    leaves: uint256[2] = [0, 0]
    if leaf_count != 0:
        leaves[0] = convert(extract32(witness, MEMORY_LEAVES_AT), uint256)
        if leaf_count == 2:
            leaves[1] = convert(extract32(witness, MEMORY_LEAVES_AT + 32), uint256)

    # 4. The memory's root before and after
    changed: uint256[2] = leaves
    if is_store:
        changed = self._store(leaves, at & 31, size_bytes, b)
    root_before: bytes32 = empty(bytes32)
    root_after: bytes32 = empty(bytes32)
    root_before, root_after = self._roots(
        witness, mask, (pc >> 5) & (CODE_LEAVES - 1), instruction_leaf, first_index, leaf_count, leaves, changed
    )
    tail: Bytes[TAIL_SIZE] = slice(witness, 0, TAIL_SIZE)
    before: bytes32 = keccak256(concat(root_before, tail))
    if not is_running:
        return before, before

    # 5. What the instruction does
    outcome: Outcome = Outcome(status=TRAPPED, code=FETCH_ACCESS, rd=0, value=0, pc=0)
    if can_fetch:
        if size_bytes != 0 and not is_store:
            b = self._load(leaves, at & 31, size_bytes)
        outcome = self._execute(word, pc, a, b, size_bytes != 0)
    return before, self._hash_after(root_after, unsafe_add(head >> 128, 1) & U64_MAX, tail, outcome)


@internal
@pure
def _access(word: uint256, base: uint256) -> (uint256, uint256):
    """
    @notice Address and size of what a load or store touches; size 0 if it is neither, or not allowed (M3.4).
    """
    opcode: uint256 = word & 127
    funct3: uint256 = (word >> 12) & 7
    offset: uint256 = word >> 20
    if opcode == LOAD:
        if funct3 == 7:
            return 0, 0
    elif opcode == STORE:
        if funct3 > 3:
            return 0, 0
        offset = ((word >> 20) & 4064) | ((word >> 7) & 31)
    else:
        return 0, 0
    size_bytes: uint256 = ONE << (funct3 & 3)
    at: uint256 = unsafe_add(base, arithmetic.sign_extend(offset, 2**11)) & U32_MAX
    last: uint256 = unsafe_sub(unsafe_add(at, size_bytes), 1)
    if last > U32_MAX:
        return 0, 0
    if opcode == STORE and not (self._is_writable(at) and self._is_writable(last)):
        return 0, 0
    return at, size_bytes


@internal
@pure
def _is_writable(at: uint256) -> bool:
    return (WRITABLE_EIGHTHS >> (at >> 29)) & 1 == 1 or at >> 3 == OUTPUT_SIZE_AT // 8


@internal
@pure
def _load(leaves: uint256[2], offset: uint256, size_bytes: uint256) -> uint256:
    """
    @notice `size_bytes` from byte `offset` of the first leaf, little-endian; zero-extended.
    """
    ahead: uint256 = offset << 3
    window: uint256 = (leaves[0] << ahead) | (leaves[1] >> unsafe_sub(256, ahead))
    return arithmetic.swap_bytes(window >> 192) & unsafe_sub(ONE << (size_bytes << 3), 1)


@internal
@pure
def _store(leaves: uint256[2], offset: uint256, size_bytes: uint256, stored: uint256) -> uint256[2]:
    """
    @notice The leaves with the low `size_bytes` of `stored` at byte `offset`, little-endian.
    """
    ahead: uint256 = offset << 3
    back: uint256 = unsafe_sub(256, ahead)
    unused: uint256 = unsafe_sub(256, size_bytes << 3)
    hole: uint256 = max_value(uint256) << unused
    written: uint256 = (arithmetic.swap_bytes(stored) << 192) & hole
    return [
        (leaves[0] & ~(hole >> ahead)) | (written >> ahead),
        (leaves[1] & ~(hole << back)) | (written << back),
    ]


@internal
@pure
def _check_form(size: uint256, mask: uint256, first_index: uint256, leaf_count: uint256):
    """
    @notice Refuses a witness with a sibling too many or too few (M6.8).
    """
    siblings: uint256 = INSTRUCTION_PATH
    if leaf_count != 0:
        target: uint256 = self._target(first_index)
        first_path: uint256 = self._path(target)
        second_path: uint256 = 0
        if leaf_count == 2:
            if self._target(first_index + 1) == target:
                merge_bit: uint256 = (first_index + 1) & ~first_index
                first_path ^= merge_bit
                second_path = merge_bit - 1
            else:
                second_path = self._path(target + 1)
        siblings |= (first_path << FIRST_PATH_BIT) | (second_path << SECOND_PATH_BIT)
    leaves_and_siblings: uint256 = leaf_count + self._count_bits(mask & siblings)
    assert size == MEMORY_LEAVES_AT + 32 * leaves_and_siblings, "witness length"
    assert mask & ~siblings == 0, "witness mask"


@internal
@pure
def _target(leaf_index: uint256) -> uint256:
    """
    @notice The place in the frame of the node that proves a leaf (M6.4): 0 for C, 1 to 3 for t24 to t26.
    """
    return (TARGETS >> ((leaf_index >> CODE_LEVEL) << 2)) & 3


@internal
@pure
def _levels(target: uint256) -> uint256:
    return max(CODE_LEVEL, unsafe_add(target, CODE_LEVEL - 1))


@internal
@pure
def _path(target: uint256) -> uint256:
    """
    @notice A bit for each sibling of a leaf that is proved alone.
    """
    return unsafe_sub(ONE << self._levels(target), 1)


@internal
@pure
def _count_bits(x: uint256) -> uint256:
    """
    @notice How many of the low 128 bits are set: sums of neighbours, twice as wide each time.
    """
    sums: uint256 = (x & ALTERNATE_1) + ((x >> 1) & ALTERNATE_1)
    sums = (sums & ALTERNATE_2) + ((sums >> 2) & ALTERNATE_2)
    sums = (sums & ALTERNATE_4) + ((sums >> 4) & ALTERNATE_4)
    return (unsafe_mul(sums, EACH_BYTE) >> 120) & 255


@internal
@view
def _roots(
    witness: Bytes[WITNESS_LIMIT],
    mask: uint256,
    instruction_index: uint256,
    instruction_leaf: bytes32,
    first_index: uint256,
    leaf_count: uint256,
    leaves: uint256[2],
    changed: uint256[2],
) -> (bytes32, bytes32):
    """
    @notice The memory's root with `leaves`, and with `changed` in their place.
    """
    is_changed: bool = leaves[0] != changed[0] or leaves[1] != changed[1]
    position: uint256 = MEMORY_LEAVES_AT + 32 * leaf_count
    frame: bytes32[4] = empty(bytes32[4])  # C, t24, t25, t26 (M6.3)
    position, frame[0], frame[1] = self._climb(
        witness, position, mask, 0, CODE_LEVEL, instruction_index, instruction_leaf, instruction_leaf, False
    )
    for target: uint256 in range(1, 4):
        level: uint256 = unsafe_add(CODE_LEVEL - 1, target)
        frame[target] = ZERO_NODES[level]
        if (mask >> level) & 1 == 1:
            frame[target] = extract32(witness, position)
            position = unsafe_add(position, 32)
    root: bytes32 = self._root(frame)
    if leaf_count == 0:
        return root, root

    # Both leaves up to where they meet, if they do (M6.5)
    before: bytes32 = convert(leaves[0], bytes32)
    after: bytes32 = convert(changed[0], bytes32)
    target: uint256 = self._target(first_index)
    is_apart: bool = leaf_count == 2 and self._target(first_index + 1) != target
    level: uint256 = 0
    if leaf_count == 2 and not is_apart:
        position, level, before, after = self._climb_both(
            witness, position, mask, first_index, leaves, changed, is_changed
        )

    # The first leaf, or the one path that goes on
    position, before, after = self._climb(
        witness, position, mask >> FIRST_PATH_BIT, level, self._levels(target), first_index, before, after, is_changed
    )
    assert frame[target] == before, "witness proof"
    frame[target] = after

    # The second leaf, if it ends at another node
    if is_apart:
        target += 1
        position, before, after = self._climb(
            witness,
            position,
            mask >> SECOND_PATH_BIT,
            0,
            self._levels(target),
            first_index + 1,
            convert(leaves[1], bytes32),
            convert(changed[1], bytes32),
            is_changed,
        )
        assert frame[target] == before, "witness proof"
        frame[target] = after
    if is_changed:
        return root, self._root(frame)
    return root, root


@internal
@view
def _climb(
    witness: Bytes[WITNESS_LIMIT],
    start: uint256,
    mask: uint256,
    from_level: uint256,
    to_level: uint256,
    index: uint256,
    leaf_before: bytes32,
    leaf_after: bytes32,
    is_changed: bool,
) -> (uint256, bytes32, bytes32):
    """
    @notice From a node to the one above it at `to_level`, before the step and (if it changes) after it. Siblings
            start at byte `start`; bit l of the mask is for level l. Returns where they end, and the nodes.
    """
    position: uint256 = start
    before: bytes32 = leaf_before
    after: bytes32 = leaf_after
    for level: uint256 in range(from_level, to_level, bound=DEPTH):
        sibling: bytes32 = ZERO_NODES[level]
        if (mask >> level) & 1 == 1:
            sibling = extract32(witness, position)
            position = unsafe_add(position, 32)
        if (index >> level) & 1 == 1:
            before = keccak256(concat(sibling, before))
            if is_changed:
                after = keccak256(concat(sibling, after))
        else:
            before = keccak256(concat(before, sibling))
            if is_changed:
                after = keccak256(concat(after, sibling))
    if is_changed:
        return position, before, after
    return position, before, before


@internal
@view
def _climb_both(
    witness: Bytes[WITNESS_LIMIT],
    start: uint256,
    mask: uint256,
    first_index: uint256,
    leaves: uint256[2],
    changed: uint256[2],
    is_changed: bool,
) -> (uint256, uint256, bytes32, bytes32):
    """
    @notice Two neighbouring leaves to the node above both. Until they meet, the first is always a right child and
            the second a left one. Returns where the siblings end, the node's level, and it before and after.
    """
    position: uint256 = start
    meeting: uint256 = 0
    first_before: bytes32 = convert(leaves[0], bytes32)
    first_after: bytes32 = convert(changed[0], bytes32)
    second_before: bytes32 = convert(leaves[1], bytes32)
    second_after: bytes32 = convert(changed[1], bytes32)
    for level: uint256 in range(DEPTH):
        if (first_index >> level) & 1 == 0:
            meeting = level
            break
        sibling: bytes32 = ZERO_NODES[level]
        if (mask >> unsafe_add(level, FIRST_PATH_BIT)) & 1 == 1:
            sibling = extract32(witness, position)
            position = unsafe_add(position, 32)
        first_before = keccak256(concat(sibling, first_before))
        if is_changed:
            first_after = keccak256(concat(sibling, first_after))
        sibling = ZERO_NODES[level]
        if (mask >> unsafe_add(level, SECOND_PATH_BIT)) & 1 == 1:
            sibling = extract32(witness, position)
            position = unsafe_add(position, 32)
        second_before = keccak256(concat(second_before, sibling))
        if is_changed:
            second_after = keccak256(concat(second_after, sibling))
    before: bytes32 = keccak256(concat(first_before, second_before))
    if is_changed:
        return position, meeting + 1, before, keccak256(concat(first_after, second_after))
    return position, meeting + 1, before, before


@internal
@pure
def _root(frame: bytes32[4]) -> bytes32:
    root: bytes32 = frame[0]
    for target: uint256 in range(1, 4):
        root = keccak256(concat(root, frame[target]))
    return root


@internal
@pure
def _execute(word: uint256, pc: uint256, a: uint256, b: uint256, can_access: bool) -> Outcome:
    """
    @notice What one instruction does (M4). `a` and `b` are its operands; a load's `b` is what it found in memory.
    """
    opcode: uint256 = word & 127
    rd: uint256 = (word >> 7) & 31
    funct3: uint256 = (word >> 12) & 7
    funct7: uint256 = word >> 25
    immediate: uint256 = arithmetic.sign_extend(word >> 20, 2**11)
    next: uint256 = unsafe_add(pc, 4)
    value: uint256 = arithmetic.NOTHING
    if opcode == LOAD:
        if funct3 == 7:
            return self._trap(ILLEGAL_INSTRUCTION)
        if not can_access:
            return self._trap(LOAD_ACCESS)
        value = b
        if funct3 < 3:
            value = arithmetic.sign_extend(b, BYTE_SIGN << unsafe_sub(EIGHT << funct3, 8))
    elif opcode == STORE:
        if funct3 > 3:
            return self._trap(ILLEGAL_INSTRUCTION)
        if not can_access:
            return self._trap(STORE_ACCESS)
        return self._go(next)
    elif opcode == BRANCH:
        if funct3 >> 1 == 1:
            return self._trap(ILLEGAL_INSTRUCTION)
        if not arithmetic.is_taken(funct3, a, b):
            return self._go(next)
        return self._jump(unsafe_add(pc, self._branch_offset(word)), 0, 0)
    elif opcode == IMMEDIATE:
        # A ahead by an immediate has 6 bits of amount, so that the lowest bit of funct7 is one of them
        if funct3 & 3 == 1:
            value = arithmetic.operate(funct3, funct7 & 126, a, immediate)
        else:
            value = arithmetic.operate(funct3, 0, a, immediate)
    elif opcode == REGISTER:
        value = arithmetic.operate(funct3, funct7, a, b)
    elif opcode == IMMEDIATE_32:
        if funct3 == 0:
            value = arithmetic.operate32(0, 0, a, immediate)
        elif funct7 != 1:
            value = arithmetic.operate32(funct3, funct7, a, immediate)
    elif opcode == REGISTER_32:
        value = arithmetic.operate32(funct3, funct7, a, b)
    elif opcode == LUI:
        value = arithmetic.sign_extend(word & UPPER, 2**31)
    elif opcode == AUIPC:
        value = unsafe_add(pc, arithmetic.sign_extend(word & UPPER, 2**31)) & U64_MAX
    elif opcode == JUMP:
        return self._jump(unsafe_add(pc, self._jump_offset(word)), rd, next)
    elif opcode == JUMP_REGISTER:
        if funct3 == 0:
            return self._jump(unsafe_add(a, immediate) & (U64_MAX - 1), rd, next)
    elif opcode == FENCE:
        if funct3 < 2:
            return self._go(next)
    else:
        return self._environment(word, a, b, next)
    if value == arithmetic.NOTHING:
        return self._trap(ILLEGAL_INSTRUCTION)
    return Outcome(status=RUNNING, code=0, rd=rd, value=value, pc=next)


@internal
@pure
def _environment(word: uint256, number: uint256, argument: uint256, next: uint256) -> Outcome:
    """
    @notice `ecall` and `ebreak` (M4.4), and words with no known opcode.
    """
    if word == EBREAK_WORD:
        return self._trap(BREAKPOINT)
    if word != ECALL_WORD:
        return self._trap(ILLEGAL_INSTRUCTION)
    if number == ECALL_EXIT:
        return Outcome(status=EXITED, code=argument, rd=0, value=0, pc=0)
    if number == ECALL_WRITE:
        return Outcome(status=RUNNING, code=0, rd=A0, value=argument, pc=next)
    return self._trap(UNKNOWN_ECALL)


@internal
@pure
def _jump(target: uint256, rd: uint256, link: uint256) -> Outcome:
    if target & 3 != 0:
        return self._trap(JUMP_MISALIGNED)
    return Outcome(status=RUNNING, code=0, rd=rd, value=link, pc=target & U32_MAX)


@internal
@pure
def _go(next: uint256) -> Outcome:
    return Outcome(status=RUNNING, code=0, rd=0, value=0, pc=next)


@internal
@pure
def _trap(cause: uint256) -> Outcome:
    return Outcome(status=TRAPPED, code=cause, rd=0, value=0, pc=0)


@internal
@pure
def _branch_offset(word: uint256) -> uint256:
    offset: uint256 = ((word >> 19) & 4096) | ((word << 4) & 2048) | ((word >> 20) & 2016) | ((word >> 7) & 30)
    return arithmetic.sign_extend(offset, 2**12)


@internal
@pure
def _jump_offset(word: uint256) -> uint256:
    offset: uint256 = ((word >> 11) & 2**20) | (word & 1044480) | ((word >> 9) & 2048) | ((word >> 20) & 2046)
    return arithmetic.sign_extend(offset, 2**20)


@internal
@pure
def _hash_after(root: bytes32, cycle: uint256, tail: Bytes[TAIL_SIZE], outcome: Outcome) -> bytes32:
    """
    @notice The hash of the next state (M2.2): packed anew, with one register replaced or, if final, all zero.
    """
    counters: bytes16 = convert(convert((outcome.pc << 64) | cycle, uint128), bytes16)
    status_and_code: bytes9 = convert(convert((outcome.status << 64) | outcome.code, uint72), bytes9)
    if outcome.status != RUNNING:
        return keccak256(concat(root, counters, status_and_code, empty(bytes32), empty(bytes32), empty(bytes32), empty(bytes32), empty(bytes32), empty(bytes32), empty(bytes32), empty(bytes24)))
    if outcome.rd == 0:
        return keccak256(concat(root, counters, status_and_code, slice(tail, REGISTERS_AT, REGISTERS_SIZE)))
    end: uint256 = outcome.rd << 3
    return keccak256(
        concat(
            root,
            counters,
            status_and_code,
            slice(tail, REGISTERS_AT, unsafe_sub(end, 8)),
            convert(convert(outcome.value, uint64), bytes8),
            slice(tail, unsafe_add(REGISTERS_AT, end), unsafe_sub(REGISTERS_SIZE, end)),
        )
    )
