"""The LLVM IR of each float instruction (docs/machine.md M8), in terms of the host's float instructions.

Operands are read from the holder of the registers, as integer bits or as floats. A result is either the 64
bits of the register or a *raw* float, whose NaN may be any NaN (registers.Held turns it into the register's
bits). No operation on floats may distinguish NaNs, and no flag may let LLVM change a result.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from truestep.engine.analysis.float_types import COMPARISONS, DOUBLE, ON_BITS, SINGLE, TYPES, FloatType
from truestep.engine.codegen.operations import Emitter
from truestep.engine.host import float_unit
from truestep.machine.decode import Instruction
from truestep.machine.float_formats import Rounding
from truestep.machine.floats import INTEGER_BITS, rounding_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A raw float of `type`, or, without one, the 64 bits of the register."""

    value: str
    type: FloatType | None = None


class Operands(Protocol):
    """The holder of the registers."""

    def bits(self, register: int) -> str:
        """All 64 bits."""
        ...

    def raw(self, register: int, kind: FloatType) -> str:
        """The register as a float: any NaN stands for any other."""
        ...


def emit_float(emitter: Emitter, instruction: Instruction, operands: Operands) -> Result:
    """A float instruction's result."""
    mnemonic, *types = instruction.name.split(".")
    if mnemonic == "fcvt":
        target, source = types
        return _convert(emitter, target, source, instruction, operands)
    kind = TYPES[types[0]]
    registers = (instruction.rs1, instruction.rs2, instruction.rs3)
    if mnemonic in ON_BITS:
        bits = [low_bits(emitter, kind, operands.bits(register)) for register in registers[:2]]
        return _widened(emitter, _ON_BITS[mnemonic](emitter, kind, bits[0], bits[1]))
    count = _OPERAND_COUNTS.get(mnemonic, 2)
    floats = [operands.raw(register, kind) for register in registers[:count]]
    if mnemonic in COMPARISONS:
        holds = emitter.value(f"fcmp {COMPARISONS[mnemonic]} {kind.name} {floats[0]}, {floats[1]}")
        return Result(value=emitter.value(f"zext i1 {holds} to i64"))
    return Result(value=_ARITHMETIC[mnemonic](emitter, kind, floats), type=kind)


def low_bits(emitter: Emitter, kind: FloatType, register: str) -> str:
    """The bits of a register that a format reads (M8.1)."""
    return register if kind.width == 64 else emitter.value(f"trunc i64 {register} to i32")


def float_of_bits(emitter: Emitter, kind: FloatType, register: str) -> str:
    """A register's bits as a float."""
    low = low_bits(emitter, kind, register)
    return emitter.value(f"bitcast {kind.bits} {low} to {kind.name}")


def bits_of_float(emitter: Emitter, kind: FloatType, value: str) -> str:
    """The 64 bits of the register that holds a float, its NaN as it is."""
    bits = emitter.value(f"bitcast {kind.name} {value} to {kind.bits}")
    return bits if kind.width == 64 else emitter.value(f"sext i32 {bits} to i64")


def _widened(emitter: Emitter, result: tuple[str, str]) -> Result:
    """A result of 32 or 64 bits in its register."""
    width, value = result
    return Result(value=value if width == "i64" else emitter.value(f"sext i32 {value} to i64"))


# --- arithmetic: floats in, a raw float out -----------------------------------------------------------------

_Arithmetic = Callable[[Emitter, FloatType, list[str]], str]


def _plain(opcode: str) -> _Arithmetic:
    return lambda emitter, kind, x: emitter.value(f"{opcode} {kind.name} {x[0]}, {x[1]}")


def _square_root(emitter: Emitter, kind: FloatType, x: list[str]) -> str:
    # Hide a constant: LLVM would compute its root with the host's `sqrt`, in the current mode of this thread.
    unit = float_unit()
    constraint = unit.register_class if unit else "m"
    hidden = emitter.value(f'call {kind.name} asm "", "={constraint},0"({kind.name} {x[0]})')
    return _intrinsic(emitter, kind, "sqrt", hidden)


def _fused(*, negated_product: bool, negated_addend: bool) -> _Arithmetic:
    def emit(emitter: Emitter, kind: FloatType, x: list[str]) -> str:
        a = emitter.value(f"fneg {kind.name} {x[0]}") if negated_product else x[0]
        c = emitter.value(f"fneg {kind.name} {x[2]}") if negated_addend else x[2]
        return _intrinsic(emitter, kind, "fma", a, x[1], c)

    return emit


def _extreme(relation: str, prefer_negative: int) -> _Arithmetic:
    """The smaller or larger operand. A number is preferred to a NaN; of equal operands the sign decides."""

    def emit(emitter: Emitter, kind: FloatType, x: list[str]) -> str:
        a, b = x
        is_beyond = emitter.value(f"fcmp {relation} {kind.name} {a}, {b}")
        is_equal = emitter.value(f"fcmp oeq {kind.name} {a}, {b}")
        bits = emitter.value(f"bitcast {kind.name} {a} to {kind.bits}")
        has_sign = emitter.value(f"icmp {'slt' if prefer_negative else 'sge'} {kind.bits} {bits}, 0")
        is_other_nan = emitter.value(f"fcmp uno {kind.name} {b}, {b}")
        is_first_zero = emitter.value(f"and i1 {is_equal}, {has_sign}")
        is_number = emitter.value(f"or i1 {is_beyond}, {is_first_zero}")
        is_first = emitter.value(f"or i1 {is_number}, {is_other_nan}")
        return emitter.value(f"select i1 {is_first}, {kind.name} {a}, {kind.name} {b}")

    return emit


def _intrinsic(emitter: Emitter, kind: FloatType, name: str, *arguments: str) -> str:
    listed = ", ".join(f"{kind.name} {argument}" for argument in arguments)
    return emitter.value(f"call {kind.name} @llvm.{name}.{kind.suffix}({listed})")


_ARITHMETIC: dict[str, _Arithmetic] = {
    "fadd": _plain("fadd"),
    "fsub": _plain("fsub"),
    "fmul": _plain("fmul"),
    "fdiv": _plain("fdiv"),
    "fsqrt": _square_root,
    "fmin": _extreme("olt", prefer_negative=1),
    "fmax": _extreme("ogt", prefer_negative=0),
    "fmadd": _fused(negated_product=False, negated_addend=False),
    "fmsub": _fused(negated_product=False, negated_addend=True),
    "fnmsub": _fused(negated_product=True, negated_addend=False),
    "fnmadd": _fused(negated_product=True, negated_addend=True),
}
_OPERAND_COUNTS = {"fsqrt": 1, "fmadd": 3, "fmsub": 3, "fnmsub": 3, "fnmadd": 3}


# --- bits in, bits out --------------------------------------------------------------------------------------

_OnBits = Callable[[Emitter, FloatType, str, str], tuple[str, str]]


def _inject(*, is_negated: bool, is_combined: bool) -> _OnBits:
    """The magnitude of a, with a sign computed from that of b."""

    def emit(emitter: Emitter, kind: FloatType, a: str, b: str) -> tuple[str, str]:
        if is_negated:
            b = emitter.value(f"xor {kind.bits} {b}, -1")
        sign = emitter.value(f"and {kind.bits} {b}, {kind.sign}")
        if is_combined:
            return kind.bits, emitter.value(f"xor {kind.bits} {a}, {sign}")
        magnitude = emitter.value(f"and {kind.bits} {a}, {kind.magnitude}")
        return kind.bits, emitter.value(f"or {kind.bits} {magnitude}, {sign}")

    return emit


def _classify(emitter: Emitter, kind: FloatType, a: str, _: str) -> tuple[str, str]:
    """One of ten bits, whose number follows from the distance to zero, or is 8 or 9 for a NaN."""
    magnitude = emitter.value(f"and {kind.bits} {a}, {kind.magnitude}")

    def exceeds(bound: int) -> str:
        bit = emitter.value(f"icmp ugt {kind.bits} {magnitude}, {bound}")
        return emitter.value(f"zext i1 {bit} to i64")

    steps = [exceeds(bound) for bound in (0, (1 << kind.fraction_bits) - 1, kind.infinity - 1)]
    distance = emitter.value(f"add i64 {steps[0]}, {steps[1]}")
    distance = emitter.value(f"add i64 {distance}, {steps[2]}")
    negative, positive = emitter.value(f"sub i64 3, {distance}"), emitter.value(f"add i64 4, {distance}")
    is_negative = emitter.value(f"icmp slt {kind.bits} {a}, 0")
    number = emitter.value(f"select i1 {is_negative}, i64 {negative}, i64 {positive}")
    quiet = emitter.value(f"add i64 8, {exceeds(kind.canonical_nan - 1)}")
    is_nan = emitter.value(f"icmp ugt {kind.bits} {magnitude}, {kind.infinity}")
    chosen = emitter.value(f"select i1 {is_nan}, i64 {quiet}, i64 {number}")
    return "i64", emitter.value(f"shl i64 1, {chosen}")


_ON_BITS: dict[str, _OnBits] = {
    "fsgnj": _inject(is_negated=False, is_combined=False),
    "fsgnjn": _inject(is_negated=True, is_combined=False),
    "fsgnjx": _inject(is_negated=False, is_combined=True),
    "fclass": _classify,
}


# --- conversions --------------------------------------------------------------------------------------------

_ROUNDERS = {Rounding.RNE: "rint", Rounding.RDN: "floor", Rounding.RUP: "ceil", Rounding.RMM: "round"}
"""`rint` rounds in the host's mode, which is RNE (support.run_function); conversions round to zero."""


def _convert(
    emitter: Emitter, target: str, source: str, instruction: Instruction, operands: Operands
) -> Result:
    rounding = rounding_of(instruction)
    if target in INTEGER_BITS:
        kind = TYPES[source]
        return _to_integer(emitter, kind, target, operands.raw(instruction.rs1, kind), rounding)
    kind = TYPES[target]
    if source in INTEGER_BITS:
        value = _from_integer(emitter, kind, source, operands.bits(instruction.rs1), rounding)
    elif kind is SINGLE:
        value = emitter.value(f"fptrunc double {operands.raw(instruction.rs1, DOUBLE)} to float")
    else:
        value = emitter.value(f"fpext float {operands.raw(instruction.rs1, SINGLE)} to double")
    return Result(value=value, type=kind)


def _to_integer(emitter: Emitter, kind: FloatType, target: str, a: str, rounding: Rounding) -> Result:
    bits, is_signed = INTEGER_BITS[target], not target.endswith("u")
    rounder = _ROUNDERS.get(rounding)
    whole = _intrinsic(emitter, kind, rounder, a) if rounder else a
    name = f"llvm.fpto{'s' if is_signed else 'u'}i.sat.i{bits}.{kind.suffix}"
    fitting = emitter.value(f"call i{bits} @{name}({kind.name} {whole})")
    is_nan = emitter.value(f"fcmp uno {kind.name} {a}, {a}")
    largest = (1 << bits - 1) - 1 if is_signed else -1
    value = emitter.value(f"select i1 {is_nan}, i{bits} {largest}, i{bits} {fitting}")
    return _widened(emitter, (f"i{bits}", value))


def _from_integer(emitter: Emitter, kind: FloatType, source: str, register: str, rounding: Rounding) -> str:
    bits, is_signed = INTEGER_BITS[source], not source.endswith("u")
    value = register if bits == 64 else emitter.value(f"trunc i64 {register} to i32")
    is_exact = bits <= kind.fraction_bits
    if rounding is Rounding.RNE or is_exact:
        return emitter.value(f"{'s' if is_signed else 'u'}itofp i{bits} {value} to {kind.name}")
    if bits == 32:
        value = emitter.value(f"{'s' if is_signed else 'z'}ext i32 {value} to i64")
    is_negative = emitter.value(f"icmp slt i64 {value}, 0") if is_signed else "false"
    opposite = emitter.value(f"sub i64 0, {value}")
    magnitude = emitter.value(f"select i1 {is_negative}, i64 {opposite}, i64 {value}")
    result = _rounded_magnitude(emitter, kind, magnitude, is_negative, rounding)
    negated = emitter.value(f"fneg {kind.name} {result}")
    return emitter.value(f"select i1 {is_negative}, {kind.name} {negated}, {kind.name} {result}")


def _rounded_magnitude(
    emitter: Emitter, kind: FloatType, magnitude: str, is_negative: str, rounding: Rounding
) -> str:
    """A 64-bit magnitude as a float. Rounding is done in integers, so that the host's conversion is exact."""
    zeros = emitter.value(f"call i64 @llvm.ctlz.i64(i64 {magnitude}, i1 false)")
    excess = emitter.value(f"sub i64 {64 - kind.fraction_bits - 1}, {zeros}")
    dropped = emitter.value(f"call i64 @llvm.smax.i64(i64 {excess}, i64 0)")
    unit = emitter.value(f"shl i64 1, {dropped}")
    mask = emitter.value(f"sub i64 {unit}, 1")
    rest = emitter.value(f"and i64 {magnitude}, {mask}")
    floor = emitter.value(f"sub i64 {magnitude}, {rest}")
    is_up = _is_rounded_up(emitter, rest, unit, is_negative, rounding)
    ceiling = emitter.value(f"add i64 {floor}, {unit}")
    chosen = emitter.value(f"select i1 {is_up}, i64 {ceiling}, i64 {floor}")
    value = emitter.value(f"uitofp i64 {chosen} to {kind.name}")
    # Rounding up the largest magnitudes gives 2^64, whose low 64 bits are 0.
    is_none = emitter.value(f"icmp eq i64 {chosen}, 0")
    is_over = emitter.value(f"and i1 {is_up}, {is_none}")
    return emitter.value(f"select i1 {is_over}, {kind.name} 18446744073709551616.0, {kind.name} {value}")


def _is_rounded_up(emitter: Emitter, rest: str, unit: str, is_negative: str, rounding: Rounding) -> str:
    """Whether a magnitude with `rest` left below `unit` is rounded away from zero."""
    if rounding is Rounding.RTZ:
        return "false"
    has_rest = emitter.value(f"icmp ne i64 {rest}, 0")
    if rounding is Rounding.RMM:
        half = emitter.value(f"lshr i64 {unit}, 1")
        condition = emitter.value(f"icmp uge i64 {rest}, {half}")
    elif rounding is Rounding.RDN:
        condition = is_negative
    else:
        condition = emitter.value(f"xor i1 {is_negative}, true")
    return emitter.value(f"and i1 {has_rest}, {condition}")


# --- what modules with floats need --------------------------------------------------------------------------


def float_declarations() -> str:
    """Declarations of the intrinsics used here."""
    lines = ["declare i64 @llvm.ctlz.i64(i64, i1)", "declare i64 @llvm.smax.i64(i64, i64)"]
    for kind in (SINGLE, DOUBLE):
        lines += [
            f"declare {kind.name} @llvm.{name}.{kind.suffix}({kind.name})"
            for name in ("sqrt", *_ROUNDERS.values())
        ]
        lines.append(f"declare {kind.name} @llvm.fabs.{kind.suffix}({kind.name})")
        lines.append(f"declare {kind.name} @llvm.fma.{kind.suffix}({kind.name}, {kind.name}, {kind.name})")
        for bits in (32, 64):
            for letter in "su":
                name = f"llvm.fpto{letter}i.sat.i{bits}.{kind.suffix}"
                lines.append(f"declare i{bits} @{name}({kind.name})")
    return "\n".join(lines) + "\n"
