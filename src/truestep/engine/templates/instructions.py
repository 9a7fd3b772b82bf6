"""The machine code of each guest instruction that goes on to the next one (docs/machine.md M4).

An instruction's code depends on its word alone, so that it is made once. It finds the guest registers in
their places (encoding.HOSTS) and leaves them there.
"""

from collections.abc import Callable

from truestep.engine.analysis.hints import prefetched_offset
from truestep.engine.templates.encoding import (
    ADD,
    AND,
    COMPARE,
    EXTEND_32,
    MOVE,
    MOVE_TO,
    MULTIPLY,
    OR,
    R10,
    RAX,
    RDX,
    SUBTRACT,
    TEST,
    XOR,
    Registers,
    between,
    beyond_address,
    shift_number,
    skipping,
    sum_of,
    with_number,
)
from truestep.machine.decode import Instruction, Kind

Write = Callable[[Registers, Instruction], bytes]
_BINARY = {
    "add": (ADD, True),
    "sub": (SUBTRACT, False),
    "xor": (XOR, True),
    "or": (OR, True),
    "and": (AND, True),
}
"""The opcode of each, and whether its operands may be exchanged."""
_NUMBERED = {"addi": 0, "ori": 1, "andi": 4, "xori": 6}
_SHIFTS = {"sll": 1, "sra": 2, "srl": 3}
_SHIFTS_BY_NUMBER = {"slli": 4, "srli": 5, "srai": 7}
_NARROW = {"addw": ADD, "subw": SUBTRACT, "mulw": MULTIPLY}
_LESS, _BELOW = b"\x0f\x9c", b"\x0f\x92"
_COMPARISONS = {"slt": _LESS, "sltu": _BELOW}
LOADS_BY_NAME = {
    **{"lb": (b"\x0f\xbe", True), "lh": (b"\x0f\xbf", True), "lw": (EXTEND_32, True), "ld": (MOVE, True)},
    **{"lbu": (b"\x0f\xb6", False), "lhu": (b"\x0f\xb7", False), "lwu": (MOVE, False)},
}
"""The opcode of each, and whether it makes 64 bits."""
STORES_BY_SIZE = {
    1: (b"\x88", b"", False),
    2: (MOVE_TO, b"\x66", False),
    4: (MOVE_TO, b"", False),
    8: (MOVE_TO, b"", True),
}
"""By size: the opcode, its prefix, and whether it takes 64 bits."""
_PREFETCH, _TO_ALL_CACHES = b"\x0f\x18", 1
_JUMP, _IF_ZERO, _IF_BELOW_OR_EQUAL, _UNLESS_ZERO = 0xEB, 0x74, 0x76, 0x75


def code_of(at: Registers, instruction: Instruction) -> bytes:
    """The code of an instruction that is no access, no float and depends on no address."""
    offset = prefetched_offset(instruction)
    if offset is not None:
        return at.address_of(instruction.rs1, offset) + beyond_address(_PREFETCH, _TO_ALL_CACHES, 0)
    if instruction.kind is Kind.FENCE or not instruction.rd:
        return b""  # nothing but a store or a jump has an effect besides its result
    if instruction.kind is Kind.UPPER:
        return at.set_number(instruction.rd, instruction.immediate)
    if instruction.kind is Kind.IMMEDIATE:
        return _with_immediate(at, instruction)
    return _operation(at, instruction)


def comparison_code(at: Registers, a: int, b: int) -> bytes:
    """Compare two guest registers."""
    if b == 0:
        host = at.hosts.get(a)
        return at.guest_with_number(7, a, 0) if host is None else between(TEST, host, host)
    register = at.hosts.get(a, RAX)
    return at.load(register, a) + at.with_guest(COMPARE, register, b)


# --- with a number in the instruction -----------------------------------------------------------------------


def _with_immediate(at: Registers, instruction: Instruction) -> bytes:
    name, rd, rs1, number = instruction.name, instruction.rd, instruction.rs1, instruction.immediate
    if name in _NUMBERED:
        return _numbered(at, name, rd, rs1, number)
    target = at.work(rd)
    if name in _SHIFTS_BY_NUMBER:
        return (
            at.load(target, rs1) + shift_number(_SHIFTS_BY_NUMBER[name], target, number) + at.save(rd, target)
        )
    if name in ("slti", "sltiu"):
        compared = between(XOR, RDX, RDX, is_wide=False) + at.guest_with_number(7, rs1, number)
        return compared + between(_COMPARISONS[name[:3] + name[4:]], 0, RDX) + at.save(rd, RDX)
    if name == "addiw":
        if not number:
            return at.with_guest(EXTEND_32, target, rs1) + at.save(rd, target)
        narrow = at.load(RDX, rs1, is_wide=False) + with_number(0, RDX, number, is_wide=False)
    else:
        digit = _SHIFTS_BY_NUMBER[name.removesuffix("w")]
        narrow = at.load(RDX, rs1, is_wide=False) + shift_number(digit, RDX, number, is_wide=False)
    return narrow + between(EXTEND_32, target, RDX) + at.save(rd, target)


def _numbered(at: Registers, name: str, rd: int, rs1: int, number: int) -> bytes:
    if rs1 == 0:
        return at.set_number(rd, 0 if name == "andi" else number)
    if number == 0 and name != "andi":
        target = at.hosts.get(rd, at.hosts.get(rs1, RDX))
        return at.load(target, rs1) + at.save(rd, target)
    digit = _NUMBERED[name]
    if rd == rs1:
        return at.guest_with_number(digit, rd, number)
    target = at.work(rd)
    if name == "addi" and rs1 in at.hosts:
        return sum_of(target, at.hosts[rs1], number, is_wide=True) + at.save(rd, target)
    return at.load(target, rs1) + with_number(digit, target, number) + at.save(rd, target)


# --- on two registers ---------------------------------------------------------------------------------------


def _operation(at: Registers, instruction: Instruction) -> bytes:
    name, rd, a, b = instruction.name, instruction.rd, instruction.rs1, instruction.rs2
    if name in _BINARY:
        return _binary(at, *_BINARY[name], rd, a, b)
    if name in _COMPARISONS:
        compared = at.load(R10, a) + between(XOR, RDX, RDX, is_wide=False) + at.with_guest(COMPARE, R10, b)
        return compared + between(_COMPARISONS[name], 0, RDX) + at.save(rd, RDX)
    is_wide = not name.endswith("w")
    if name.removesuffix("w") in _SHIFTS:
        return _shift(at, name.removesuffix("w"), rd, a, b, is_wide=is_wide)
    if name in _NARROW:
        target = at.work(rd)
        narrow = at.load(RDX, a, is_wide=False) + at.with_guest(_NARROW[name], RDX, b, is_wide=False)
        return narrow + between(EXTEND_32, target, RDX) + at.save(rd, target)
    if name == "mul":
        return at.load(RDX, a) + at.with_guest(MULTIPLY, RDX, b) + at.save(rd, RDX)
    if name in _HIGH:
        return _HIGH[name](at, instruction)
    return _divide(at, instruction)


def _binary(at: Registers, opcode: bytes, may_exchange: bool, rd: int, a: int, b: int) -> bytes:
    target = at.hosts.get(rd)
    if target is not None and rd == b and may_exchange:
        a, b = b, a
    if target is None or (rd == b and rd != a):
        return at.load(RDX, a) + at.with_guest(opcode, RDX, b) + at.save(rd, RDX)
    return at.load(target, a) + at.with_guest(opcode, target, b)


def _shift(at: Registers, name: str, rd: int, a: int, b: int, *, is_wide: bool) -> bytes:
    moved = b"" if b in at.hosts else at.load(R10, b)
    target, amount = at.work(rd), at.hosts.get(b, R10)
    if is_wide:
        return moved + at.shift_guest(_SHIFTS[name], target, a, amount, is_wide=True) + at.save(rd, target)
    narrow = at.shift_guest(_SHIFTS[name], RDX, a, amount, is_wide=False)
    return moved + narrow + between(EXTEND_32, target, RDX) + at.save(rd, target)


def _high_signed(at: Registers, instruction: Instruction) -> bytes:
    return (
        at.load(RAX, instruction.rs1)
        + at.with_guest(b"\xf7", 5, instruction.rs2)
        + at.save(instruction.rd, RDX)
    )


def _high_unsigned(at: Registers, instruction: Instruction) -> bytes:
    return (
        at.load(RAX, instruction.rs1)
        + at.with_guest(b"\xf7", 4, instruction.rs2)
        + at.save(instruction.rd, RDX)
    )


def _high_mixed(at: Registers, instruction: Instruction) -> bytes:
    """The unsigned product, less b in its upper half where a is negative."""
    product = at.load(RAX, instruction.rs1) + at.with_guest(b"\xf7", 4, instruction.rs2)
    excess = (
        at.load(R10, instruction.rs1) + shift_number(7, R10, 63) + at.with_guest(AND, R10, instruction.rs2)
    )
    return product + excess + between(SUBTRACT, RDX, R10) + at.save(instruction.rd, RDX)


_HIGH: dict[str, Write] = {"mulh": _high_signed, "mulhu": _high_unsigned, "mulhsu": _high_mixed}


def _divide(at: Registers, instruction: Instruction) -> bytes:
    """Division: by zero, and by -1 where it is signed, without the host's instruction, which might trap."""
    name, rd = instruction.name, instruction.rd
    is_wide, plain = not name.endswith("w"), name.removesuffix("w")
    is_signed, is_quotient = not plain.endswith("u"), plain.startswith("div")
    operands = at.load(RAX, instruction.rs1, is_wide=is_wide) + at.load(R10, instruction.rs2, is_wide=is_wide)
    if is_signed:
        extend = b"\x48\x99" if is_wide else b"\x99"
        usual = extend + between(b"\xf7", 7, R10, is_wide=is_wide)
        near = sum_of(RDX, R10, 1, is_wide=is_wide) + with_number(7, RDX, 1, is_wide=is_wide)
        condition = _IF_BELOW_OR_EQUAL
    else:
        usual = between(XOR, RDX, RDX, is_wide=False) + between(b"\xf7", 6, R10, is_wide=is_wide)
        near, condition = between(TEST, R10, R10, is_wide=is_wide), _IF_ZERO
    special = _special(is_signed=is_signed, is_quotient=is_quotient, is_wide=is_wide)
    usual += bytes((_JUMP, len(special)))
    result = RAX if is_quotient else RDX
    end = b"" if is_wide else between(EXTEND_32, result, result)
    return operands + near + skipping(condition, usual) + special + end + at.save(rd, result)


def _special(*, is_signed: bool, is_quotient: bool, is_wide: bool) -> bytes:
    """The results where R10 is 0 or, of signed divisions, -1: -a or -1, 0 or a."""
    minus_one = with_number(1, RAX, -1, is_wide=is_wide)
    if not is_signed:
        return minus_one if is_quotient else between(MOVE, RDX, RAX, is_wide=is_wide)
    tested = between(TEST, R10, R10, is_wide=is_wide)
    if is_quotient:
        return between(b"\xf7", 3, RAX, is_wide=is_wide) + tested + skipping(_UNLESS_ZERO, minus_one)
    return between(XOR, RDX, RDX, is_wide=False) + tested + between(b"\x0f\x44", RDX, RAX, is_wide=is_wide)
