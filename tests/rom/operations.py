"""The 54 operations of docs/machine.md M9.2 in the order of their numbers, apart from the package's list."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = (
    *("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fsgnj", "fsgnjn", "fsgnjx", "fmin", "fmax", "fcvt"),
    *("fle", "flt", "feq", "fclass", "fcvt.w", "fcvt.wu", "fcvt.l", "fcvt.lu"),
    *("fcvt from w", "fcvt from wu", "fcvt from l", "fcvt from lu", "fmadd", "fmsub", "fnmsub", "fnmadd"),
)
UNARY = ("fsqrt", "fclass", "fcvt")
MODES = (0, 1, 2, 3, 4)
"""RNE, RTZ, RDN, RUP, RMM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One entry of the ROM."""

    number: int
    kind: str
    size_bits: int
    """Of the format: 32 or 64."""

    @property
    def letter(self) -> str:
        """The format's."""
        return "s" if self.size_bits == 32 else "d"

    @property
    def name(self) -> str:
        """As an assembler writes it."""
        if self.kind == "fcvt":
            return "fcvt.s.d" if self.size_bits == 32 else "fcvt.d.s"
        mnemonic, _, integer = self.kind.partition(" from ")
        return f"{mnemonic}.{self.letter}.{integer}" if integer else f"{mnemonic}.{self.letter}"

    @property
    def routine(self) -> str:
        """The C function's name."""
        return self.name.replace(".", "_")

    @property
    def operand_bits(self) -> int:
        """The size of a float operand."""
        return 96 - self.size_bits if self.kind == "fcvt" else self.size_bits

    @property
    def integer(self) -> str | None:
        """The integer type of a conversion: w, wu, l or lu."""
        suffix = self.kind.replace(" from ", ".").partition(".")[2]
        return suffix or None

    @property
    def is_from_integer(self) -> bool:
        """Whether the operand is an integer."""
        return " from " in self.kind

    @property
    def takes_one_single(self) -> bool:
        """Whether its operand is one single and nothing else."""
        return self.operand_count == 1 and self.operand_bits == 32 and not self.is_rounded_by_mode

    @property
    def is_rounded_by_mode(self) -> bool:
        """Whether a1 is a rounding mode."""
        return self.integer is not None

    @property
    def operand_count(self) -> int:
        """How many numbers it takes, the rounding mode not counted."""
        if self.kind.startswith(("fm", "fnm")) and self.kind not in ("fmin", "fmax", "fmul"):
            return 3
        return 1 if self.kind.startswith(UNARY) else 2


OPERATIONS = tuple(
    Operation(number=2 * kind + index, kind=name, size_bits=size_bits)
    for kind, name in enumerate(KINDS)
    for index, size_bits in enumerate((32, 64))
)
