// fadd, fsub.

#include "rom.h"

INLINE uint64_t add(Format format, uint64_t a, uint64_t b) {
    if (magnitude(a) < magnitude(b)) {
        uint64_t smaller = a;
        a = b;
        b = smaller;
    }
    if (magnitude(a) >= infinite_magnitude(format)) {
        bool is_undefined = is_nan(format, a) || (is_infinite(format, b) && a != b);
        return is_undefined ? canonical_nan(format) : place(format, a);
    }
    // Significands with their leading one at bit 62; a subnormal number has none and the exponent 1.
    int64_t exponent = exponent_field(format, a), smaller_exponent = exponent_field(format, b);
    uint64_t larger = magnitude(a) << format.exponent_bits >> 2;
    uint64_t smaller = magnitude(b) << format.exponent_bits >> 2;
    if (exponent == 0) exponent = 1; else larger |= TOP_BIT >> 1;
    if (smaller_exponent == 0) smaller_exponent = 1; else smaller |= TOP_BIT >> 1;
    // At least 10 bits stand below a fraction: a bit is lost only by numbers so far apart that no more than one
    // leading bit can cancel, and then it is far below the rounding position.
    smaller = shift_right_sticky(smaller, exponent - smaller_exponent);
    uint64_t sum = larger + smaller;
    if (sign_of(a ^ b)) {
        sum = larger - smaller;
        if (sum == 0) return 0;
    }
    // Bring the leading one to bit 63, as far as the exponent allows.
    int64_t shift = 0;
    if (!(sum & TOP_BIT)) {
        shift = 1;
        if (!(sum & TOP_BIT >> 1)) {
            shift = leading_zeros(sum);
            if (shift > exponent) shift = exponent;
        }
    }
    return round_large(format, sign_of(a), exponent + 1 - shift, sum << shift);
}

INLINE uint64_t subtract(Format format, uint64_t a, uint64_t b) { return add(format, a, b ^ TOP_BIT); }

ROUTINES_2(fadd, add)
ROUTINES_2(fsub, subtract)
