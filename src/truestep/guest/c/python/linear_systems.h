/* Linear systems and determinants for one kind of number: LU with row exchanges, and Cholesky (Golub and Van Loan,
   Matrix Computations, sections 3.4 and 4.2).                                                                   */
#include "linear_vectors.h"

/* The pivot rows of a = P L U, which take a's place; whether a column had no pivot */
static int NAME(factor)(int64_t size, SCALAR *a, int64_t *pivots) {
    int64_t a_stride = size;
    int is_singular = 0;
    for (int64_t step = 0; step < size; step++) {
        SCALAR *own = &AT(a, 0, step);
        int64_t pivot = step;
        for (int64_t row = step + 1; row < size; row++)
            if (SIZE(own[row]) > SIZE(own[pivot])) pivot = row;
        pivots[step] = pivot;
        if (own[pivot] == 0) {
            is_singular = 1;
            continue;
        }
        for (int64_t column = 0; column < size && pivot != step; column++) {
            SCALAR moved = AT(a, step, column);
            AT(a, step, column) = AT(a, pivot, column);
            AT(a, pivot, column) = moved;
        }
        for (int64_t row = step + 1; row < size; row++) own[row] = NAME(quotient)(own[row], own[step]);
        for (int64_t column = step + 1; column < size; column++)
            NAME(add_multiple)(size - step - 1, -AT(a, step, column), own + step + 1, &AT(a, step + 1, column));
    }
    return is_singular;
}

static void NAME(substitute)(int64_t size, const SCALAR *a, const int64_t *pivots, SCALAR *x) {
    int64_t a_stride = size;
    for (int64_t row = 0; row < size; row++) {
        SCALAR moved = x[row];
        x[row] = x[pivots[row]];
        x[pivots[row]] = moved;
    }
    for (int64_t column = 0; column < size; column++)
        NAME(add_multiple)(size - column - 1, -x[column], &AT(a, column + 1, column), x + column + 1);
    for (int64_t column = size; column-- > 0;) {
        x[column] = NAME(quotient)(x[column], AT(a, column, column));
        NAME(add_multiple)(column, -x[column], &AT(a, 0, column), x);
    }
}

/* x = a⁻¹ x for each of `count` matrices, which are destroyed; 1 if one of them is singular */
int32_t NAME(truestep_solve)(int64_t count, int64_t size, int64_t columns, SCALAR *a, SCALAR *x) {
    int64_t *pivots = truestep_allocate((size_t)size * sizeof *pivots + 1);
    int32_t is_singular = 0;
    for (; count > 0 && !is_singular; count--, a += size * size) {
        is_singular = NAME(factor)(size, a, pivots);
        for (int64_t column = 0; column < columns && !is_singular; column++, x += size)
            NAME(substitute)(size, a, pivots, x);
    }
    free(pivots);
    return is_singular;
}

/* The inverse of each matrix; 1 if one of them is singular */
int32_t NAME(truestep_inverse)(int64_t count, int64_t size, SCALAR *a, SCALAR *inverse) {
    for (int64_t i = 0; i < count * size * size; i++) inverse[i] = i % (size * size) % (size + 1) == 0;
    return NAME(truestep_solve)(count, size, size, a, inverse);
}

/* The sign (of a complex number, its direction) and the logarithm of the size of each determinant */
int32_t NAME(truestep_determinant)(int64_t count, int64_t size, SCALAR *a, SCALAR *signs, REAL *logarithms) {
    int64_t *pivots = truestep_allocate((size_t)size * sizeof *pivots + 1);
    for (int64_t matrix = 0; matrix < count; matrix++, a += size * size) {
        SCALAR sign = 1;
        REAL logarithm = 0;
        int is_singular = NAME(factor)(size, a, pivots);
        for (int64_t i = 0; i < size && !is_singular; i++) {
            SCALAR pivot = a[i * (size + 1)];
            REAL length = ABSOLUTE(pivot);
            if (pivots[i] != i) sign = -sign;
#if IS_COMPLEX
            sign *= pivot / length;
#else
            if (pivot < 0) sign = -sign;
#endif
            logarithm += log(length);
        }
        signs[matrix] = is_singular ? 0 : sign;
        logarithms[matrix] = is_singular ? -INFINITY : logarithm;
    }
    free(pivots);
    return 0;
}

/* a = l l*, l in a's place with zeros above it; only a's lower triangle counts; 1 if a is not positive definite */
int32_t NAME(truestep_cholesky)(int64_t count, int64_t size, SCALAR *a) {
    int64_t a_stride = size;
    for (; count > 0; count--, a += size * size) {
        for (int64_t step = 0; step < size; step++) {
            SCALAR *own = &AT(a, 0, step);
            REAL square = REAL_PART(own[step]);
            if (!(square > 0)) return 1;
            REAL root = sqrt(square);
            own[step] = root;
            for (int64_t row = 0; row < step; row++) own[row] = 0;
            for (int64_t row = step + 1; row < size; row++) own[row] /= root;
            for (int64_t column = step + 1; column < size; column++)
                NAME(add_multiple)(size - column, -CONJUGATE(own[column]), own + column, &AT(a, column, column));
        }
    }
    return 0;
}
