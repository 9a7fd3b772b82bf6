#pragma version 0.4.3
"""
@title What each instruction does to pc, rd, status and memory (docs/machine.md M1, M4, M5)
@notice RV64IM, and of the float instructions those that give nothing; what others give is no matter of one step.
"""

from modules import arithmetic
from modules import floats

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

# Environment calls (M4.4): their registers and numbers
A0: constant(uint256) = 10
A2: constant(uint256) = 12
A7: constant(uint256) = 17
ECALL_WRITE: constant(uint256) = 64
ECALL_EXIT: constant(uint256) = 93

# Statuses (M2.1) and causes of traps (M5.1)
RUNNING: constant(uint256) = 0
EXITED: constant(uint256) = 1
TRAPPED: constant(uint256) = 2
JUMP_MISALIGNED: constant(uint256) = 0
FETCH_ACCESS: constant(uint256) = 1
ILLEGAL_INSTRUCTION: constant(uint256) = 2
BREAKPOINT: constant(uint256) = 3
STORE_ACCESS: constant(uint256) = 7
UNKNOWN_ECALL: constant(uint256) = 8

# What stores may reach (M3.3)
WRITABLE_EIGHTHS: constant(uint256) = 2**1 + 2**2 + 2**3 + 2**7  # a bit for each 512 MiB
OUTPUT_SIZE_WORD: constant(uint256) = 3 * 2**27  # 0xC0000000 / 8

# Signs of immediates, by their length in bits
SIGN12: constant(uint256) = 2**11
SIGN13: constant(uint256) = 2**12
SIGN21: constant(uint256) = 2**20
SIGN32: constant(uint256) = 2**31

UPPER_BITS: constant(uint256) = 2**32 - 2**12
U32_MAX: constant(uint256) = 2**32 - 1
U64_MAX: constant(uint256) = 2**64 - 1
# Bare literals to be shifted would be int256
ONE: constant(uint256) = 1
EIGHT: constant(uint256) = 8


struct Access:
    start: uint256
    size_bytes: uint256  # 0: no memory is touched
    is_store: bool


struct Outcome:
    status: uint256
    code: uint256
    pc: uint256
    rd: uint256  # 0: no register changes
    result: uint256


@internal
@pure
def access(word: uint256, base: uint256) -> Access:
    """
    @notice What a load touches, or a store if it may (M3.4).
    @param base The value of rs1.
    """
    opcode: uint256 = word & 127
    funct3: uint256 = (word >> 12) & 7
    offset: uint256 = word >> 20
    if opcode == STORE:
        if funct3 > 3:
            return empty(Access)
        offset = (offset & 4064) | ((word >> 7) & 31)
    elif opcode != LOAD or funct3 == 7:
        return empty(Access)
    start: uint256 = unsafe_add(base, arithmetic.sign_extend(offset, SIGN12)) & U32_MAX
    size_bytes: uint256 = ONE << (funct3 & 3)
    last: uint256 = start + size_bytes - 1
    if opcode == LOAD:
        if last > U32_MAX:
            size_bytes = U32_MAX + 1 - start  # what it wants past the end of memory is 0
    elif last > U32_MAX or not (self._is_writable(start) and self._is_writable(last)):
        return empty(Access)
    return Access(start=start, size_bytes=size_bytes, is_store=opcode == STORE)


@internal
@pure
def execute(word: uint256, pc: uint256, a: uint256, b: uint256, can_store: bool) -> Outcome:
    """
    @notice One instruction. `a` and `b` are its operands; for a load `b` is what it found in memory.
    @dev Reverts for a float instruction with a result (M9.5).
    """
    opcode: uint256 = word & 127
    rd: uint256 = (word >> 7) & 31
    funct3: uint256 = (word >> 12) & 7
    funct7: uint256 = word >> 25
    immediate: uint256 = arithmetic.sign_extend(word >> 20, SIGN12)
    next_pc: uint256 = pc + 4
    result: uint256 = arithmetic.NOTHING
    if opcode == IMMEDIATE:
        # A shift's amount has 6 bits: the lowest bit of funct7 is one of them
        result = arithmetic.operate(funct3, funct7 & 126 if funct3 & 3 == 1 else 0, a, immediate)
    elif opcode == REGISTER:
        result = arithmetic.operate(funct3, funct7, a, b)
    elif opcode == LOAD and funct3 != 7:
        result = b
        if funct3 < 3:
            result = arithmetic.sign_extend(b, ONE << ((EIGHT << funct3) - 1))
    elif opcode == STORE and funct3 < 4:
        if not can_store:
            return self.trap(STORE_ACCESS)
        return self._go_on(next_pc, 0, 0)
    elif opcode == BRANCH and funct3 >> 1 != 1:
        if arithmetic.is_taken(funct3, a, b):
            return self._jump(pc + self._branch_offset(word), 0, 0)
        return self._go_on(next_pc, 0, 0)
    elif opcode == IMMEDIATE_32 and (funct3 == 0 or funct7 != 1):
        result = arithmetic.operate32(funct3, funct7 if funct3 != 0 else 0, a, immediate)
    elif opcode == REGISTER_32:
        result = arithmetic.operate32(funct3, funct7, a, b)
    elif opcode == LUI:
        result = arithmetic.sign_extend(word & UPPER_BITS, SIGN32)
    elif opcode == AUIPC:
        result = (pc + arithmetic.sign_extend(word & UPPER_BITS, SIGN32)) & U64_MAX
    elif opcode == JUMP:
        return self._jump(pc + self._jump_offset(word), rd, next_pc)
    elif opcode == JUMP_REGISTER and funct3 == 0:
        return self._jump((a + immediate) & ~ONE, rd, next_pc)
    elif opcode == FENCE and funct3 < 2:
        return self._go_on(next_pc, 0, 0)
    elif word == ECALL_WORD:
        return self._call_environment(a, b, next_pc)
    elif word == EBREAK_WORD:
        return self.trap(BREAKPOINT)
    elif floats.operation(word) != floats.NOTHING:
        assert rd == 0, "float instruction: descend"
        return self._go_on(next_pc, 0, 0)
    if result == arithmetic.NOTHING:
        return self.trap(ILLEGAL_INSTRUCTION)
    return self._go_on(next_pc, rd, result)


@internal
@pure
def trap(cause: uint256) -> Outcome:
    """
    @notice The machine stops for `cause` (M5.1).
    """
    return Outcome(status=TRAPPED, code=cause, pc=0, rd=0, result=0)


@internal
@pure
def _go_on(pc: uint256, rd: uint256, result: uint256) -> Outcome:
    return Outcome(status=RUNNING, code=0, pc=pc, rd=rd, result=result)


@internal
@pure
def _jump(target: uint256, rd: uint256, link: uint256) -> Outcome:
    if target & 3 != 0:
        return self.trap(JUMP_MISALIGNED)
    return self._go_on(target & U32_MAX, rd, link)


@internal
@pure
def _call_environment(number: uint256, argument: uint256, next_pc: uint256) -> Outcome:
    """
    @notice `ecall` (M4.4).
    """
    if number == ECALL_EXIT:
        return Outcome(status=EXITED, code=argument, pc=0, rd=0, result=0)
    if number == ECALL_WRITE:
        return self._go_on(next_pc, A0, argument)
    return self.trap(UNKNOWN_ECALL)


@internal
@pure
def _branch_offset(word: uint256) -> uint256:
    """
    @dev The word's bits 31 | 7 | 30..25 | 11..8 are the offset's bits 12 | 11 | 10..5 | 4..1.
    """
    high: uint256 = ((word >> 19) & 4096) | ((word << 4) & 2048)
    low: uint256 = ((word >> 20) & 2016) | ((word >> 7) & 30)
    return arithmetic.sign_extend(high | low, SIGN13)


@internal
@pure
def _jump_offset(word: uint256) -> uint256:
    """
    @dev The word's bits 31 | 19..12 | 20 | 30..21 are the offset's bits 20 | 19..12 | 11 | 10..1.
    """
    high: uint256 = ((word >> 11) & SIGN21) | (word & 1044480)
    low: uint256 = ((word >> 9) & 2048) | ((word >> 20) & 2046)
    return arithmetic.sign_extend(high | low, SIGN21)


@internal
@pure
def _is_writable(location: uint256) -> bool:
    return (WRITABLE_EIGHTHS >> (location >> 29)) & 1 == 1 or location >> 3 == OUTPUT_SIZE_WORD
