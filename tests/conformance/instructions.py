"""A test program for each instruction: operands at their edges, registers that coincide, every distance.

The expected results are the words of the unprivileged specification, written again here; `unicorn` runs the
same programs, so that a mistake on this page cannot pass for one of the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.conformance.environment import Source

M64 = 2**64 - 1
MIN64, MIN32 = 1 << 63, 1 << 31


def s(value: int, bits: int = 64) -> int:
    """The low bits as a signed number."""
    value %= 1 << bits
    return value - (1 << bits) if value >> bits - 1 else value


def w(value: int) -> int:
    """The low 32 bits, sign-extended."""
    return s(value, 32) % 2**64


def quotient(a: int, b: int) -> int:
    """Rounded towards zero; all ones by zero."""
    if b == 0:
        return -1
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def remainder(a: int, b: int) -> int:
    """With the sign of the dividend; the dividend by zero."""
    return a if b == 0 else a - b * quotient(a, b)


Operation = Callable[[int, int], int]

REGISTER_OPERATIONS: dict[str, Operation] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "xor": lambda a, b: a ^ b,
    "sll": lambda a, b: a << b % 64,
    "srl": lambda a, b: a >> b % 64,
    "sra": lambda a, b: s(a) >> b % 64,
    "slt": lambda a, b: int(s(a) < s(b)),
    "sltu": lambda a, b: int(a < b),
    "addw": lambda a, b: w(a + b),
    "subw": lambda a, b: w(a - b),
    "sllw": lambda a, b: w(a << b % 32),
    "srlw": lambda a, b: w(a % 2**32 >> b % 32),
    "sraw": lambda a, b: w(s(a, 32) >> b % 32),
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: s(a) * s(b) >> 64,
    "mulhsu": lambda a, b: s(a) * b >> 64,
    "mulhu": lambda a, b: a * b >> 64,
    "mulw": lambda a, b: w(a * b),
    "div": lambda a, b: quotient(s(a), s(b)),
    "divu": quotient,
    "rem": lambda a, b: remainder(s(a), s(b)),
    "remu": remainder,
    "divw": lambda a, b: w(quotient(s(a, 32), s(b, 32))),
    "divuw": lambda a, b: w(quotient(a % 2**32, b % 2**32)),
    "remw": lambda a, b: w(remainder(s(a, 32), s(b, 32))),
    "remuw": lambda a, b: w(remainder(a % 2**32, b % 2**32)),
}
IMMEDIATE_OPERATIONS = {
    **{f"{name}i": REGISTER_OPERATIONS[name] for name in ("add", "and", "or", "xor", "slt")},
    "sltiu": REGISTER_OPERATIONS["sltu"],
    "addiw": REGISTER_OPERATIONS["addw"],
}
SHIFT_OPERATIONS = {
    f"{name[:3]}i{name[3:]}": REGISTER_OPERATIONS[name]
    for name in ("sll", "srl", "sra", "sllw", "srlw", "sraw")
}
CONDITIONS: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: s(a) < s(b),
    "bge": lambda a, b: s(a) >= s(b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}
PAIRS = (
    *((0, 0), (1, 1), (3, 7), (M64, M64), (0, M64), (M64, 1), (MIN64, M64), (MIN64, 0), (M64 >> 1, 2)),
    *((MIN64, MIN64), (M64 ^ (MIN32 - 1), M64), (MIN32, 31), (0x1_0000_0001, 64), (20, M64 - 5)),
    *((0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210), (0xFFFF_FFFF_8000_0001, 0x21)),
)
IMMEDIATES = (0, 1, -1, 2047, -2048, 0x55)
SHIFT_VALUES = (1, M64, MIN64, MIN32, 0x0123_4567_89AB_CDEF)


def case(number: int, register: str, expected: int, *lines: str) -> str:
    """Lines that must leave `expected` in `register`."""
    body = "\n    ".join(lines)
    return f"    li gp, {number}\n    {body}\n    li t2, {s(expected)}\n    bne {register}, t2, fail\n"


def numbered(cases: Iterator[tuple[str, int, tuple[str, ...]]]) -> str:
    """All cases, counted from 2: number 1 is a pass."""
    return "".join(case(number, *c[:2], *c[2]) for number, c in enumerate(cases, 2))


def register_cases(name: str, operation: Operation) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for a, b in PAIRS:
        loads = (f"li a1, {s(a)}", f"li a2, {s(b)}")
        yield "a4", operation(a, b), (*loads, f"{name} a4, a1, a2")
    a, b = 0xFFFF_FFFF_0000_000D, 11
    loads = (f"li a1, {s(a)}", f"li a2, {b}")
    yield "a1", operation(a, b), (*loads, f"{name} a1, a1, a2")
    yield "a2", operation(a, b), (*loads, f"{name} a2, a1, a2")
    yield "a1", operation(a, a), (*loads, f"{name} a1, a1, a1")
    yield "a4", operation(0, b), (*loads, f"{name} a4, x0, a2")
    yield "a4", operation(a, 0), (*loads, f"{name} a4, a1, x0")
    yield "x0", 0, (*loads, f"{name} x0, a1, a2")
    loop = ("li tp, 2", "9:", *loads, "nop", f"{name} a4, a1, a2", "nop", "mv t1, a4", "addi tp, tp, -1")
    yield "t1", operation(a, b), (*loop, "bnez tp, 9b")


def immediate_cases(name: str, operation: Operation) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for a in (0, 1, M64, MIN64, M64 >> 1, MIN32 - 1):
        for immediate in IMMEDIATES:
            yield "a4", operation(a, immediate % 2**64), (f"li a1, {s(a)}", f"{name} a4, a1, {immediate}")
    yield "a1", operation(13, 11), ("li a1, 13", f"{name} a1, a1, 11")
    yield "x0", 0, ("li a1, 33", f"{name} x0, a1, 0x1f")


def shift_cases(name: str, operation: Operation) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    for a in SHIFT_VALUES:
        for amount in (0, 1, 7, 14, 31) if name.endswith("w") else (0, 1, 7, 31, 32, 63):
            yield "a4", operation(a, amount), (f"li a1, {s(a)}", f"{name} a4, a1, {amount}")
    yield "a1", operation(0xF0, 3), ("li a1, 0xf0", f"{name} a1, a1, 3")
    yield "x0", 0, ("li a1, 33", f"{name} x0, a1, 3")


def branch_code(name: str, condition: Callable[[int, int], bool]) -> str:
    """Taken forwards and backwards, or not taken either way."""
    parts: list[str] = []
    for number, (a, b) in enumerate(PAIRS, 2):
        parts.append(f"    li gp, {number}\n    li a1, {s(a)}\n    li a2, {s(b)}")
        if condition(a, b):
            parts.append(
                f"    {name} a1, a2, 2f\n    j fail\n1:  j 3f\n2:  {name} a1, a2, 1b\n    j fail\n3:"
            )
        else:
            parts.append(f"    {name} a1, a2, 1f\n    j 2f\n1:  j fail\n2:  {name} a1, a2, 1b")
    return "\n".join(parts)


MEMORY = bytes((37 * i + 0xC5) % 256 for i in range(192))
"""What the data section holds; bytes with and without the highest bit."""
BASE = 64
"""Where the base register points, on both sides of which there is memory."""


def loaded(name: str, at: int) -> int:
    """What a load at an offset from the start of MEMORY gives."""
    size_bytes = 1 << "bhwd".index(name[1])
    value = int.from_bytes(MEMORY[at : at + size_bytes], "little")
    return value if name.endswith("u") else s(value, 8 * size_bytes)


def load_cases(name: str) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """At every alignment, over lines of 8, 32 and 64 bytes, with offsets of both signs."""
    for at in (*range(BASE - 9, BASE + 17), 31, 95, 121, 127):
        yield "a4", loaded(name, at), ("la a1, middle", f"{name} a4, {at - BASE}(a1)")
    yield "a4", loaded(name, BASE + 8), ("la a1, middle - 24", f"{name} a4, 32(a1)")
    yield "a1", loaded(name, BASE), ("la a1, middle", f"{name} a1, 0(a1)")
    yield "x0", 0, ("la a1, middle", f"{name} x0, 0(a1)")


def store_cases(name: str) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """A store shows in the doublewords around it and nowhere else."""
    memory = bytearray(MEMORY)
    size_bytes = 1 << "bhwd".index(name[1])
    for number, at in enumerate((*range(BASE - 9, BASE + 9), 31, 61, 127)):
        value = 0xA1B2_C3D4_E5F6_0718 * (2 * number + 1) % 2**64
        memory[at : at + size_bytes] = value.to_bytes(8, "little")[:size_bytes]
        store = ("la a1, middle", f"li a2, {s(value)}", f"{name} a2, {at - BASE}(a1)")
        for start in (at - at % 8, at - at % 8 + 8):
            expected = int.from_bytes(memory[start : start + 8], "little")
            yield "a4", expected, (*store, f"ld a4, {start - BASE}(a1)")
            store = ()


JAL = """
    li gp, 2
    li ra, 0
    jal a4, 2f
1:  j fail
2:  la t2, 1b
    bne a4, t2, fail
    li gp, 3
    j 4f
3:  j 5f
4:  jal x0, 3b
    j fail
5:  li gp, 4
    li ra, 1
    jal x0, 6f
    addi ra, ra, 1
6:  li t2, 1
    bne ra, t2, fail
"""
JALR = """
    li gp, 2
    la t1, 2f
    jalr a4, 0(t1)
1:  j fail
2:  la t2, 1b
    bne a4, t2, fail
    li gp, 3
    la t0, 4f
    jalr t0, 0(t0)
3:  j fail
4:  la t1, 3b
    bne t0, t1, fail
    li gp, 4
    la t1, 5f
    jalr a4, 1(t1)
    j fail
5:  li gp, 5
    la t1, 6f + 2040
    jalr x0, -2040(t1)
    j fail
6:  li gp, 6
    li tp, 2
7:  la t1, 8f
    nop
    jalr a3, 0(t1)
    j fail
8:  addi tp, tp, -1
    bnez tp, 7b
"""
AUIPC = """
    li gp, 2
    .balign 8
    lla a0, 1f + 10000
    jal a1, 1f
1:  sub a0, a0, a1
    li t2, 10000
    bne a0, t2, fail
    li gp, 3
    .balign 8
    lla a0, 1f - 10000
    jal a1, 1f
1:  sub a0, a0, a1
    li t2, -10000
    bne a0, t2, fail
    li gp, 4
    auipc a0, 0x7ffff
    auipc a1, 0x80000
    sub a0, a0, a1
    li t2, 0xfffff000 - 4
    bne a0, t2, fail
    auipc x0, 1
    bnez x0, fail
"""
LUI_CASES = ((0, 0), (0xFFFFF, -4096), (0x7FFFF, 0x7FFF_F000), (0x80000, -(2**31)), (0x12345, 0x1234_5000))
FENCE = """
    li gp, 2
    la a1, middle
    li a2, 5
    sd a2, 0(a1)
    fence
    fence rw, rw
    fence iorw, ow
    fence.tso
    fence.i
    ld a3, 0(a1)
    bne a2, a3, fail
"""
SELF_POINTER = """
    li gp, 2
    la a1, middle
    sd a1, 8(a1)
    ld a2, 8(a1)
    sb a1, 0(a2)
    bne a1, a2, fail
    lbu a3, 0(a1)
    andi t2, a1, 0xff
    bne a3, t2, fail
    li gp, 3
    sw a1, 4(a1)
    lw a4, 4(a1)
    lhu a5, 4(a1)
    slli t2, a4, 48
    srli t2, t2, 48
    bne a5, t2, fail
"""


def data(content: bytes = MEMORY) -> str:
    rows = "\n".join(
        f"    .byte {', '.join(map(str, content[i : i + 16]))}" for i in range(0, len(content), 16)
    )
    return f"{rows}\n    .set middle, . - {len(content) - BASE}"


def programs() -> dict[str, Source]:
    """A program for each instruction, by its name, and three patterns that are none."""
    codes = {
        **{name: numbered(register_cases(name, op)) for name, op in REGISTER_OPERATIONS.items()},
        **{name: numbered(immediate_cases(name, op)) for name, op in IMMEDIATE_OPERATIONS.items()},
        **{name: numbered(shift_cases(name, op)) for name, op in SHIFT_OPERATIONS.items()},
        **{name: branch_code(name, condition) for name, condition in CONDITIONS.items()},
        **{name: numbered(load_cases(name)) for name in ("lb", "lbu", "lh", "lhu", "lw", "lwu", "ld")},
        **{name: numbered(store_cases(name)) for name in ("sb", "sh", "sw", "sd")},
        "lui": numbered(iter([("a4", value, (f"lui a4, {upper}",)) for upper, value in LUI_CASES])),
        "auipc": AUIPC,
        "jal": JAL,
        "jalr": JALR,
        "fence": FENCE,
        "store-and-load": SELF_POINTER,
        "simple": "    li gp, 2",
    }
    return {name: Source(code=code, data=data()) for name, code in codes.items()}
