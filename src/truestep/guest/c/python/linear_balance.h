/* What precedes the QR steps for one kind of number: balancing (B. N. Parlett and C. Reinsch, "Balancing a matrix
   for calculation of eigenvalues and eigenvectors", 1969) with the choices that LAPACK documents for xGEBAL, and
   Hessenberg's form (Golub and Van Loan, section 7.4).                                                          */
#include "linear_reflections.h"

/* Rows and columns outside of first … last are triangular already. scale: by what a row was multiplied, or outside
   of the block, which row it changed places with.                                                                */
struct NAME(balanced) {
    int64_t first, last;
    double *scale;
};

static void NAME(exchange)(int64_t size, SCALAR *a, int64_t first, int64_t last, int64_t row, int64_t other) {
    int64_t a_stride = size;
    for (int64_t i = 0; i <= last && row != other; i++) {
        SCALAR moved = AT(a, i, row);
        AT(a, i, row) = AT(a, i, other), AT(a, i, other) = moved;
    }
    for (int64_t i = first; i < size && row != other; i++) {
        SCALAR moved = AT(a, row, i);
        AT(a, row, i) = AT(a, other, i), AT(a, other, i) = moved;
    }
}

/* Moves eigenvalues that stand alone in their rows to the bottom, in their columns to the top */
static void NAME(isolate)(int64_t size, SCALAR *a, struct NAME(balanced) * block) {
    int64_t a_stride = size;
    for (int again = 1; again;) {
        again = 0;
        for (int64_t row = block->last; row >= 0 && block->last >= 0; row--) {
            int64_t column = 0;
            while (column <= block->last && (column == row || AT(a, row, column) == 0)) column++;
            if (column <= block->last) continue;
            block->scale[block->last] = (double)row;
            NAME(exchange)(size, a, block->first, block->last, row, block->last);
            again = 1;
            if (block->last == 0) return;
            block->last--;
        }
    }
    for (int again = 1; again;) {
        again = 0;
        for (int64_t column = block->first; column <= block->last; column++) {
            int64_t row = block->first;
            while (row <= block->last && (column == row || AT(a, row, column) == 0)) row++;
            if (row <= block->last) continue;
            block->scale[block->first] = (double)column;
            NAME(exchange)(size, a, block->first, block->last, column, block->first);
            again = 1;
            block->first++;
        }
    }
}

static double NAME(row_length)(int64_t size, const SCALAR *a, int64_t row, int64_t first, int64_t last) {
    int64_t a_stride = size;
    double largest = 0, total = 0;
    for (int64_t i = first; i <= last; i++) largest = fmax(largest, SIZE(AT(a, row, i)));
    for (int64_t i = first; i <= last && largest > 0; i++) {
        double part = ABSOLUTE(AT(a, row, i)) / largest;
        total += part * part;
    }
    return largest * sqrt(total);
}

/* By what row i is divided and column i multiplied, a power of two, to make them about as long as each other */
static double NAME(balance_factor)(int64_t size, const SCALAR *a, const struct NAME(balanced) * block, int64_t i) {
    int64_t a_stride = size;
    const double least = DBL_MIN / UNIT * 2, most = UNIT / DBL_MIN / 2;
    double column = NAME(length)(block->last - block->first + 1, &AT(a, block->first, i));
    double row = NAME(row_length)(size, a, i, block->first, block->last), in_column = 0, in_row = 0, factor = 1;
    for (int64_t j = 0; j <= block->last; j++) in_column = fmax(in_column, ABSOLUTE(AT(a, j, i)));
    for (int64_t j = block->first; j < size; j++) in_row = fmax(in_row, ABSOLUTE(AT(a, i, j)));
    if (column == 0 || row == 0) return 1;
    double before = column + row, ratio = row / 2;
    while (column < ratio && fmax(fmax(factor, column), in_column) < most && fmin(fmin(row, ratio), in_row) > least) {
        factor *= 2, column *= 2, in_column *= 2;
        row /= 2, ratio /= 2, in_row /= 2;
    }
    ratio = column / 2;
    while (ratio >= row && fmax(row, in_row) < most &&
           fmin(fmin(factor, column), fmin(ratio, in_column)) > least) {
        factor /= 2, column /= 2, ratio /= 2, in_column /= 2;
        row *= 2, in_row *= 2;
    }
    return column + row >= 0.95 * before ? 1 : factor;
}

static void NAME(balance)(int64_t size, SCALAR *a, struct NAME(balanced) * block) {
    int64_t a_stride = size;
    for (int64_t i = 0; i < size; i++) block->scale[i] = 1;
    NAME(isolate)(size, a, block);
    for (int64_t i = block->first; i <= block->last; i++) block->scale[i] = 1;
    if (block->first == block->last) return;
    for (int again = 1; again;) {
        again = 0;
        for (int64_t i = block->first; i <= block->last; i++) {
            double factor = NAME(balance_factor)(size, a, block, i);
            if (factor == 1) continue;
            block->scale[i] *= factor;
            again = 1;
            for (int64_t j = block->first; j < size; j++) AT(a, i, j) /= factor;
            for (int64_t j = 0; j <= block->last; j++) AT(a, j, i) *= factor;
        }
    }
}

/* a = q h q*, h zero below the diagonal's neighbours: q's reflections below them */
static void NAME(reduce_to_hessenberg)(int64_t size, SCALAR *a, const struct NAME(balanced) * block, SCALAR *tau) {
    int64_t a_stride = size;
    SCALAR *sums = truestep_allocate((size_t)size * sizeof *sums + 1);
    for (int64_t step = 0; step < size; step++) tau[step] = 0;
    for (int64_t step = block->first; step < block->last; step++) {
        int64_t count = block->last - step, rows = block->last + 1;
        SCALAR *v = &AT(a, step + 1, step), beta;
        tau[step] = NAME(reflection)(count, v);
        beta = v[0], v[0] = 1;
        for (int64_t row = 0; row < rows; row++) sums[row] = 0;
        for (int64_t i = 0; i < count; i++) NAME(add_multiple)(rows, v[i], &AT(a, 0, step + 1 + i), sums);
        NAME(scale)(rows, tau[step], sums);
        for (int64_t i = 0; i < count; i++)
            NAME(add_multiple)(rows, -CONJUGATE(v[i]), sums, &AT(a, 0, step + 1 + i));
        for (int64_t column = step + 1; column < size; column++)
            NAME(reflect)(count, CONJUGATE(tau[step]), v, &AT(a, step + 1, column));
        v[0] = beta;
    }
    free(sums);
}

/* q of those reflections, and zeros where they were */
static void NAME(take_hessenberg_q)(int64_t size, SCALAR *a, const struct NAME(balanced) * block, const SCALAR *tau,
                                    SCALAR *q) {
    int64_t a_stride = size, q_stride = size;
    if (q) {
        NAME(set_unit)(size, size, q);
        for (int64_t step = block->last; step-- > block->first;)
            for (int64_t column = step + 1; column <= block->last; column++)
                NAME(reflect)(block->last - step, tau[step], &AT(a, step + 1, step), &AT(q, step + 1, column));
    }
    for (int64_t column = 0; column < size; column++)
        for (int64_t row = column + 2; row < size; row++) AT(a, row, column) = 0;
}

/* An eigenvector of the matrix before it was balanced */
static void NAME(undo_balance)(int64_t size, int64_t first, int64_t last, const double *scale, SCALAR *vector) {
    for (int64_t i = first; i <= last; i++) vector[i] *= scale[i];
    for (int64_t k = 0; k < size; k++) { /* the exchanges in reverse order */
        int64_t i = k < first ? first - 1 - k : k, other = (int64_t)scale[i];
        if (i >= first && i <= last) continue;
        SCALAR moved = vector[i];
        vector[i] = vector[other], vector[other] = moved;
    }
}
