/* What Numba calls for np.dot and `@` of floats: products for each kind of number. Letters and flags come in
   registers of which only the low byte counts.                                                                */
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

static char letter(uint64_t word) {
    char c = (char)word;
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* One function for each kind, so that a guest holds those alone that it calls (guest/python/compiler/codegen.py). */
#define PRODUCTS(t) \
    int32_t numba_xxdot_##t(uint64_t kind, uint64_t conjugate, int64_t count, void *x, void *y, void *result) { \
        (void)kind; \
        *(t##_scalar *)result = t##_product((conjugate & 0xFF) != 0, count, x, y); \
        return 0; \
    } \
    int32_t numba_xxgemv_##t(uint64_t kind, uint64_t form, int64_t rows, int64_t columns, void *alpha, void *a, \
                             int64_t stride, void *x, void *beta, void *y) { \
        (void)kind; \
        t##_gemv(letter(form), rows, columns, *(t##_scalar *)alpha, a, stride, x, *(t##_scalar *)beta, y); \
        return 0; \
    } \
    int32_t numba_xxgemm_##t(uint64_t kind, uint64_t a_form, uint64_t b_form, int64_t rows, int64_t columns, \
                             int64_t inner, void *alpha, void *a, int64_t a_stride, void *b, int64_t b_stride, \
                             void *beta, void *c, int64_t c_stride) { \
        (void)kind; \
        t##_gemm(letter(a_form), letter(b_form), rows, columns, inner, *(t##_scalar *)alpha, a, a_stride, b, \
                 b_stride, *(t##_scalar *)beta, c, c_stride); \
        return 0; \
    }

PRODUCTS(s)
PRODUCTS(d)
PRODUCTS(c)
PRODUCTS(z)
