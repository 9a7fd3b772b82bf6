// fsgnj, fsgnjn, fsgnjx, fmin, fmax, fle, flt, feq, fclass.

#include "rom.h"

INLINE uint64_t sign_inject(Format format, uint64_t a, uint64_t b) {
    return place(format, (a & ~TOP_BIT) | sign_of(b));
}

INLINE uint64_t sign_inject_negated(Format format, uint64_t a, uint64_t b) {
    return place(format, (a & ~TOP_BIT) | sign_of(~b));
}

INLINE uint64_t sign_inject_xor(Format format, uint64_t a, uint64_t b) { return place(format, a ^ sign_of(b)); }

ROUTINES_2(fsgnj, sign_inject)
ROUTINES_2(fsgnjn, sign_inject_negated)
ROUTINES_2(fsgnjx, sign_inject_xor)

// The order of numbers as an order of signed integers; -0 comes just before +0.
INLINE int64_t rank(uint64_t aligned) { return (int64_t)(aligned ^ (uint64_t)((int64_t)aligned >> 63) >> 1); }

INLINE uint64_t minimum(Format format, uint64_t a, uint64_t b) {
    if (is_nan(format, a)) return is_nan(format, b) ? canonical_nan(format) : place(format, b);
    return place(format, is_nan(format, b) || rank(a) < rank(b) ? a : b);
}

INLINE uint64_t maximum(Format format, uint64_t a, uint64_t b) {
    if (is_nan(format, a)) return is_nan(format, b) ? canonical_nan(format) : place(format, b);
    return place(format, is_nan(format, b) || rank(a) > rank(b) ? a : b);
}

ROUTINES_2(fmin, minimum)
ROUTINES_2(fmax, maximum)

INLINE bool is_ordered(Format format, uint64_t a, uint64_t b) { return !is_nan(format, a) && !is_nan(format, b); }

INLINE bool are_zeros(uint64_t a, uint64_t b) { return is_zero(a | b); }

INLINE uint64_t less_or_equal(Format format, uint64_t a, uint64_t b) {
    return is_ordered(format, a, b) && (rank(a) <= rank(b) || are_zeros(a, b));
}

INLINE uint64_t less(Format format, uint64_t a, uint64_t b) {
    return is_ordered(format, a, b) && rank(a) < rank(b) && !are_zeros(a, b);
}

INLINE uint64_t equal(Format format, uint64_t a, uint64_t b) {
    return is_ordered(format, a, b) && (a == b || are_zeros(a, b));
}

ROUTINES_2(fle, less_or_equal)
ROUTINES_2(flt, less)
ROUTINES_2(feq, equal)

// The specification's bits: 0 -infinity, 1 -normal, 2 -subnormal, 3 -0, 4 +0, 5 +subnormal, 6 +normal, 7 +infinity,
// 8 signaling NaN, 9 quiet NaN.
INLINE uint64_t classify(Format format, uint64_t a) {
    if (is_nan(format, a)) {
        uint64_t quiet_bit = TOP_BIT >> (format.exponent_bits + 1);
        return a & quiet_bit ? 1 << 9 : 1 << 8;
    }
    bool is_negative = sign_of(a) != 0;
    if (is_infinite(format, a)) return is_negative ? 1 << 0 : 1 << 7;
    if (is_zero(a)) return is_negative ? 1 << 3 : 1 << 4;
    if (exponent_field(format, a) == 0) return is_negative ? 1 << 2 : 1 << 5;
    return is_negative ? 1 << 1 : 1 << 6;
}

ROUTINES_1(fclass, classify)
