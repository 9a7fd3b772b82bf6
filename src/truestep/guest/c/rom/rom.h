// What the routines of the ROM share: the two formats, taking numbers apart, rounding them (docs/machine.md M8, M9).
//
// Every routine works on *aligned* values: the format's sign bit stands at bit 63, the exponent below it, then the
// fraction, then zeros. A double is aligned as it is, a single after a shift by 32, which also drops the upper half
// of its register. There are no loops, no tables and no calls: the longest path through a routine is its bound.

#ifndef TRUESTEP_ROM_H
#define TRUESTEP_ROM_H

#include <stdbool.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

typedef struct {
    int size_bits;
    int exponent_bits;
} Format;

static const Format SINGLE = {32, 8};
static const Format DOUBLE = {64, 11};

static const uint64_t TOP_BIT = UINT64_C(1) << 63;

// A number that is not 0, infinite or NaN: significand / 2^63 * 2^(exponent - bias), bit 63 of the significand set.
typedef struct {
    int64_t exponent;
    uint64_t significand;
} Number;

// ---- formats ------------------------------------------------------------------------------------------------------

INLINE int fraction_bits(Format format) { return format.size_bits - 1 - format.exponent_bits; }

INLINE int64_t bias(Format format) { return (INT64_C(1) << (format.exponent_bits - 1)) - 1; }

// The exponent field of infinities and NaNs.
INLINE int64_t exponent_limit(Format format) { return (INT64_C(1) << format.exponent_bits) - 1; }

// +infinity in its place at the low end of a register.
INLINE uint64_t infinity(Format format) { return (uint64_t)exponent_limit(format) << fraction_bits(format); }

INLINE uint64_t canonical_nan(Format format) {
    return infinity(format) | UINT64_C(1) << (fraction_bits(format) - 1);
}

INLINE uint64_t align(Format format, uint64_t value) { return value << (64 - format.size_bits); }

// An aligned value back in its place, a single sign-extended.
INLINE uint64_t place(Format format, uint64_t aligned) {
    return (uint64_t)((int64_t)aligned >> (64 - format.size_bits));
}

// ---- aligned values -----------------------------------------------------------------------------------------------

INLINE uint64_t sign_of(uint64_t aligned) { return aligned & TOP_BIT; }

// The value without its sign, to be compared with others: order of magnitude is order of numbers.
INLINE uint64_t magnitude(uint64_t aligned) { return aligned << 1; }

INLINE uint64_t infinite_magnitude(Format format) { return ~UINT64_C(0) << (64 - format.exponent_bits); }

INLINE bool is_nan(Format format, uint64_t aligned) { return magnitude(aligned) > infinite_magnitude(format); }

INLINE bool is_infinite(Format format, uint64_t aligned) {
    return magnitude(aligned) == infinite_magnitude(format);
}

INLINE bool is_zero(uint64_t aligned) { return magnitude(aligned) == 0; }

INLINE int64_t exponent_field(Format format, uint64_t aligned) {
    return (int64_t)(magnitude(aligned) >> (64 - format.exponent_bits));
}

// How far the highest set bit is from bit 63; of 0, 63.
INLINE int leading_zeros(uint64_t bits) {
    int count = 0;
    if (bits >> 32 == 0) { count += 32; bits <<= 32; }
    if (bits >> 48 == 0) { count += 16; bits <<= 16; }
    if (bits >> 56 == 0) { count += 8; bits <<= 8; }
    if (bits >> 60 == 0) { count += 4; bits <<= 4; }
    if (bits >> 62 == 0) { count += 2; bits <<= 2; }
    return count + (bits >> 63 == 0);
}

// Take a finite number apart. 0 gets significand 0 and exponent -62.
INLINE Number unpack(Format format, uint64_t aligned) {
    Number number = {exponent_field(format, aligned), aligned << format.exponent_bits};
    if (number.exponent == 0) {
        int shift = leading_zeros(number.significand);
        number.exponent = 1 - shift;
        number.significand <<= shift;
    } else {
        number.significand |= TOP_BIT;
    }
    return number;
}

// ---- rounding -----------------------------------------------------------------------------------------------------

// Shift right; what falls off is kept in bit 0 as "there was something" (sticky).
INLINE uint64_t shift_right_sticky(uint64_t bits, int64_t count) {
    if (count > 63) return bits != 0;
    uint64_t shifted = bits >> count;
    return shifted | (shifted << count != bits);
}

// The result with this sign (bit 63), this biased exponent of bit 63 and this significand, rounded to nearest, ties
// to even. The exponent is at least 1; if it is 1 the significand may lack bit 63 and makes a subnormal number or 0.
INLINE uint64_t round_normal(Format format, uint64_t sign, int64_t exponent, uint64_t significand) {
    int dropped_bits = 63 - fraction_bits(format);
    uint64_t kept = significand >> dropped_bits;
    uint64_t dropped = significand << (64 - dropped_bits);
    // More than half, or half and odd: the lowest bits of `dropped` are 0, so the odd bit breaks the tie.
    bool rounds_up = dropped + (kept & 1) > TOP_BIT;
    // The leading one of `kept` adds 1 to the exponent field, and so does a carry into a new leading one.
    return ((uint64_t)(exponent - 1) << fraction_bits(format)) + kept + rounds_up | place(format, sign);
}

// The same where the exponent may be too large.
INLINE uint64_t round_large(Format format, uint64_t sign, int64_t exponent, uint64_t significand) {
    uint64_t unsigned_result = round_normal(format, 0, exponent, significand);
    if (unsigned_result > infinity(format)) unsigned_result = infinity(format);
    return unsigned_result | place(format, sign);
}

// The same for any exponent.
INLINE uint64_t round_any(Format format, uint64_t sign, int64_t exponent, uint64_t significand) {
    if (exponent < 1) {
        significand = shift_right_sticky(significand, 1 - exponent);
        exponent = 1;
    }
    return round_large(format, sign, exponent, significand);
}

// ---- routines -----------------------------------------------------------------------------------------------------

// Both formats of an operation on aligned values.
#define ROUTINES_1(name, operation)                                                                              \
    uint64_t name##_s(uint64_t a) { return operation(SINGLE, align(SINGLE, a)); }                                \
    uint64_t name##_d(uint64_t a) { return operation(DOUBLE, a); }

#define ROUTINES_2(name, operation)                                                                              \
    uint64_t name##_s(uint64_t a, uint64_t b) {                                                                  \
        return operation(SINGLE, align(SINGLE, a), align(SINGLE, b));                                            \
    }                                                                                                            \
    uint64_t name##_d(uint64_t a, uint64_t b) { return operation(DOUBLE, a, b); }

#endif
