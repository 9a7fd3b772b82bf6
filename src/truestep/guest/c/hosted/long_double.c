/* The functions of <math.h> that neither musl's sources in the wheel nor the other parts have. long double is IEEE
   754's binary128: a sign, 15 bits of exponent, 112 of fraction; its arithmetic is the compiler's in software.     */
#define _GNU_SOURCE
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef unsigned __int128 bits;

enum { EXPONENT_AT = 112, EXPONENT_MASK = 0x7FFF, BIAS = 16383, INTEGERS_FROM = BIAS + EXPONENT_AT };

static bits bits_of(long double x) {
    bits b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static long double of_bits(bits b) {
    long double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

static int exponent_of(bits b) { return (int)(b >> EXPONENT_AT) & EXPONENT_MASK; }

long double copysignl(long double x, long double y) {
    bits sign = (bits)1 << 127;
    return of_bits((bits_of(x) & ~sign) | (bits_of(y) & sign));
}

/* x = fraction · 2^exponent with 0.5 ≤ |fraction| < 1; zeros, infinities and NaNs stay with exponent 0. */
long double frexpl(long double x, int *exponent) {
    *exponent = 0;
    if (x == 0 || !isfinite(x)) return x;
    if (exponent_of(bits_of(x)) == 0) {
        x *= 0x1p120L;
        *exponent = -120;
    }
    bits b = bits_of(x);
    *exponent += exponent_of(b) - (BIAS - 1);
    return of_bits((b & ~((bits)EXPONENT_MASK << EXPONENT_AT)) | (bits)(BIAS - 1) << EXPONENT_AT);
}

long double modfl(long double x, long double *whole) {
    *whole = truncl(x);
    return copysignl(isinf(x) ? 0 : x - *whole, x);
}

/* To nearest, ties to even: adding 2^112 leaves no room for a fraction. */
long double rintl(long double x) {
    long double limit = copysignl(0x1p112L, x);
    if (exponent_of(bits_of(x)) >= INTEGERS_FROM) return x;
    return copysignl(x + limit - limit, x);
}

long lrintl(long double x) { return (long)rintl(x); }
long lroundl(long double x) { return (long)roundl(x); }
long double fdiml(long double x, long double y) { return isnan(x) || isnan(y) ? x + y : x > y ? x - y : 0; }
long double nanl(const char *text) { return (void)text, __builtin_nanl(""); }
double nan(const char *text) { return (void)text, __builtin_nan(""); }
float nanf(const char *text) { return (void)text, __builtin_nanf(""); }
int finite(double x) { return isfinite(x); }
int finitef(float x) { return isfinite(x); }

/* Scaled, so that squares neither overflow nor vanish. */
long double hypotl(long double x, long double y) {
    long double larger = fabsl(x), smaller = fabsl(y);
    int exponent;
    if (isinf(x) || isinf(y)) return INFINITY;
    if (isnan(x) || isnan(y)) return x + y;
    if (larger < smaller) {
        long double other = larger;
        larger = smaller;
        smaller = other;
    }
    if (smaller == 0) return larger;
    frexpl(larger, &exponent);
    larger = ldexpl(larger, -exponent);
    smaller = ldexpl(smaller, -exponent);
    return ldexpl(sqrtl(larger * larger + smaller * smaller), exponent);
}

double exp10(double x) { return pow(10, x); }
float exp10f(float x) { return (float)pow(10, x); }
double pow10(double x) { return pow(10, x); }
float pow10f(float x) { return (float)pow(10, x); }

/* atan from its sine: exact enough for a function that programs rarely call in this precision. */
long double atanl(long double x) { return isinf(x) ? copysignl(acosl(0), x) : asinl(x / hypotl(1, x)); }
