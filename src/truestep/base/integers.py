"""Fixed-width integers. Wrapping and sign extension always go through these functions, never a bare mask."""

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1


def wrap32(value: int) -> int:
    """Reduce `value` modulo 2^32."""
    return value & U32_MAX


def wrap64(value: int) -> int:
    """Reduce `value` modulo 2^64."""
    return value & U64_MAX


def signed(value: int, bits: int) -> int:
    """Read the low `bits` bits of `value` as a two's complement number."""
    sign_bit = 1 << (bits - 1)
    return (value & (2 * sign_bit - 1) ^ sign_bit) - sign_bit


def sign_extend(value: int, bits: int) -> int:
    """Sign-extend the low `bits` bits of `value` to an unsigned 64-bit number."""
    return signed(value, bits) & U64_MAX
