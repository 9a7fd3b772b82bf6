// fmul and the fused fmadd, fmsub, fnmsub, fnmadd.

#include "rom.h"

typedef unsigned __int128 uint128_t;

INLINE uint64_t multiply(Format format, uint64_t a, uint64_t b) {
    uint64_t sign = sign_of(a ^ b);
    uint64_t larger = magnitude(a) > magnitude(b) ? magnitude(a) : magnitude(b);
    uint64_t smaller = magnitude(a) > magnitude(b) ? magnitude(b) : magnitude(a);
    if (larger >= infinite_magnitude(format)) {
        bool is_undefined = larger > infinite_magnitude(format) || smaller == 0;
        return is_undefined ? canonical_nan(format) : infinity(format) | place(format, sign);
    }
    if (smaller == 0) return place(format, sign);
    Number x = unpack(format, a), y = unpack(format, b);
    uint64_t product;
    if (format.size_bits == 32) {
        product = (x.significand >> 32) * (y.significand >> 32);
    } else {
        uint128_t exact = (uint128_t)x.significand * y.significand;
        product = (uint64_t)(exact >> 64) | ((uint64_t)exact != 0);
    }
    int64_t exponent = x.exponent + y.exponent - bias(format) + 1;
    if (!(product & TOP_BIT)) {
        product <<= 1;
        exponent -= 1;
    }
    return round_any(format, sign, exponent, product);
}

ROUTINES_2(fmul, multiply)

// a · b + c where one of them is infinite or NaN.
INLINE uint64_t multiply_add_special(Format format, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t sign = sign_of(a ^ b);
    if (is_nan(format, a) || is_nan(format, b) || is_nan(format, c)) return canonical_nan(format);
    if (!is_infinite(format, a) && !is_infinite(format, b)) return place(format, c);
    bool is_undefined = is_zero(a) || is_zero(b) || (is_infinite(format, c) && sign_of(c) != sign);
    return is_undefined ? canonical_nan(format) : infinity(format) | place(format, sign);
}

// The significands' exact product and the addend meet with leading ones at bit 62 (the product's may be at 61). The
// product has 15 zeros at its end and the addend 39, so a bit is lost only if the other number is that much larger:
// then no more than one leading bit cancels.
INLINE uint64_t multiply_add_single(uint64_t sign, Number x, Number y, uint64_t addend_sign, Number z) {
    uint64_t product = (x.significand >> 32) * (y.significand >> 33), addend = z.significand >> 1;
    int64_t exponent = x.exponent + y.exponent - bias(SINGLE) + 1;
    if (exponent >= z.exponent) {
        addend = shift_right_sticky(addend, exponent - z.exponent);
    } else {
        product = shift_right_sticky(product, z.exponent - exponent);
        exponent = z.exponent;
    }
    uint64_t sum = product + addend;
    if (sign != addend_sign) {
        sum = product - addend;
        if (sum == 0) return 0;
        if ((int64_t)sum < 0) {
            sum = -sum;
            sign = addend_sign;
        }
    }
    int shift = leading_zeros(sum);
    return round_any(SINGLE, sign, exponent + 1 - shift, sum << shift);
}

INLINE uint128_t shift_right_sticky_wide(uint128_t bits, int64_t count) {
    uint64_t upper = (uint64_t)(bits >> 64), lower = (uint64_t)bits;
    if (count == 0) return bits;
    if (count > 63) return shift_right_sticky(upper, count - 64) | (lower != 0);
    uint64_t lost = lower << (64 - count);
    return (uint128_t)(upper >> count) << 64 | upper << (64 - count) | lower >> count | (lost != 0);
}

// The same on 128 bits: leading ones at bit 126 (the product's may be at 125), 21 zeros at the product's end, 74 at
// the addend's.
INLINE uint64_t multiply_add_double(uint64_t sign, Number x, Number y, uint64_t addend_sign, Number z) {
    uint128_t product = (uint128_t)x.significand * (y.significand >> 1);
    uint128_t addend = (uint128_t)(z.significand >> 1) << 64;
    int64_t exponent = x.exponent + y.exponent - bias(DOUBLE) + 1;
    if (exponent >= z.exponent) {
        addend = shift_right_sticky_wide(addend, exponent - z.exponent);
    } else {
        product = shift_right_sticky_wide(product, z.exponent - exponent);
        exponent = z.exponent;
    }
    uint128_t sum = product + addend;
    if (sign != addend_sign) {
        sum = product - addend;
        if (sum == 0) return 0;
        if ((int64_t)(sum >> 64) < 0) {
            sum = -sum;
            sign = addend_sign;
        }
    }
    uint64_t upper = (uint64_t)(sum >> 64), lower = (uint64_t)sum;
    if (upper == 0) {
        upper = lower;
        lower = 0;
        exponent -= 64;
    }
    int shift = leading_zeros(upper);
    upper = upper << shift | lower >> 1 >> (63 - shift) | (lower << shift != 0);
    return round_any(DOUBLE, sign, exponent + 1 - shift, upper);
}

INLINE uint64_t multiply_add(Format format, uint64_t a, uint64_t b, uint64_t c) {
    int64_t limit = exponent_limit(format);
    if (exponent_field(format, a) == limit || exponent_field(format, b) == limit ||
        exponent_field(format, c) == limit) {
        return multiply_add_special(format, a, b, c);
    }
    uint64_t sign = sign_of(a ^ b);
    if (is_zero(a) || is_zero(b)) return is_zero(c) && sign_of(c) != sign ? 0 : place(format, c);
    // If c is 0 its exponent is -62: a product below that rounds to 0, whatever its bits.
    Number x = unpack(format, a), y = unpack(format, b), z = unpack(format, c);
    return format.size_bits == 32 ? multiply_add_single(sign, x, y, sign_of(c), z)
                                  : multiply_add_double(sign, x, y, sign_of(c), z);
}

// Not inlined: the others are fmadd with the sign of the product or of the addend turned, and end with a jump to it.
__attribute__((noinline)) uint64_t fmadd_s(uint64_t a, uint64_t b, uint64_t c) {
    return multiply_add(SINGLE, align(SINGLE, a), align(SINGLE, b), align(SINGLE, c));
}

__attribute__((noinline)) uint64_t fmadd_d(uint64_t a, uint64_t b, uint64_t c) {
    return multiply_add(DOUBLE, a, b, c);
}

static const uint64_t SINGLE_SIGN = UINT64_C(1) << 31;

uint64_t fmsub_s(uint64_t a, uint64_t b, uint64_t c) { return fmadd_s(a, b, c ^ SINGLE_SIGN); }
uint64_t fmsub_d(uint64_t a, uint64_t b, uint64_t c) { return fmadd_d(a, b, c ^ TOP_BIT); }

uint64_t fnmsub_s(uint64_t a, uint64_t b, uint64_t c) { return fmadd_s(a ^ SINGLE_SIGN, b, c); }
uint64_t fnmsub_d(uint64_t a, uint64_t b, uint64_t c) { return fmadd_d(a ^ TOP_BIT, b, c); }

uint64_t fnmadd_s(uint64_t a, uint64_t b, uint64_t c) { return fmadd_s(a ^ SINGLE_SIGN, b, c ^ SINGLE_SIGN); }
uint64_t fnmadd_d(uint64_t a, uint64_t b, uint64_t c) { return fmadd_d(a ^ TOP_BIT, b, c ^ TOP_BIT); }
