/* Eigenvalues of symmetric and Hermitian matrices for one kind of number (Golub and Van Loan, section 8.3). */
#include "linear_reflections.h"

/* a = q t q*, t tridiagonal with diagonal d and e beside it, from a's lower triangle: q's reflections below it */
static void NAME(tridiagonalise)(int64_t size, SCALAR *a, double *d, double *e, SCALAR *tau) {
    int64_t a_stride = size;
    SCALAR *w = truestep_allocate((size_t)size * sizeof *w + 1);
    for (int64_t step = 0; step < size; step++) {
        int64_t count = size - step - 1;
        d[step] = REAL_PART(AT(a, step, step));
        if (!count) break;
        SCALAR *v = &AT(a, step + 1, step), *rest = &AT(a, step + 1, step + 1);
        tau[step] = NAME(reflection)(count, v);
        e[step] = REAL_PART(v[0]);
        if (tau[step] == 0) continue;
        v[0] = 1;
        for (int64_t i = 0; i < count; i++) w[i] = 0;
        for (int64_t i = 0; i < count; i++) { /* w = tau · rest · v, by the lower triangle of rest */
            const SCALAR *column = rest + i * size;
            w[i] += REAL_PART(column[i]) * v[i] + NAME(product)(1, count - i - 1, column + i + 1, v + i + 1);
            NAME(add_multiple)(count - i - 1, v[i], column + i + 1, w + i + 1);
        }
        NAME(scale)(count, tau[step], w);
        SCALAR half = -tau[step] * NAME(product)(1, count, w, v) / 2;
        NAME(add_multiple)(count, half, v, w);
        for (int64_t i = 0; i < count; i++) { /* rest -= v w* + w v* */
            SCALAR of_w = -CONJUGATE(w[i]), of_v = -CONJUGATE(v[i]), *column = rest + i * size;
            for (int64_t row = i; row < count; row++) column[row] += of_w * v[row] + of_v * w[row];
        }
        v[0] = e[step];
    }
    free(w);
}

/* The items in reverse order: of a matrix, its rows and columns */
static void NAME(reverse)(int64_t count, SCALAR *items) {
    for (int64_t i = 0; i < count / 2; i++) {
        SCALAR moved = items[i];
        items[i] = items[count - 1 - i], items[count - 1 - i] = moved;
    }
}

static void NAME(reverse_reals)(int64_t count, double *items) {
    for (int64_t i = 0; i < count / 2; i++) {
        double moved = items[i];
        items[i] = items[count - 1 - i], items[count - 1 - i] = moved;
    }
}

/* Eigenvalues w of each of `count` matrices, rising, and their vectors if `wants_vectors`; 1 if one is not finite */
int32_t NAME(truestep_eigh)(int64_t count, int64_t size, int64_t is_upper, int64_t wants_vectors, SCALAR *a,
                            double *w, SCALAR *vectors) {
    double *e = truestep_allocate((size_t)size * sizeof *e + 1);
    SCALAR *tau = truestep_allocate((size_t)size * sizeof *tau + 1);
    int32_t failed = 0;
    int64_t rows = wants_vectors ? size * (int64_t)(sizeof(SCALAR) / sizeof(double)) : 0;
    for (; count > 0 && !failed; count--, a += size * size, w += size) {
        if (!(NAME(largest)(size * size, a) <= LARGEST_NUMBER)) failed = 1;
        if (failed) break;
        if (is_upper) NAME(reverse)(size * size, a); /* the upper triangle is the lower one, read backward */
        double factor = NAME(bring_into_range)(size * size, a);
        NAME(tridiagonalise)(size, a, w, e, tau);
        if (wants_vectors) {
            NAME(set_unit)(size, size, vectors);
            if (size > 1) NAME(apply_q)(size, size - 1, 1, a, tau, size, vectors, 1);
        }
        if (is_upper) {
            NAME(reverse_reals)(size, w);
            NAME(reverse_reals)(size > 0 ? size - 1 : 0, e);
            if (wants_vectors) NAME(reverse)(size * size, vectors);
        }
        failed = truestep_tridiagonal(size, w, e, rows, (double *)vectors);
        if (wants_vectors) vectors += size * size;
        for (int64_t i = 0; i < size; i++) w[i] *= factor;
    }
    free(e);
    free(tau);
    return failed;
}
