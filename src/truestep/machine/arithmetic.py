"""What each instruction computes (docs/machine.md M4.2): operands and results are unsigned 64-bit numbers."""

from collections.abc import Callable

from truestep.base.integers import U64_MAX, sign_extend, signed, wrap32, wrap64

Operation = Callable[[int, int], int]


def divide_signed(dividend: int, divisor: int, bits: int) -> int:
    """Quotient rounded toward zero; all ones for a zero divisor; overflow gives the dividend."""
    a, b = signed(dividend, bits), signed(divisor, bits)
    if b == 0:
        return U64_MAX
    quotient = abs(a) // abs(b)
    return sign_extend(-quotient if (a < 0) != (b < 0) else quotient, bits)


def remainder_signed(dividend: int, divisor: int, bits: int) -> int:
    """Remainder with the dividend's sign; the dividend for a zero divisor; overflow gives 0."""
    a, b = signed(dividend, bits), signed(divisor, bits)
    if b == 0:
        return sign_extend(dividend, bits)
    remainder = abs(a) % abs(b)
    return sign_extend(-remainder if a < 0 else remainder, bits)


def _less_signed(a: int, b: int) -> bool:
    return signed(a, 64) < signed(b, 64)


def _divide_unsigned_32(a: int, b: int) -> int:
    return sign_extend(wrap32(a) // wrap32(b), 32) if wrap32(b) else U64_MAX


def _remainder_unsigned_32(a: int, b: int) -> int:
    return sign_extend(wrap32(a) % wrap32(b) if wrap32(b) else a, 32)


OPERATIONS: dict[str, Operation] = {
    "add": lambda a, b: wrap64(a + b),
    "sub": lambda a, b: wrap64(a - b),
    "sll": lambda a, b: wrap64(a << (b & 63)),
    "slt": lambda a, b: int(_less_signed(a, b)),
    "sltu": lambda a, b: int(a < b),
    "xor": lambda a, b: a ^ b,
    "srl": lambda a, b: a >> (b & 63),
    "sra": lambda a, b: wrap64(signed(a, 64) >> (b & 63)),
    "or": lambda a, b: a | b,
    "and": lambda a, b: a & b,
    "addw": lambda a, b: sign_extend(a + b, 32),
    "subw": lambda a, b: sign_extend(a - b, 32),
    "sllw": lambda a, b: sign_extend(a << (b & 31), 32),
    "srlw": lambda a, b: sign_extend(wrap32(a) >> (b & 31), 32),
    "sraw": lambda a, b: wrap64(signed(a, 32) >> (b & 31)),
    "mul": lambda a, b: wrap64(a * b),
    "mulh": lambda a, b: wrap64(signed(a, 64) * signed(b, 64) >> 64),
    "mulhsu": lambda a, b: wrap64(signed(a, 64) * b >> 64),
    "mulhu": lambda a, b: a * b >> 64,
    "div": lambda a, b: divide_signed(a, b, 64),
    "divu": lambda a, b: a // b if b else U64_MAX,
    "rem": lambda a, b: remainder_signed(a, b, 64),
    "remu": lambda a, b: a % b if b else a,
    "mulw": lambda a, b: sign_extend(a * b, 32),
    "divw": lambda a, b: divide_signed(a, b, 32),
    "divuw": _divide_unsigned_32,
    "remw": lambda a, b: remainder_signed(a, b, 32),
    "remuw": _remainder_unsigned_32,
}
"""Register forms; an immediate form is the register form on the sign-extended immediate."""

IMMEDIATE_FORMS = {
    "addi": "add",
    "slti": "slt",
    "sltiu": "sltu",
    "xori": "xor",
    "ori": "or",
    "andi": "and",
    "slli": "sll",
    "srli": "srl",
    "srai": "sra",
    "addiw": "addw",
    "slliw": "sllw",
    "srliw": "srlw",
    "sraiw": "sraw",
}

CONDITIONS: dict[str, Callable[[int, int], bool]] = {
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": _less_signed,
    "bge": lambda a, b: not _less_signed(a, b),
    "bltu": lambda a, b: a < b,
    "bgeu": lambda a, b: a >= b,
}

ACCESS_SIZES_BYTES = {
    **{"lb": 1, "lh": 2, "lw": 4, "ld": 8, "lbu": 1, "lhu": 2, "lwu": 4},
    **{"sb": 1, "sh": 2, "sw": 4, "sd": 8},
}
SIGNED_LOADS = frozenset(("lb", "lh", "lw"))
"""Loads that sign-extend; `ld` fills the register."""
