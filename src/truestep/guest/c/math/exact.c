/* The functions of <math.h> whose results are exact: a few instructions each, or bits moved about. */
#include <math.h>
#include <stdint.h>
#include <string.h>

/* Rounding to nearest even is the only mode there is (M8.2), so these are one function. */
double rint(double x) { return __builtin_rint(x); }
float rintf(float x) { return __builtin_rintf(x); }
double nearbyint(double x) { return __builtin_rint(x); }
float nearbyintf(float x) { return __builtin_rintf(x); }
long lrint(double x) { return (long)__builtin_rint(x); }
long lrintf(float x) { return (long)__builtin_rintf(x); }
long long llrint(double x) { return (long long)__builtin_rint(x); }
long long llrintf(float x) { return (long long)__builtin_rintf(x); }
long lround(double x) { return (long)__builtin_round(x); }
long lroundf(float x) { return (long)__builtin_roundf(x); }
long long llround(double x) { return (long long)__builtin_round(x); }
long long llroundf(float x) { return (long long)__builtin_roundf(x); }

double copysign(double x, double y) { return __builtin_copysign(x, y); }
float copysignf(float x, float y) { return __builtin_copysignf(x, y); }

double fdim(double x, double y) { return isnan(x) || isnan(y) ? x + y : x > y ? x - y : 0; }
float fdimf(float x, float y) { return isnan(x) || isnan(y) ? x + y : x > y ? x - y : 0; }

double modf(double x, double *whole) {
    *whole = __builtin_trunc(x);
    return __builtin_copysign(isinf(x) ? 0 : x - *whole, x);
}

float modff(float x, float *whole) {
    *whole = __builtin_truncf(x);
    return __builtin_copysignf(isinf(x) ? 0 : x - *whole, x);
}

/* x = fraction · 2^exponent with 0.5 ≤ |fraction| < 1; zeros, infinities and NaNs stay with exponent 0. */
double frexp(double x, int *exponent) {
    uint64_t bits;
    *exponent = 0;
    if (x == 0 || !isfinite(x)) return x;
    if (__builtin_fabs(x) < 0x1p-1022) {
        x *= 0x1p54;
        *exponent = -54;
    }
    memcpy(&bits, &x, sizeof bits);
    *exponent += (int)(bits >> 52 & 0x7FF) - 1022;
    bits = (bits & 0x800FFFFFFFFFFFFFu) | (uint64_t)1022 << 52;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float frexpf(float x, int *exponent) { return (float)frexp(x, exponent); } /* exact both ways */

enum { FRACTION_BITS = 52, STEP_BITS = 64 - FRACTION_BITS - 1 };

/* The significand and the exponent of a finite number's bits: significand · 2^(exponent - 1075). */
static uint64_t parts(uint64_t bits, int *exponent) {
    int stored = (int)(bits >> FRACTION_BITS);
    uint64_t fraction = bits & (((uint64_t)1 << FRACTION_BITS) - 1);
    *exponent = stored ? stored : 1;
    return stored ? fraction | (uint64_t)1 << FRACTION_BITS : fraction;
}

/* The remainder of a division of integers, of which the first may have any number of zeros at its end: as many of them
   as 64 bits have room for are taken in at each division.                                                        */
double fmod(double x, double y) {
    uint64_t bits, divisor_bits;
    double magnitude = __builtin_fabs(x), divisor_magnitude = __builtin_fabs(y);
    if (y == 0 || isnan(y) || !isfinite(x)) return (x * y) / (x * y);
    if (magnitude < divisor_magnitude) return x;
    if (magnitude < 0x1p53) {
        /* Mostly both are whole numbers. */
        uint64_t whole = (uint64_t)magnitude, whole_divisor = (uint64_t)divisor_magnitude;
        if ((double)whole == magnitude && (double)whole_divisor == divisor_magnitude)
            return __builtin_copysign((double)(whole % whole_divisor), x);
    }
    int exponent, least;
    memcpy(&bits, &magnitude, sizeof bits);
    memcpy(&divisor_bits, &divisor_magnitude, sizeof divisor_bits);
    uint64_t rest = parts(bits, &exponent), divisor = parts(divisor_bits, &least);
    rest %= divisor;
    for (int zeros = exponent - least; zeros > 0 && rest; zeros -= STEP_BITS)
        rest = (rest << (zeros < STEP_BITS ? zeros : STEP_BITS)) % divisor;
    /* Subnormal numbers are multiples of 2^-1074, and their products with powers of two are exact. */
    uint64_t scale = (uint64_t)(least > FRACTION_BITS ? least - FRACTION_BITS : 1) << FRACTION_BITS;
    double unit, result = (double)rest;
    memcpy(&unit, &scale, sizeof unit);
    result = least > FRACTION_BITS ? result * unit : result * 0x1p-1074 * (double)((uint64_t)1 << (least - 1));
    return __builtin_copysign(result, x);
}

float fmodf(float x, float y) { return (float)fmod(x, y); } /* exact both ways */
