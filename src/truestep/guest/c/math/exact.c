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
