// fdiv, fsqrt: exact integer quotients and roots, and whether anything remains.

#include "rom.h"

// Quotient of dividend / divisor, both of 53 bits and 1 <= dividend / divisor < 2, with 55 more bits; sticky in bit 0.
INLINE uint64_t quotient_double(uint64_t dividend, uint64_t divisor) {
    uint64_t quotient = 1, remainder = dividend - divisor;
    // A remainder is below 2^53: each division takes 11 more bits.
#define MORE_BITS                                                                                                \
    quotient = quotient << 11 | (remainder << 11) / divisor;                                                     \
    remainder = (remainder << 11) % divisor;
    MORE_BITS MORE_BITS MORE_BITS MORE_BITS MORE_BITS
#undef MORE_BITS
    return quotient << 8 | (remainder != 0);
}

// The same for 24 bits and 39 more.
INLINE uint64_t quotient_single(uint64_t dividend, uint64_t divisor) {
    uint64_t quotient = (dividend << 39) / divisor, remainder = (dividend << 39) % divisor;
    return quotient << 24 | (remainder != 0);
}

INLINE uint64_t divide(Format format, uint64_t a, uint64_t b) {
    uint64_t sign = sign_of(a ^ b);
    if (is_nan(format, a) || is_nan(format, b)) return canonical_nan(format);
    if (is_infinite(format, a)) {
        return is_infinite(format, b) ? canonical_nan(format) : infinity(format) | place(format, sign);
    }
    if (is_infinite(format, b)) return place(format, sign);
    if (is_zero(b)) return is_zero(a) ? canonical_nan(format) : infinity(format) | place(format, sign);
    if (is_zero(a)) return place(format, sign);
    Number x = unpack(format, a), y = unpack(format, b);
    int64_t exponent = x.exponent - y.exponent + bias(format);
    int unused_bits = 63 - fraction_bits(format);
    uint64_t dividend = x.significand >> unused_bits, divisor = y.significand >> unused_bits;
    if (dividend < divisor) {
        dividend <<= 1;
        exponent -= 1;
    }
    uint64_t quotient =
        format.size_bits == 32 ? quotient_single(dividend, divisor) : quotient_double(dividend, divisor);
    return round_any(format, sign, exponent, quotient);
}

ROUTINES_2(fdiv, divide)

// Root of a square in [2^62, 2^64): 32 bits, leading one first, and what remains.
INLINE uint64_t integer_root(uint64_t square, int64_t *remainder) {
    // Heron from 1.5 * 2^31. The relative error, 0.5 at most, becomes at most 0.0834, 0.0033, 2^-17.5 and 2^-36; from
    // the first step on the root is never too small (arithmetic mean above geometric), so it is exact or 1 too large.
    uint64_t root = UINT64_C(3) << 30;
    root = (root + square / root) >> 1;
    root = (root + square / root) >> 1;
    root = (root + square / root) >> 1;
    root = (root + square / root) >> 1;
    *remainder = (int64_t)(square - root * root);
    if (*remainder < 0) {
        root -= 1;
        *remainder += 2 * (int64_t)root + 1;
    }
    return root;
}

// 23 more bits by one division: (root * 2^23 + digit)^2 = root^2 * 2^46 + (2 * root * digit) * 2^23 + digit^2.
INLINE uint64_t root_double(uint64_t square) {
    int64_t remainder;
    uint64_t root = integer_root(square, &remainder);
    uint64_t digit = ((uint64_t)remainder << 23) / (2 * root);
    remainder = (int64_t)(((uint64_t)remainder << 23) % (2 * root) << 23) - (int64_t)(digit * digit);
    uint64_t longer_root = (root << 23) + digit - (remainder < 0);
    return longer_root << 9 | (remainder != 0);
}

INLINE uint64_t root_single(uint64_t square) {
    int64_t remainder;
    uint64_t root = integer_root(square, &remainder);
    return root << 32 | (remainder != 0);
}

INLINE uint64_t square_root(Format format, uint64_t a) {
    if (is_zero(a)) return place(format, a);
    if (is_nan(format, a) || sign_of(a)) return canonical_nan(format);
    if (is_infinite(format, a)) return infinity(format);
    Number x = unpack(format, a);
    // The bias is odd: with an odd exponent field the power of two is even.
    uint64_t square = x.significand >> (x.exponent & 1);
    uint64_t root = format.size_bits == 32 ? root_single(square) : root_double(square);
    return round_normal(format, 0, (x.exponent + bias(format)) >> 1, root);
}

ROUTINES_1(fsqrt, square_root)
