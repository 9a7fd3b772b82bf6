/* What Numba calls for np.dot and `@` of floats: products by the letter of the kind of number. Letters and flags
   come in registers of which only the low byte counts.                                                        */
#include <math.h>

#include "runtime.h"

enum { BLOCK_BYTES = 1 << 15 };

#define KIND 's'
#include "linear_products.h"
#undef KIND
#define KIND 'd'
#include "linear_products.h"
#undef KIND
#define KIND 'c'
#include "linear_products.h"
#undef KIND
#define KIND 'z'
#include "linear_products.h"
#undef KIND

typedef float s_scalar;
typedef double d_scalar;
typedef float _Complex c_scalar;
typedef double _Complex z_scalar;

#define EACH_KIND(DO) \
    switch ((char)kind) { \
    case 's': DO(s) break; \
    case 'd': DO(d) break; \
    case 'c': DO(c) break; \
    default: DO(z) \
    }

static char letter(uint64_t word) {
    char c = (char)word;
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

int32_t numba_xxdot(uint64_t kind, uint64_t conjugate, int64_t count, void *x, void *y, void *result) {
#define DO(t) *(t##_scalar *)result = t##_product((conjugate & 0xFF) != 0, count, x, y);
    EACH_KIND(DO)
#undef DO
    return 0;
}

int32_t numba_xxgemv(uint64_t kind, uint64_t form, int64_t rows, int64_t columns, void *alpha, void *a, int64_t stride,
                     void *x, void *beta, void *y) {
#define DO(t) \
    t##_gemv(letter(form), rows, columns, *(t##_scalar *)alpha, a, stride, x, *(t##_scalar *)beta, y);
    EACH_KIND(DO)
#undef DO
    return 0;
}

int32_t numba_xxgemm(uint64_t kind, uint64_t a_form, uint64_t b_form, int64_t rows, int64_t columns, int64_t inner,
                     void *alpha, void *a, int64_t a_stride, void *b, int64_t b_stride, void *beta, void *c,
                     int64_t c_stride) {
#define DO(t) \
    t##_gemm(letter(a_form), letter(b_form), rows, columns, inner, *(t##_scalar *)alpha, a, a_stride, b, b_stride, \
             *(t##_scalar *)beta, c, c_stride);
    EACH_KIND(DO)
#undef DO
    return 0;
}
