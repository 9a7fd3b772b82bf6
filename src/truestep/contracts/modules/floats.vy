#pragma version 0.4.3
"""
@title Which words are float instructions, and the numbers of their operations (docs/machine.md M8, M9.2)
@notice The contracts compute no float: what an instruction gives is the result of a micro-run.
"""

# Opcodes: the fused operations' lie 4 apart
FUSED: constant(uint256) = 67
FUSED_BITS: constant(uint256) = 12
ARITHMETIC: constant(uint256) = 83

# Rounding modes (M8.2); 1 to 4 belong to conversions between integers and floats
NEAREST: constant(uint256) = 0
MODE_LIMIT: constant(uint256) = 4
DYNAMIC: constant(uint256) = 7

# Kinds of operations (M9.2)
SQUARE_ROOT: constant(uint256) = 4
SIGN_INJECTION: constant(uint256) = 5
MINIMUM: constant(uint256) = 8
OTHER_FORMAT: constant(uint256) = 10
COMPARISON: constant(uint256) = 11
CLASSIFICATION: constant(uint256) = 14
TO_INTEGER: constant(uint256) = 15
FROM_INTEGER: constant(uint256) = 19
MULTIPLY_ADD: constant(uint256) = 23

NOTHING: constant(uint256) = 64  # instead of a number: no float instruction


struct Operands:
    a1: uint256
    a2: uint256


@internal
@pure
def operation(word: uint256) -> uint256:
    """
    @notice The number of the operation that `word` encodes (M9.2), or `NOTHING`.
    """
    opcode: uint256 = word & 127
    format: uint256 = word >> 25 & 3
    if format > 1:
        return NOTHING
    rounding: uint256 = word >> 12 & 7
    is_nearest: bool = rounding == NEAREST or rounding == DYNAMIC
    kind: uint256 = NOTHING
    if opcode == ARITHMETIC:
        kind = self._kind(word >> 27, rounding, is_nearest, word >> 20 & 31, format)
    elif opcode & ~FUSED_BITS == FUSED and is_nearest:
        kind = MULTIPLY_ADD + (opcode >> 2 & 3)
    return NOTHING if kind == NOTHING else 2 * kind + format


@internal
@pure
def operands(number: uint256, word: uint256, b: uint256, c: uint256) -> Operands:
    """
    @notice What the operation of `word` is given behind the value of rs1 (M9.3).
    @param b The value of rs2, if it has one, and `c` that of rs3.
    """
    kind: uint256 = number >> 1
    if kind >= MULTIPLY_ADD:
        return Operands(a1=b, a2=c)
    if kind >= TO_INTEGER:
        rounding: uint256 = word >> 12 & 7
        return Operands(a1=0 if rounding == DYNAMIC else rounding, a2=0)
    if kind == SQUARE_ROOT or kind == OTHER_FORMAT or kind == CLASSIFICATION:
        return empty(Operands)
    return Operands(a1=b, a2=0)


@internal
@pure
def _kind(
    funct5: uint256, rounding: uint256, is_nearest: bool, rs2: uint256, format: uint256
) -> uint256:
    """
    @notice The kind of an instruction of opcode 0x53. Where it does not round `rounding` is a function code.
    """
    if funct5 < 4:  # fadd, fsub, fmul, fdiv
        if is_nearest:
            return funct5
    elif funct5 == 4:
        if rounding < 3:
            return SIGN_INJECTION + rounding
    elif funct5 == 5:
        if rounding < 2:
            return MINIMUM + rounding
    elif funct5 == 8:
        if is_nearest and rs2 == format ^ 1:
            return OTHER_FORMAT
    elif funct5 == 11:
        if is_nearest and rs2 == 0:
            return SQUARE_ROOT
    elif funct5 == 20:
        if rounding < 3:
            return COMPARISON + rounding
    elif funct5 == 28:
        if rounding == 1 and rs2 == 0:
            return CLASSIFICATION
    elif rs2 < 4 and (rounding <= MODE_LIMIT or rounding == DYNAMIC):
        if funct5 == 24:
            return TO_INTEGER + rs2
        if funct5 == 26:
            return FROM_INTEGER + rs2
    return NOTHING
