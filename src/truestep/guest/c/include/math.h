/* The part of <math.h> that a guest has, in double and single precision. There is no errno, there are no
   floating-point exceptions, and rounding is to nearest even (docs/machine.md, M8.2). Results are bits that
   depend on the arguments alone, not on the computer that runs the guest.                                */
#ifndef TRUESTEP_MATH_H
#define TRUESTEP_MATH_H

#ifdef __cplusplus
extern "C" {
#endif

typedef double double_t;
typedef float float_t;

#define HUGE_VAL __builtin_huge_val()
#define HUGE_VALF __builtin_huge_valf()
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

#define M_E 2.7182818284590452354
#define M_LOG2E 1.4426950408889634074
#define M_LOG10E 0.43429448190325182765
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_2_SQRTPI 1.12837916709551257390
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440

#define FP_NAN 0
#define FP_INFINITE 1
#define FP_ZERO 2
#define FP_SUBNORMAL 3
#define FP_NORMAL 4
#define FP_ILOGB0 (-2147483647 - 1)
#define FP_ILOGBNAN (-2147483647 - 1)

#define fpclassify(x) __builtin_fpclassify(FP_NAN, FP_INFINITE, FP_NORMAL, FP_SUBNORMAL, FP_ZERO, x)
#define isfinite(x) __builtin_isfinite(x)
#define isinf(x) __builtin_isinf(x)
#define isnan(x) __builtin_isnan(x)
#define isnormal(x) __builtin_isnormal(x)
#define signbit(x) __builtin_signbit(x)
#define isgreater(x, y) __builtin_isgreater(x, y)
#define isgreaterequal(x, y) __builtin_isgreaterequal(x, y)
#define isless(x, y) __builtin_isless(x, y)
#define islessequal(x, y) __builtin_islessequal(x, y)
#define islessgreater(x, y) __builtin_islessgreater(x, y)
#define isunordered(x, y) __builtin_isunordered(x, y)

#define TRUESTEP_UNARY(name) \
    double name(double x); \
    float name##f(float x);
#define TRUESTEP_BINARY(name) \
    double name(double x, double y); \
    float name##f(float x, float y);

TRUESTEP_UNARY(exp) TRUESTEP_UNARY(exp2) TRUESTEP_UNARY(expm1)
TRUESTEP_UNARY(log) TRUESTEP_UNARY(log2) TRUESTEP_UNARY(log10) TRUESTEP_UNARY(log1p) TRUESTEP_UNARY(logb)
TRUESTEP_UNARY(sin) TRUESTEP_UNARY(cos) TRUESTEP_UNARY(tan)
TRUESTEP_UNARY(asin) TRUESTEP_UNARY(acos) TRUESTEP_UNARY(atan) TRUESTEP_BINARY(atan2)
TRUESTEP_UNARY(sinh) TRUESTEP_UNARY(cosh) TRUESTEP_UNARY(tanh)
TRUESTEP_UNARY(asinh) TRUESTEP_UNARY(acosh) TRUESTEP_UNARY(atanh)
TRUESTEP_BINARY(pow) TRUESTEP_UNARY(sqrt) TRUESTEP_UNARY(cbrt) TRUESTEP_BINARY(hypot)
TRUESTEP_UNARY(erf) TRUESTEP_UNARY(erfc) TRUESTEP_UNARY(tgamma) TRUESTEP_UNARY(lgamma)
TRUESTEP_UNARY(fabs) TRUESTEP_UNARY(floor) TRUESTEP_UNARY(ceil) TRUESTEP_UNARY(trunc) TRUESTEP_UNARY(round)
TRUESTEP_UNARY(rint) TRUESTEP_UNARY(nearbyint)
TRUESTEP_BINARY(fmod) TRUESTEP_BINARY(remainder) TRUESTEP_BINARY(copysign) TRUESTEP_BINARY(nextafter)
TRUESTEP_BINARY(fdim) TRUESTEP_BINARY(fmax) TRUESTEP_BINARY(fmin)

#undef TRUESTEP_UNARY
#undef TRUESTEP_BINARY

double fma(double x, double y, double z);
float fmaf(float x, float y, float z);
double frexp(double x, int *exponent);
float frexpf(float x, int *exponent);
double ldexp(double x, int exponent);
float ldexpf(float x, int exponent);
double scalbn(double x, int exponent);
float scalbnf(float x, int exponent);
double modf(double x, double *whole);
float modff(float x, float *whole);
double remquo(double x, double y, int *quotient);
float remquof(float x, float y, int *quotient);
double lgamma_r(double x, int *sign);
float lgammaf_r(float x, int *sign);
int ilogb(double x);
int ilogbf(float x);
long lrint(double x);
long lrintf(float x);
long long llrint(double x);
long long llrintf(float x);
long lround(double x);
long lroundf(float x);
long long llround(double x);
long long llroundf(float x);
double j0(double x);
double j1(double x);
double jn(int order, double x);
double y0(double x);
double y1(double x);
double yn(int order, double x);

#ifdef __cplusplus
}
#endif
#endif
