"""Decodes the names of float instructions (docs/machine.md M8; RISC-V unprivileged specification, Zdinx)."""

FUSED_OPCODES = {0x43: "fmadd", 0x47: "fmsub", 0x4B: "fnmsub", 0x4F: "fnmadd"}
FLOAT_OPCODE = 0x53

_FORMATS = {0: "s", 1: "d"}
_INTEGERS = ("w", "wu", "l", "lu")
"""The integer types of conversions, by the field rs2."""
_NEAREST = (0, 7)
"""Rounding fields of arithmetic: RNE, and dynamic, which means RNE (M8.2)."""
_ANY_ROUNDING = (0, 1, 2, 3, 4, 7)
"""Rounding fields of conversions between an integer and a float."""

_BINARY = {0x00: "fadd", 0x01: "fsub", 0x02: "fmul", 0x03: "fdiv"}
_SQUARE_ROOT, _BETWEEN_FORMATS, _TO_INTEGER, _FROM_INTEGER = 0x0B, 0x08, 0x18, 0x1A
_SELECTED = {
    **{(0x04, 0): "fsgnj", (0x04, 1): "fsgnjn", (0x04, 2): "fsgnjx"},
    **{(0x05, 0): "fmin", (0x05, 1): "fmax"},
    **{(0x14, 0): "fle", (0x14, 1): "flt", (0x14, 2): "feq"},
}
"""(funct5, funct3) of instructions that do not round."""
_CLASSIFY = (0x1C, 1)


def fused_name(opcode: int, funct3: int, funct7: int) -> str | None:
    """The name of a multiply-add, or None if it is illegal (M8.2)."""
    letter = _FORMATS.get(funct7 & 3)
    return f"{FUSED_OPCODES[opcode]}.{letter}" if letter and funct3 in _NEAREST else None


def float_name(funct3: int, rs2: int, funct7: int) -> str | None:
    """The name of an instruction with opcode 0x53, or None if it is illegal (M8.2)."""
    letter = _FORMATS.get(funct7 & 3)
    if letter is None:
        return None
    funct5 = funct7 >> 2
    selected = _SELECTED.get((funct5, funct3))
    if selected:
        return f"{selected}.{letter}"
    if (funct5, funct3) == _CLASSIFY:
        return f"fclass.{letter}" if rs2 == 0 else None
    if funct5 in (_TO_INTEGER, _FROM_INTEGER):
        return _integer_conversion(funct5, funct3, rs2, letter)
    return _rounded(funct5, rs2, letter) if funct3 in _NEAREST else None


def operand_count(name: str) -> int:
    """How many registers a float instruction reads."""
    if name.startswith(("fmadd", "fmsub", "fnm")):
        return 3
    return 1 if name.startswith(("fsqrt", "fcvt", "fclass")) else 2


def is_rounded(name: str) -> bool:
    """Whether the instruction has the field `rm`; in the others funct3 selects the operation."""
    return not name.startswith(("fsgnj", "fmin", "fmax", "fle", "flt", "feq", "fclass"))


def _integer_conversion(funct5: int, funct3: int, rs2: int, letter: str) -> str | None:
    if rs2 >= len(_INTEGERS) or funct3 not in _ANY_ROUNDING:
        return None
    integer = _INTEGERS[rs2]
    return f"fcvt.{integer}.{letter}" if funct5 == _TO_INTEGER else f"fcvt.{letter}.{integer}"


def _rounded(funct5: int, rs2: int, letter: str) -> str | None:
    if funct5 in _BINARY:
        return f"{_BINARY[funct5]}.{letter}"
    if funct5 == _SQUARE_ROOT and rs2 == 0:
        return f"fsqrt.{letter}"
    if funct5 == _BETWEEN_FORMATS and _FORMATS.get(rs2, letter) != letter:
        return f"fcvt.{letter}.{_FORMATS[rs2]}"
    return None
