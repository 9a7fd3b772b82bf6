/* Layers of networks. Sums go in the order of the inputs, each product fused with its sum: one rounding for both. */
#include "layers.h"

#include <math.h>
#include <string.h>

static double leaky(double x, double alpha) { return x < 0 ? alpha * x : x; }

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* SciPy's and scikit-learn's, exact for small results too. */
static double expit(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }

static double clip(double x, double low, double high) { return x < low ? low : x > high ? high : x; }

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }

static double gelu_tanh(double x) {
    return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

static double value_of(int function, double x, double alpha, double beta) {
    switch (function) {
        case RELU: return x < 0 ? 0 : x;
        case LEAKY_RELU: return leaky(x, alpha);
        case ELU: return x < 0 ? alpha * expm1(x) : x;
        case SELU: return x < 0 ? beta * alpha * expm1(x) : beta * x;
        case CELU: return x < 0 ? alpha * expm1(x / alpha) : x;
        case SIGMOID: return sigmoid(x);
        case EXPIT: return expit(x);
        case HARD_SIGMOID: return clip(alpha * x + beta, 0, 1);
        case HARD_SWISH: return x * clip(x / 6 + 0.5, 0, 1);
        case TANH: return tanh(x);
        case SOFTPLUS: return softplus(x);
        case SOFTSIGN: return x / (1 + fabs(x));
        case EXP: return exp(x);
        case LOG: return log(x);
        case SQRT: return sqrt(x);
        case ABS: return fabs(x);
        case NEGATE: return -x;
        case RECIPROCAL: return 1 / x;
        case FLOOR: return floor(x);
        case CEIL: return ceil(x);
        case SIGN: return x > 0 ? 1 : x < 0 ? -1 : x;
        case ERF: return erf(x);
        case GELU: return 0.5 * x * (1 + erf(x * 0.7071067811865476));
        case GELU_TANH: return gelu_tanh(x);
        case CLIP: return clip(x, alpha, beta);
        case THRESHOLDED_RELU: return x > alpha ? x : 0;
        case SQUARE_SIGNED: return x < 0 ? -(x * x) : x * x;
        case LOG1P_EXP: return log1p(exp(x));
        case TRUNCATE: return trunc(x);
        case IS_TRUE: return x != 0;
        case NOT_TRUE: return x == 0;
        default: return x;
    }
}

static double result_of(int operation, double x, double y) {
    switch (operation) {
        case POWER: return pow(x, y);
        case MINIMUM: return isnan(x) || x < y ? x : y;
        case MAXIMUM: return isnan(x) || x > y ? x : y;
        case EQUAL: return x == y;
        case GREATER: return x > y;
        case GREATER_OR_EQUAL: return x >= y;
        case LESS: return x < y;
        default: return x <= y;
    }
}

void narrow(const double *x, int64_t count, float *y) {
    for (int64_t i = 0; i < count; i++) y[i] = (float)x[i];
}

void widen(const float *x, int64_t count, double *y) {
    for (int64_t i = 0; i < count; i++) y[i] = (double)x[i];
}

/* Unrolled, so that all sums are in registers. */
#define EACH(lanes) _Pragma("clang loop unroll(full)") for (int i = 0; i < lanes; i++)

#define REAL double
#define NAMED(name) name##_double
#define FUSED(x, y, z) __builtin_fma(x, y, z)
#define ROOT(x) __builtin_sqrt(x)
#define BITS int64_t
#include "layers_of_type.h"
#undef REAL
#undef NAMED
#undef FUSED
#undef ROOT
#undef BITS
#define REAL float
#define NAMED(name) name##_float
#define FUSED(x, y, z) __builtin_fmaf(x, y, z)
#define ROOT(x) __builtin_sqrtf(x)
#define BITS int32_t
#include "layers_of_type.h"
