// fcvt between the formats, from floats to integers and from integers to floats.

#include "rom.h"

// ---- between the formats ------------------------------------------------------------------------------------------

uint64_t fcvt_d_s(uint64_t value) {
    uint64_t a = align(SINGLE, value);
    if (is_nan(SINGLE, a)) return canonical_nan(DOUBLE);
    if (is_infinite(SINGLE, a)) return infinity(DOUBLE) | sign_of(a);
    if (is_zero(a)) return a;
    Number x = unpack(SINGLE, a);
    return round_normal(DOUBLE, sign_of(a), x.exponent - bias(SINGLE) + bias(DOUBLE), x.significand);
}

uint64_t fcvt_s_d(uint64_t a) {
    if (is_nan(DOUBLE, a)) return canonical_nan(SINGLE);
    if (is_infinite(DOUBLE, a)) return infinity(SINGLE) | place(SINGLE, sign_of(a));
    // A double that is subnormal, or 0, rounds to a single 0 with or without the leading one that it lacks.
    uint64_t significand = a << DOUBLE.exponent_bits | TOP_BIT;
    int64_t exponent = exponent_field(DOUBLE, a) - bias(DOUBLE) + bias(SINGLE);
    return round_any(SINGLE, sign_of(a), exponent, significand);
}

// ---- rounding modes -----------------------------------------------------------------------------------------------

enum { TO_NEAREST_EVEN, TO_ZERO, DOWN, UP, TO_NEAREST_AWAY };

// Whether what was dropped, a fraction with one half at bit 63, makes the kept integer one larger (in magnitude).
INLINE bool rounds_away(uint64_t mode, bool is_negative, uint64_t kept, uint64_t dropped) {
    if (mode == TO_NEAREST_EVEN) return dropped > TOP_BIT || (dropped == TOP_BIT && (kept & 1));
    if (mode == TO_ZERO) return false;
    if (mode == DOWN) return is_negative && dropped != 0;
    if (mode == UP) return !is_negative && dropped != 0;
    return dropped >= TOP_BIT;
}

// ---- floats to integers -------------------------------------------------------------------------------------------

typedef struct {
    int size_bits;
    bool is_signed;
} Integer;

static const Integer W = {32, true}, WU = {32, false}, L = {64, true}, LU = {64, false};

INLINE uint64_t extend(Integer integer, uint64_t value) {
    return integer.size_bits == 32 ? (uint64_t)(int64_t)(int32_t)(uint32_t)value : value;
}

INLINE uint64_t to_integer(Format format, Integer integer, uint64_t a, uint64_t mode) {
    uint64_t largest = ~UINT64_C(0) >> (64 - integer.size_bits) >> integer.is_signed;
    if (is_nan(format, a)) return extend(integer, largest);
    bool is_negative = sign_of(a) != 0;
    if (is_negative && !integer.is_signed) return 0;
    uint64_t limit = largest + is_negative;
    // How far the units stand above bit 0; without its leading one a subnormal number is still between 0 and 1/2.
    int64_t shift = bias(format) + 63 - exponent_field(format, a);
    uint64_t significand = a << format.exponent_bits | TOP_BIT, units = 0, dropped;
    if (shift < 0) return extend(integer, is_negative ? -limit : limit);
    if (shift == 0) {
        units = significand;
        dropped = 0;
    } else if (shift < 64) {
        units = significand >> shift;
        dropped = significand << (64 - shift);
    } else {
        dropped = shift == 64 ? significand : !is_zero(a);
    }
    // If anything was dropped there is room for one more.
    units += rounds_away(mode, is_negative, units, dropped);
    if (units > limit) units = limit;
    return extend(integer, is_negative ? -units : units);
}

// ---- integers to floats -------------------------------------------------------------------------------------------

INLINE uint64_t from_integer(Format format, Integer integer, uint64_t value, uint64_t mode) {
    if (integer.size_bits == 32) value = integer.is_signed ? extend(integer, value) : (uint32_t)value;
    bool is_negative = integer.is_signed && (int64_t)value < 0;
    if (is_negative) value = -value;
    if (value == 0) return 0;
    int shift = leading_zeros(value), dropped_bits = 63 - fraction_bits(format);
    uint64_t significand = value << shift, kept = significand >> dropped_bits;
    // 32 bits fit into a double: nothing is dropped.
    if (integer.size_bits == 64 || format.size_bits == 32) {
        kept += rounds_away(mode, is_negative, kept, significand << (64 - dropped_bits));
    }
    // The leading one of `kept` adds 1 to the exponent field.
    uint64_t exponent = (uint64_t)(bias(format) + 63 - shift - 1);
    return (exponent << fraction_bits(format)) + kept | place(format, is_negative ? TOP_BIT : 0);
}

#define ROUTINES_INTEGER(name, integer)                                                                          \
    uint64_t fcvt_##name##_s(uint64_t a, uint64_t mode) {                                                        \
        return to_integer(SINGLE, integer, align(SINGLE, a), mode);                                              \
    }                                                                                                            \
    uint64_t fcvt_##name##_d(uint64_t a, uint64_t mode) { return to_integer(DOUBLE, integer, a, mode); }         \
    uint64_t fcvt_s_##name(uint64_t value, uint64_t mode) { return from_integer(SINGLE, integer, value, mode); } \
    uint64_t fcvt_d_##name(uint64_t value, uint64_t mode) { return from_integer(DOUBLE, integer, value, mode); }

ROUTINES_INTEGER(w, W)
ROUTINES_INTEGER(wu, WU)
ROUTINES_INTEGER(l, L)
ROUTINES_INTEGER(lu, LU)
