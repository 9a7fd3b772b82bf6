/* Most decimals in texts have few digits and small exponents: integers of 128 bits are enough to round them, where musl
   computes in `long double`, which is software here.

   value = digits · 5^exponent · 2^exponent; both powers of five and digits fit into 64 bits, so their product is exact
   and their quotient has a remainder that says which way to round.                                             */
#include "decimals.h"

enum { MOST_POWER = 27, EXACT_POWER = 22, EXACT_BITS = 53, DOUBLE_BIAS = 1023, SINGLE_LARGEST = 127 };

typedef unsigned __int128 wide;

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static uint64_t power_of_five(int exponent) {
    uint64_t power = 1;
    for (uint64_t factor = 5; exponent; exponent >>= 1, factor *= factor)
        if (exponent & 1) power *= factor;
    return power;
}

/* significand · 2^exponent, and something smaller than its last bit if has_rest, rounded to a float of `bits` bits. */
static int rounded(uint64_t significand, int has_rest, int exponent, int bits, double *value) {
    int excess = 64 - __builtin_clzll(significand) - bits;
    if (excess > 0) {
        uint64_t half = (uint64_t)1 << (excess - 1), below = significand & (2 * half - 1);
        significand >>= excess;
        exponent += excess;
        significand += below > half || (below == half && (has_rest || (significand & 1)));
    }
    uint64_t scale = (uint64_t)(exponent + DOUBLE_BIAS) << (EXACT_BITS - 1);
    double power;
    __builtin_memcpy(&power, &scale, sizeof power);
    *value = (double)significand * power;
    return bits == EXACT_BITS || *value < 0x1p128;
}

int __truestep_scaled(uint64_t digits, int exponent, int bits, double *value) {
    int power = exponent < 0 ? -exponent : exponent;
    if (digits >> EXACT_BITS == 0 && power <= EXACT_POWER && bits == EXACT_BITS) {
        *value = exponent < 0 ? (double)digits / powers_of_ten[power] : (double)digits * powers_of_ten[power];
        return 1;
    }
    if (power > MOST_POWER || !digits) return 0;
    uint64_t five = power_of_five(power);
    if (exponent >= 0) {
        wide product = (wide)digits * five;
        uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
        if (!high) return rounded(low, 0, exponent, bits, value);
        int shift = 64 - __builtin_clzll(high);
        return rounded((uint64_t)(product >> shift), low << (64 - shift) != 0, exponent + shift, bits, value);
    }
    int up = __builtin_clzll(digits), down = __builtin_clzll(five);
    wide numerator = (wide)(digits << up) << 63;
    uint64_t divisor = five << down, quotient = (uint64_t)(numerator / divisor);
    int has_rest = (uint64_t)numerator != quotient * divisor;
    return rounded(quotient, has_rest, exponent - 63 - up + down, bits, value);
}
