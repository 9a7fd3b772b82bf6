/* What Numba calls for np.dot, `@` and np.linalg: the routines of linear.h by the letter of the type of number.
   Letters and flags come in registers of which only the low byte counts.                                       */
#include <float.h>
#include <math.h>
#include <string.h>

#include "runtime.h"

enum { SWEEPS_MAX = 60, BLOCK_BYTES = 1 << 15 };

static float size_c(float _Complex x) { return hypotf(__real__ x, __imag__ x); }
static double size_z(double _Complex x) { return hypot(__real__ x, __imag__ x); }

#define IS_COMPLEX 0
#define CONJUGATE(x) (x)
#define REAL_PART(x) (x)

#define SCALAR float
#define REAL float
#define NAME(x) s_##x
#define SQRT(x) sqrtf(x)
#define ABSOLUTE(x) fabsf(x)
#define EPSILON FLT_EPSILON
#define TINY (FLT_MIN / FLT_EPSILON)
#define HUGE FLT_MAX
#define LARGEST FLT_MAX
#include "linear.h"
#undef SCALAR
#undef REAL
#undef NAME
#undef SQRT
#undef ABSOLUTE
#undef EPSILON
#undef TINY
#undef HUGE
#undef LARGEST

#define SCALAR double
#define REAL double
#define NAME(x) d_##x
#define SQRT(x) sqrt(x)
#define ABSOLUTE(x) fabs(x)
#define EPSILON DBL_EPSILON
#define TINY (DBL_MIN / DBL_EPSILON)
#define HUGE DBL_MAX
#define LARGEST DBL_MAX
#include "linear.h"
#undef SCALAR
#undef NAME
#undef ABSOLUTE

#undef IS_COMPLEX
#undef CONJUGATE
#undef REAL_PART
#define IS_COMPLEX 1
#define CONJUGATE(x) (~(x))
#define REAL_PART(x) (__real__(x))

#define SCALAR double _Complex
#define NAME(x) z_##x
#define ABSOLUTE(x) size_z(x)
#include "linear.h"
#undef SCALAR
#undef REAL
#undef NAME
#undef SQRT
#undef ABSOLUTE
#undef EPSILON
#undef TINY
#undef HUGE
#undef LARGEST

#define SCALAR float _Complex
#define REAL float
#define NAME(x) c_##x
#define SQRT(x) sqrtf(x)
#define ABSOLUTE(x) size_c(x)
#define EPSILON FLT_EPSILON
#define TINY (FLT_MIN / FLT_EPSILON)
#define HUGE FLT_MAX
#define LARGEST FLT_MAX
#include "linear.h"

typedef float s_scalar, s_real, c_real;
typedef double d_scalar, d_real, z_real;
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
#define DO(t) t##_dot((conjugate & 0xFF) != 0, count, x, y, result);
    EACH_KIND(DO)
#undef DO
    return 0;
}

int32_t numba_xxnrm2(uint64_t kind, int64_t count, void *x, int64_t step, void *result) {
#define DO(t) *(t##_real *)result = t##_norm(count, x, step);
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

int32_t numba_xxgetrf(uint64_t kind, int64_t rows, int64_t columns, void *a, int64_t stride, int32_t *pivots) {
#define DO(t) return t##_getrf(rows, columns, a, stride, pivots);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_ez_xxgetri(uint64_t kind, int64_t size, void *a, int64_t stride, int32_t *pivots) {
#define DO(t) return t##_getri(size, a, stride, pivots);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_xgesv(uint64_t kind, int64_t size, int64_t columns, void *a, int64_t a_stride, int32_t *pivots, void *b,
                    int64_t b_stride) {
#define DO(t) return t##_gesv(size, columns, a, a_stride, pivots, b, b_stride);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_xxpotrf(uint64_t kind, uint64_t triangle, int64_t size, void *a, int64_t stride) {
#define DO(t) return t##_potrf(letter(triangle) == 'u', size, a, stride);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_ez_geqrf(uint64_t kind, int64_t rows, int64_t columns, void *a, int64_t stride, void *tau) {
#define DO(t) return t##_geqrf(rows, columns, a, stride, tau);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_ez_xxgqr(uint64_t kind, int64_t rows, int64_t columns, int64_t count, void *a, int64_t stride,
                       void *tau) {
#define DO(t) return t##_orgqr(rows, columns, count, a, stride, tau);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_ez_gesdd(uint64_t kind, uint64_t form, int64_t rows, int64_t columns, void *a, int64_t stride, void *s,
                       void *u, int64_t u_stride, void *vt, int64_t vt_stride) {
#define DO(t) return t##_gesdd((char)form, rows, columns, a, stride, s, u, u_stride, vt, vt_stride);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_ez_gelsd(uint64_t kind, int64_t rows, int64_t columns, int64_t right_sides, void *a, int64_t a_stride,
                       void *b, int64_t b_stride, void *s, double limit, int32_t *rank) {
#define DO(t) return t##_gelsd(rows, columns, right_sides, a, a_stride, b, b_stride, s, limit, rank);
    EACH_KIND(DO)
#undef DO
}

int32_t numba_ez_xxxevd(uint64_t kind, uint64_t form, uint64_t triangle, int64_t size, void *a, int64_t stride,
                        void *w) {
#define DO(t) return t##_evd((char)form, letter(triangle) == 'l', size, a, stride, w);
    EACH_KIND(DO)
#undef DO
}
