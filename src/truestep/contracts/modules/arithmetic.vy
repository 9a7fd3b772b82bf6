#pragma version 0.4.3
"""
@title What each RV64IM operation computes (docs/machine.md M4.2)
@notice Operands and results are unsigned 64-bit numbers. An immediate form is the register form on the
        sign-extended immediate. No sum, product or shift here leaves 256 bits before it is reduced.
"""

U32_MAX: constant(uint256) = 2**32 - 1
U64_MAX: constant(uint256) = 2**64 - 1
SIGN32: constant(uint256) = 2**31
SIGN64: constant(uint256) = 2**63
EVEN_BYTES: constant(uint256) = U64_MAX // 257  # 0x00FF00FF00FF00FF
EVEN_PAIRS: constant(uint256) = U64_MAX // 65537  # 0x0000FFFF0000FFFF

NOTHING: constant(uint256) = 2**64  # instead of a result: there is no such operation


@internal
@pure
def operate(funct3: uint256, funct7: uint256, a: uint256, b: uint256) -> uint256:
    """
    @notice The result of a 64-bit operation, or `NOTHING`.
    """
    if funct7 == 1:
        return self._multiply_or_divide(funct3, a, b)
    if funct7 == 0:
        if funct3 == 0:  # add
            return unsafe_add(a, b) & U64_MAX
        if funct3 == 1:  # sll
            return (a << (b & 63)) & U64_MAX
        if funct3 == 2:  # slt
            return convert(self._signed(a, SIGN64) < self._signed(b, SIGN64), uint256)
        if funct3 == 3:  # sltu
            return convert(a < b, uint256)
        if funct3 == 4:
            return a ^ b
        if funct3 == 5:  # srl
            return a >> (b & 63)
        if funct3 == 6:
            return a | b
        return a & b
    if funct7 == 32:
        if funct3 == 0:  # sub
            return unsafe_sub(a, b) & U64_MAX
        if funct3 == 5:  # sra
            return self._unsigned(self._signed(a, SIGN64) >> (b & 63))
    return NOTHING


@internal
@pure
def operate32(funct3: uint256, funct7: uint256, a: uint256, b: uint256) -> uint256:
    """
    @notice The result of a `*W` operation, sign-extended from 32 bits, or `NOTHING`.
    """
    if funct7 == 1:
        return self._multiply_or_divide32(funct3, a, b)
    if funct7 == 0:
        if funct3 == 0:  # addw
            return self._extend32(unsafe_add(a, b))
        if funct3 == 1:  # sllw
            return self._extend32(a << (b & 31))
        if funct3 == 5:  # srlw
            return self._extend32((a & U32_MAX) >> (b & 31))
    elif funct7 == 32:
        if funct3 == 0:  # subw
            return self._extend32(unsafe_sub(a, b))
        if funct3 == 5:  # sraw
            return self._unsigned(self._signed(a & U32_MAX, SIGN32) >> (b & 31))
    return NOTHING


@internal
@pure
def is_taken(funct3: uint256, a: uint256, b: uint256) -> bool:
    """
    @notice Whether a branch's condition holds. Odd funct3 negate the even ones; 2 and 3 encode no branch.
    """
    holds: bool = False
    if funct3 < 2:
        holds = a == b
    elif funct3 < 6:
        holds = self._signed(a, SIGN64) < self._signed(b, SIGN64)
    else:
        holds = a < b
    return holds == (funct3 & 1 == 0)


@internal
@pure
def sign_extend(x: uint256, sign: uint256) -> uint256:
    """
    @notice `x`, whose highest bit is `sign` (a power of two), widened to 64 bits.
    """
    return unsafe_sub(x ^ sign, sign) & U64_MAX


@internal
@pure
def swap_bytes(x: uint256) -> uint256:
    """
    @notice The 8 bytes of `x` in the opposite order.
    """
    swapped: uint256 = ((x & EVEN_BYTES) << 8) | ((x >> 8) & EVEN_BYTES)
    swapped = ((swapped & EVEN_PAIRS) << 16) | ((swapped >> 16) & EVEN_PAIRS)
    return ((swapped & U32_MAX) << 32) | (swapped >> 32)


@internal
@pure
def _multiply_or_divide(funct3: uint256, a: uint256, b: uint256) -> uint256:
    if funct3 == 0:  # mul
        return unsafe_mul(a, b) & U64_MAX
    if funct3 == 1:  # mulh
        return self._unsigned(unsafe_mul(self._signed(a, SIGN64), self._signed(b, SIGN64)) >> 64)
    if funct3 == 2:  # mulhsu
        return self._unsigned(unsafe_mul(self._signed(a, SIGN64), self._as_signed(b)) >> 64)
    if funct3 == 3:  # mulhu
        return unsafe_mul(a, b) >> 64
    if b == 0:  # no trap: all ones, or the dividend
        return U64_MAX if funct3 < 6 else a
    if funct3 == 4:  # div; -2^63 / -1 fits 256 bits, and its low 64 are the dividend
        return self._unsigned(unsafe_div(self._signed(a, SIGN64), self._signed(b, SIGN64)))
    if funct3 == 5:  # divu
        return unsafe_div(a, b)
    if funct3 == 6:  # rem
        return self._unsigned(self._signed(a, SIGN64) % self._signed(b, SIGN64))
    return a % b


@internal
@pure
def _multiply_or_divide32(funct3: uint256, a: uint256, b: uint256) -> uint256:
    if funct3 == 0:  # mulw
        return self._extend32(unsafe_mul(a, b))
    if funct3 < 4:
        return NOTHING
    dividend: uint256 = a & U32_MAX
    divisor: uint256 = b & U32_MAX
    if divisor == 0:
        return U64_MAX if funct3 < 6 else self._extend32(dividend)
    if funct3 == 4:  # divw
        return self._extend32(
            self._unsigned(unsafe_div(self._signed(dividend, SIGN32), self._signed(divisor, SIGN32)))
        )
    if funct3 == 5:  # divuw
        return self._extend32(unsafe_div(dividend, divisor))
    if funct3 == 6:  # remw
        return self._unsigned(self._signed(dividend, SIGN32) % self._signed(divisor, SIGN32))
    return self._extend32(dividend % divisor)


@internal
@pure
def _extend32(x: uint256) -> uint256:
    return unsafe_sub((x & U32_MAX) ^ SIGN32, SIGN32) & U64_MAX


@internal
@pure
def _signed(x: uint256, sign: uint256) -> int256:
    return self._as_signed(unsafe_sub(x ^ sign, sign))


@internal
@pure
def _as_signed(x: uint256) -> int256:
    """
    @dev The same 256 bits; through bytes32, since a plain conversion refuses what looks negative.
    """
    return convert(convert(x, bytes32), int256)


@internal
@pure
def _unsigned(x: int256) -> uint256:
    return convert(convert(x, bytes32), uint256) & U64_MAX
