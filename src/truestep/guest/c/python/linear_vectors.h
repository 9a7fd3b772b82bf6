/* Operations on vectors of one kind of number. Matrices are stored by columns, `stride` items from one column to
   the next. Every sum runs in one order, so that a result is the same bits everywhere.                        */
#include "linear_kind.h"

#undef AT
#define AT(matrix, row, column) (matrix)[(row) + (column) * matrix##_stride]

/* sum of conjugate(x) · y, if `is_conjugated`, else of x · y: in four sums, which do not wait for each other */
static SCALAR NAME(product)(int is_conjugated, int64_t count, const SCALAR *x, const SCALAR *y) {
    SCALAR sums[4] = {0, 0, 0, 0};
    int64_t i = 0;
    if (is_conjugated) {
        for (; i + 4 <= count; i += 4)
            for (int k = 0; k < 4; k++) sums[k] += CONJUGATE(x[i + k]) * y[i + k];
        for (; i < count; i++) sums[0] += CONJUGATE(x[i]) * y[i];
    } else {
        for (; i + 4 <= count; i += 4)
            for (int k = 0; k < 4; k++) sums[k] += x[i + k] * y[i + k];
        for (; i < count; i++) sums[0] += x[i] * y[i];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* target += factor · source */
static void NAME(add_multiple)(int64_t count, SCALAR factor, const SCALAR *source, SCALAR *target) {
    if (factor == 0) return;
    for (int64_t i = 0; i < count; i++) target[i] += factor * source[i];
}

static void NAME(scale)(int64_t count, SCALAR factor, SCALAR *target) {
    for (int64_t i = 0; i < count; i++) target[i] *= factor;
}

/* a / b without overflow on the way (R. L. Smith, Algorithm 116) */
static SCALAR NAME(quotient)(SCALAR a, SCALAR b) {
#if IS_COMPLEX
    double c = __real__ b, d = __imag__ b, ratio, scale;
    SCALAR result;
    if (fabs(d) <= fabs(c)) {
        ratio = d / c, scale = c + d * ratio;
        __real__ result = (__real__ a + __imag__ a * ratio) / scale;
        __imag__ result = (__imag__ a - __real__ a * ratio) / scale;
    } else {
        ratio = c / d, scale = c * ratio + d;
        __real__ result = (__real__ a * ratio + __imag__ a) / scale;
        __imag__ result = (__imag__ a * ratio - __real__ a) / scale;
    }
    return result;
#else
    return a / b;
#endif
}
