"""The float formats in LLVM's terms, and what the float instructions read and make."""

from dataclasses import dataclass

from truestep.machine.decode import Instruction, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatType:
    """A float format in LLVM's terms."""

    name: str
    bits: str
    """The integer type of the same width."""
    suffix: str
    """The suffix of intrinsics."""
    width: int
    fraction_bits: int

    @property
    def sign(self) -> int:
        """The sign bit, as LLVM writes it: a negative number."""
        return -(1 << self.width - 1)

    @property
    def magnitude(self) -> int:
        """All bits but the sign's."""
        return (1 << self.width - 1) - 1

    @property
    def infinity(self) -> int:
        """The bits of +∞."""
        return self.magnitude >> self.fraction_bits << self.fraction_bits

    @property
    def canonical_nan(self) -> int:
        """The bits of the only NaN that can be a result (M8.3)."""
        return self.infinity | 1 << self.fraction_bits - 1


SINGLE = FloatType(name="float", bits="i32", suffix="f32", width=32, fraction_bits=23)
DOUBLE = FloatType(name="double", bits="i64", suffix="f64", width=64, fraction_bits=52)
TYPES = {"s": SINGLE, "d": DOUBLE}
COMPARISONS = {"feq": "oeq", "flt": "olt", "fle": "ole"}
"""Instructions that compare two floats, with LLVM's predicate."""
ON_BITS = frozenset(["fsgnj", "fsgnjn", "fsgnjx", "fclass"])
"""Instructions that read the bits of their operands, not their value."""


def reads_as(instruction: Instruction) -> FloatType | None:
    """The float type of an instruction's operands; None if it reads their bits."""
    mnemonic, *types = instruction.name.split(".")
    if mnemonic in ON_BITS and not is_sign_change(instruction):
        return None
    return TYPES.get(types[-1])


def makes(instruction: Instruction) -> FloatType | None:
    """The type of an instruction's result, if the result is a raw float."""
    if instruction.kind is not Kind.FLOAT:
        return None
    mnemonic, *types = instruction.name.split(".")
    if mnemonic in COMPARISONS or (mnemonic in ON_BITS and not is_sign_change(instruction)):
        return None
    return TYPES.get(types[0])


def is_sign_change(instruction: Instruction) -> bool:
    """Whether it is what assemblers call `fmv`, `fneg` or `fabs`."""
    return instruction.name.startswith("fsgnj") and instruction.rs1 == instruction.rs2
