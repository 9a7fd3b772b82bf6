/* Singular values and least squares for one kind of number (Golub and Van Loan, sections 5.4, 5.5 and 8.6). Tall
   matrices are first reduced to their triangular factor, so that no work space is larger than the matrix itself. */
#include "linear_reflections.h"

/* a = q b p*, b upper bidiagonal with diagonal d and e above it: q's reflections below a's diagonal, p's in the
   columns of `right`, from the row below the diagonal on                                                      */
static void NAME(bidiagonalise)(int64_t rows, int64_t columns, SCALAR *a, double *d, double *e, SCALAR *tau_q,
                                SCALAR *right, SCALAR *tau_p) {
    int64_t a_stride = rows;
    SCALAR *sums = truestep_allocate((size_t)rows * sizeof *sums + 1);
    for (int64_t step = 0; step < columns; step++) {
        int64_t below = rows - step - 1, beside = columns - step - 1;
        tau_q[step] = NAME(reflection)(rows - step, &AT(a, step, step));
        d[step] = REAL_PART(AT(a, step, step));
        for (int64_t column = step + 1; column < columns; column++)
            NAME(reflect)(rows - step, CONJUGATE(tau_q[step]), &AT(a, step, step), &AT(a, step, column));
        if (!beside) continue;
        SCALAR *v = right + step * columns + step + 1;
        for (int64_t i = 0; i < beside; i++) v[i] = CONJUGATE(AT(a, step, step + 1 + i));
        tau_p[step] = NAME(reflection)(beside, v);
        e[step] = REAL_PART(v[0]);
        for (int64_t row = 0; row < below; row++) sums[row] = 0;
        for (int64_t i = 0; i < beside; i++)
            NAME(add_multiple)(below, i ? v[i] : 1, &AT(a, step + 1, step + 1 + i), sums);
        NAME(scale)(below, tau_p[step], sums);
        for (int64_t i = 0; i < beside; i++)
            NAME(add_multiple)(below, -(i ? CONJUGATE(v[i]) : 1), sums, &AT(a, step + 1, step + 1 + i));
    }
    free(sums);
}

/* a = u diag(s) v* for rows ≥ columns, by the bidiagonal matrix; `is_flipped`: what is wanted is a*'s, so that the
   bidiagonal matrix is the lower one that LAPACK has for a lying matrix. u and v are filled by the caller with what
   the reflections are to be applied to, or have no columns.                                                        */
static int32_t NAME(bidiagonal_svd)(int64_t rows, int64_t columns, SCALAR *a, double *s, int64_t u_columns, SCALAR *u,
                                    int64_t v_columns, SCALAR *v, int is_flipped) {
    double *e = truestep_allocate((size_t)columns * sizeof *e + 1);
    SCALAR *tau = truestep_allocate(2 * (size_t)columns * sizeof *tau + 1);
    SCALAR *right = truestep_allocate((size_t)(columns * columns) * sizeof *right + 1);
    NAME(bidiagonalise)(rows, columns, a, s, e, tau, right, tau + columns);
    NAME(set_unit)(rows, u_columns, u);
    NAME(set_unit)(columns, v_columns, v);
    NAME(apply_q)(rows, columns, 0, a, tau, u_columns, u, 1);
    if (columns > 1) NAME(apply_q)(columns, columns - 1, 1, right, tau + columns, v_columns, v, 1);
    int64_t parts = sizeof(SCALAR) / sizeof(double), u_rows = u_columns ? rows * parts : 0;
    int64_t v_rows = v_columns ? columns * parts : 0;
    int32_t failed = is_flipped
                         ? truestep_bidiagonal(1, columns, s, e, v_rows, (double *)v, u_rows, (double *)u)
                         : truestep_bidiagonal(0, columns, s, e, u_rows, (double *)u, v_rows, (double *)v);
    free(e);
    free(tau);
    free(right);
    return failed;
}

/* The conjugate transpose of the upper triangle of a, square and by columns; or the triangle itself */
static void NAME(take_triangle)(int64_t rows, int64_t size, const SCALAR *a, int is_transposed, SCALAR *triangle) {
    int64_t a_stride = rows;
    for (int64_t column = 0; column < size; column++)
        for (int64_t row = 0; row < size; row++) {
            SCALAR item = row <= column ? AT(a, row, column) : 0;
            triangle[is_transposed ? column + row * size : row + column * size] =
                is_transposed ? CONJUGATE(item) : item;
        }
}

/* The same for a that is much taller than wide: by its triangular factor, which is small */
static int32_t NAME(triangular_svd)(int64_t rows, int64_t columns, SCALAR *a, double *s, int64_t u_columns, SCALAR *u,
                                    int64_t v_columns, SCALAR *v, int is_flipped) {
    SCALAR *tau = truestep_allocate((size_t)columns * sizeof *tau + 1);
    SCALAR *square = truestep_allocate(2 * (size_t)(columns * columns) * sizeof *square + 1);
    SCALAR *small = square + columns * columns;
    int64_t u_stride = rows, wanted = u_columns ? columns : 0;
    NAME(factor_qr)(rows, columns, a, tau);
    NAME(take_triangle)(rows, columns, a, is_flipped, square);
    int32_t failed = is_flipped
                         ? NAME(bidiagonal_svd)(columns, columns, square, s, v_columns, v, wanted, small, 0)
                         : NAME(bidiagonal_svd)(columns, columns, square, s, wanted, small, v_columns, v, 0);
    NAME(set_unit)(rows, u_columns, u);
    for (int64_t column = 0; column < wanted; column++)
        for (int64_t row = 0; row < columns; row++) AT(u, row, column) = small[row + column * columns];
    NAME(apply_q)(rows, columns, 0, a, tau, u_columns, u, 0);
    free(tau);
    free(square);
    return failed;
}

static int32_t NAME(tall_svd)(int64_t rows, int64_t columns, SCALAR *a, double *s, int64_t u_columns, SCALAR *u,
                              int64_t v_columns, SCALAR *v, int is_flipped) {
    /* LAPACK's rule; which of the two ways is taken decides about the vectors' signs. */
    int is_much_taller = rows >= (IS_COMPLEX ? columns * 17 / 9 : columns * 11 / 6);
    return (is_much_taller ? NAME(triangular_svd) : NAME(bidiagonal_svd))(rows, columns, a, s, u_columns, u,
                                                                          v_columns, v, is_flipped);
}

/* a = u diag(s) v* for each of `count` matrices, given as a if they are tall, as a* if they are not. u and v are by
   columns. 1 if a matrix is not finite.                                                                           */
int32_t NAME(truestep_svd)(int64_t count, int64_t rows, int64_t columns, SCALAR *a, double *s, int64_t u_columns,
                           SCALAR *u, int64_t v_columns, SCALAR *v) {
    int is_lying = rows < columns;
    int64_t shorter = is_lying ? rows : columns;
    for (; count > 0; count--, a += rows * columns, s += shorter) {
        if (!(NAME(largest)(rows * columns, a) <= LARGEST_NUMBER)) return 1;
        double factor = NAME(bring_into_range)(rows * columns, a);
        if (is_lying ? NAME(tall_svd)(columns, rows, a, s, v_columns, v, u_columns, u, 1)
                     : NAME(tall_svd)(rows, columns, a, s, u_columns, u, v_columns, v, 0))
            return 1;
        for (int64_t i = 0; i < shorter; i++) s[i] *= factor;
        u += rows * u_columns;
        v += columns * v_columns;
    }
    return 0;
}

/* x = the shortest of the vectors that bring a x nearest to b, by a's singular values that are larger than `limit`
   times the largest; a given as for truestep_svd, b destroyed. Of each column of b what is left, squared and added,
   if a is tall.                                                                                                  */
int32_t NAME(truestep_least_squares)(int64_t rows, int64_t columns, int64_t sides, SCALAR *a, SCALAR *b, SCALAR *x,
                                     double *s, double *residuals, double limit, int64_t *rank) {
    int is_lying = rows < columns;
    int64_t longer = is_lying ? columns : rows, shorter = is_lying ? rows : columns;
    SCALAR *tau = truestep_allocate((size_t)shorter * sizeof *tau + 1);
    SCALAR *square = truestep_allocate(4 * (size_t)(shorter * shorter) * sizeof *square + 1);
    SCALAR *u = square + shorter * shorter, *v = u + shorter * shorter, *along = v + shorter * shorter;
    int32_t failed = !(NAME(largest)(rows * columns, a) <= LARGEST_NUMBER);
    double factor = failed ? 1 : NAME(bring_into_range)(rows * columns, a);
    if (!failed) {
        NAME(factor_qr)(longer, shorter, a, tau);
        NAME(take_triangle)(longer, shorter, a, is_lying, square);
        failed = NAME(bidiagonal_svd)(shorter, shorter, square, s, shorter, u, shorter, v, 0);
    }
    double least = (limit > 0 && limit < 1 ? limit : UNIT / 2) * (shorter ? s[0] : 0);
    for (*rank = 0; !failed && *rank < shorter && s[*rank] > least; ++*rank) {}
    for (int64_t side = 0; side < sides && !failed; side++, b += rows, x += columns) {
        int64_t a_stride = longer;
        for (int64_t step = 0; step < shorter && !is_lying; step++) /* b = q* b */
            NAME(reflect)(rows - step, CONJUGATE(tau[step]), &AT(a, step, step), b + step);
        residuals[side] = 0;
        for (int64_t row = shorter; row < rows; row++) residuals[side] += REAL_PART(CONJUGATE(b[row]) * b[row]);
        for (int64_t i = 0; i < *rank; i++) along[i] = NAME(product)(1, shorter, u + i * shorter, b) / s[i];
        for (int64_t i = 0; i < columns; i++) x[i] = 0;
        for (int64_t i = 0; i < *rank; i++) NAME(add_multiple)(shorter, along[i], v + i * shorter, x);
        if (is_lying) NAME(apply_q)(longer, shorter, 0, a, tau, 1, x, 0);
    }
    for (int64_t i = 0; i < shorter && !failed; i++) s[i] *= factor;
    for (int64_t i = 0; i < sides * columns && !failed; i++) x[i - sides * columns] /= factor;
    free(tau);
    free(square);
    return failed;
}

/* The inverse by singular values, of which those count that are larger than `limit` times the largest; a as before */
int32_t NAME(truestep_pseudo_inverse)(int64_t count, int64_t rows, int64_t columns, SCALAR *a, double limit,
                                      SCALAR *inverse) {
    int64_t shorter = rows < columns ? rows : columns;
    double *s = truestep_allocate((size_t)shorter * sizeof *s + 1);
    SCALAR *u = truestep_allocate((size_t)(shorter * (rows + columns)) * sizeof *u + 1), *v = u + shorter * rows;
    int32_t failed = 0;
    for (; count > 0 && !failed; count--, a += rows * columns) {
        failed = NAME(truestep_svd)(1, rows, columns, a, s, shorter, u, shorter, v);
        for (int64_t column = 0; column < rows && !failed; column++, inverse += columns) {
            for (int64_t i = 0; i < columns; i++) inverse[i] = 0;
            for (int64_t i = 0; i < shorter && s[i] > limit * s[0]; i++)
                NAME(add_multiple)(columns, CONJUGATE(u[column + i * rows]) / s[i], v + i * columns, inverse);
        }
    }
    free(s);
    free(u);
    return failed;
}

/* a = q r for each matrix: r in a's upper triangle */
int32_t NAME(truestep_qr)(int64_t count, int64_t rows, int64_t columns, SCALAR *a, SCALAR *tau) {
    int64_t a_stride = rows;
    for (; count > 0; count--, a += rows * columns, tau += rows < columns ? rows : columns) {
        double factor = NAME(bring_into_range)(rows * columns, a);
        NAME(factor_qr)(rows, columns, a, tau);
        for (int64_t column = 0; column < columns && factor != 1; column++)
            NAME(scale)(column < rows ? column + 1 : rows, factor, &AT(a, 0, column));
    }
    return 0;
}

/* The first `wanted` columns of each q */
int32_t NAME(truestep_q)(int64_t count, int64_t rows, int64_t columns, const SCALAR *a, const SCALAR *tau,
                         int64_t wanted, SCALAR *q) {
    int64_t reflections = rows < columns ? rows : columns;
    for (; count > 0; count--, a += rows * columns, tau += reflections, q += rows * wanted) {
        NAME(set_unit)(rows, wanted, q);
        NAME(apply_q)(rows, reflections, 0, a, tau, wanted, q, 1);
    }
    return 0;
}

/* The first `wanted` rows of each r */
int32_t NAME(truestep_r)(int64_t count, int64_t rows, int64_t columns, const SCALAR *a, int64_t wanted, SCALAR *r) {
    int64_t a_stride = rows;
    for (; count > 0; count--, a += rows * columns)
        for (int64_t column = 0; column < columns; column++)
            for (int64_t row = 0; row < wanted; row++) *r++ = row <= column ? AT(a, row, column) : 0;
    return 0;
}
