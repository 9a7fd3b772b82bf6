"""The LLVM IR of each arithmetic instruction (docs/machine.md M4.2): two operands in, one result out.

Operands and results are i64: names of values or decimal constants. Nothing here may be poison or undefined in
LLVM for any operand: shift amounts are masked, divisors replaced where the quotient is given by rule.
"""

from collections.abc import Callable


class Emitter:
    """Collects lines of IR and names their values."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0

    def name(self, prefix: str) -> str:
        """A new name."""
        self._count += 1
        return f"{prefix}{self._count}"

    def line(self, text: str) -> None:
        """Add an instruction without a result."""
        self.lines.append(text)

    def value(self, text: str) -> str:
        """Add an instruction and return the name of its result."""
        self._count += 1
        name = f"%v{self._count}"
        self.lines.append(f"{name} = {text}")
        return name

    def label(self, name: str) -> None:
        """Begin a basic block."""
        self.lines.append(f"{name}:")


Operation = Callable[[Emitter, str, str], str]

_MINIMUM = {"i32": -(1 << 31), "i64": -(1 << 63)}


def _plain(opcode: str) -> Operation:
    return lambda emitter, a, b: emitter.value(f"{opcode} i64 {a}, {b}")


def _shift(opcode: str) -> Operation:
    def emit(emitter: Emitter, a: str, b: str) -> str:
        amount = emitter.value(f"and i64 {b}, 63")
        return emitter.value(f"{opcode} i64 {a}, {amount}")

    return emit


def _compare(predicate: str) -> Operation:
    def emit(emitter: Emitter, a: str, b: str) -> str:
        bit = emitter.value(f"icmp {predicate} i64 {a}, {b}")
        return emitter.value(f"zext i1 {bit} to i64")

    return emit


def _high(extend_a: str, extend_b: str) -> Operation:
    def emit(emitter: Emitter, a: str, b: str) -> str:
        wide_a = emitter.value(f"{extend_a} i64 {a} to i128")
        wide_b = emitter.value(f"{extend_b} i64 {b} to i128")
        product = emitter.value(f"mul i128 {wide_a}, {wide_b}")
        upper = emitter.value(f"lshr i128 {product}, 64")
        return emitter.value(f"trunc i128 {upper} to i64")

    return emit


def _divide(opcode: str, width: str) -> Operation:
    """Division. Zero divisors and overflow are handled by selects, so that they never reach the division."""
    is_signed, is_quotient = opcode[0] == "s", opcode[1:] == "div"

    def emit(emitter: Emitter, a: str, b: str) -> str:
        is_zero = emitter.value(f"icmp eq {width} {b}, 0")
        refused = is_zero
        if is_signed:
            is_minimum = emitter.value(f"icmp eq {width} {a}, {_MINIMUM[width]}")
            is_minus_one = emitter.value(f"icmp eq {width} {b}, -1")
            overflows = emitter.value(f"and i1 {is_minimum}, {is_minus_one}")
            refused = emitter.value(f"or i1 {is_zero}, {overflows}")
        # a / 1 = a and a % 1 = 0, as required for overflow.
        divisor = emitter.value(f"select i1 {refused}, {width} 1, {width} {b}")
        result = emitter.value(f"{opcode} {width} {a}, {divisor}")
        by_zero = "-1" if is_quotient else a
        return emitter.value(f"select i1 {is_zero}, {width} {by_zero}, {width} {result}")

    return emit


def _narrow(operation: Operation) -> Operation:
    """A `*w` form: on the low 32 bits, the result sign-extended."""

    def emit(emitter: Emitter, a: str, b: str) -> str:
        low_a = emitter.value(f"trunc i64 {a} to i32")
        low_b = emitter.value(f"trunc i64 {b} to i32")
        result = operation(emitter, low_a, low_b)
        return emitter.value(f"sext i32 {result} to i64")

    return emit


def _plain_32(opcode: str) -> Operation:
    return _narrow(lambda emitter, a, b: emitter.value(f"{opcode} i32 {a}, {b}"))


def _shift_32(opcode: str) -> Operation:
    def emit(emitter: Emitter, a: str, b: str) -> str:
        amount = emitter.value(f"and i32 {b}, 31")
        return emitter.value(f"{opcode} i32 {a}, {amount}")

    return _narrow(emit)


OPERATIONS: dict[str, Operation] = {
    "add": _plain("add"),
    "sub": _plain("sub"),
    "xor": _plain("xor"),
    "or": _plain("or"),
    "and": _plain("and"),
    "mul": _plain("mul"),
    "sll": _shift("shl"),
    "srl": _shift("lshr"),
    "sra": _shift("ashr"),
    "slt": _compare("slt"),
    "sltu": _compare("ult"),
    "mulh": _high("sext", "sext"),
    "mulhsu": _high("sext", "zext"),
    "mulhu": _high("zext", "zext"),
    "div": _divide("sdiv", "i64"),
    "divu": _divide("udiv", "i64"),
    "rem": _divide("srem", "i64"),
    "remu": _divide("urem", "i64"),
    "addw": _plain_32("add"),
    "subw": _plain_32("sub"),
    "mulw": _plain_32("mul"),
    "sllw": _shift_32("shl"),
    "srlw": _shift_32("lshr"),
    "sraw": _shift_32("ashr"),
    "divw": _narrow(_divide("sdiv", "i32")),
    "divuw": _narrow(_divide("udiv", "i32")),
    "remw": _narrow(_divide("srem", "i32")),
    "remuw": _narrow(_divide("urem", "i32")),
}
"""By the names of `truestep.machine.arithmetic.OPERATIONS`."""

CONDITIONS = {"beq": "eq", "bne": "ne", "blt": "slt", "bge": "sge", "bltu": "ult", "bgeu": "uge"}
"""Branches and the comparison that takes them."""
