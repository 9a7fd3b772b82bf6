/* Products of vectors and matrices of one kind of number, included once for each of the four (linear_products.c). */
#include "linear_vectors.h"

/* Zero times a NaN is zero here, as BLAS has it: what a result held before does not count. */
static void NAME(prepare)(int64_t count, SCALAR factor, SCALAR *target) {
    for (int64_t i = 0; i < count; i++) target[i] = factor == 0 ? 0 : factor * target[i];
}

/* y += a[:, 0:4] · factors, added in the order of the columns; items of y are read and written once for four products. */
static void NAME(add_four)(int64_t rows, const SCALAR *a, int64_t a_stride, const SCALAR factors[4], SCALAR *y) {
    const SCALAR *a0 = a, *a1 = a + a_stride, *a2 = a1 + a_stride, *a3 = a2 + a_stride;
    SCALAR f0 = factors[0], f1 = factors[1], f2 = factors[2], f3 = factors[3];
    for (int64_t row = 0; row < rows; row++)
        y[row] = y[row] + f0 * a0[row] + f1 * a1[row] + f2 * a2[row] + f3 * a3[row];
}

/* results = the products of two vectors with y, whose items are read once, in the order of a product of one */
static void NAME(product_pair)(int64_t count, const SCALAR *left, const SCALAR *right, const SCALAR *y,
                               SCALAR results[2]) {
    SCALAR sums[2][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int k = 0; k < 4; k++) {
            SCALAR item = y[i + k];
            sums[0][k] += left[i + k] * item;
            sums[1][k] += right[i + k] * item;
        }
    for (; i < count; i++) {
        sums[0][0] += left[i] * y[i];
        sums[1][0] += right[i] * y[i];
    }
    for (int side = 0; side < 2; side++)
        results[side] = (sums[side][0] + sums[side][1]) + (sums[side][2] + sums[side][3]);
}

/* y = alpha · op(a) x + beta · y, a with `rows` rows and `columns` columns */
static void NAME(gemv)(char form, int64_t rows, int64_t columns, SCALAR alpha, const SCALAR *a, int64_t a_stride,
                       const SCALAR *x, SCALAR beta, SCALAR *y) {
    int64_t column = 0;
    NAME(prepare)(form == 'n' ? rows : columns, beta, y);
    for (; form == 'n' && column + 4 <= columns; column += 4) {
        SCALAR factors[4];
        for (int i = 0; i < 4; i++) factors[i] = alpha * x[column + i];
        NAME(add_four)(rows, &AT(a, 0, column), a_stride, factors, y);
    }
    for (; form == 't' && column + 2 <= columns; column += 2) {
        SCALAR pair[2];
        NAME(product_pair)(rows, &AT(a, 0, column), &AT(a, 0, column + 1), x, pair);
        y[column] += alpha * pair[0];
        y[column + 1] += alpha * pair[1];
    }
    for (; column < columns; column++) {
        if (form == 'n') {
            SCALAR factor = alpha * x[column];
            for (int64_t row = 0; row < rows; row++) y[row] += factor * AT(a, row, column);
        } else {
            y[column] += alpha * NAME(product)(form == 'c', rows, &AT(a, 0, column), x);
        }
    }
}

/* op(a), stored by columns without gaps */
static SCALAR *NAME(packed)(char form, int64_t rows, int64_t columns, const SCALAR *a, int64_t a_stride) {
    SCALAR *copy = truestep_allocate((size_t)(rows * columns) * sizeof *copy + 1);
    for (int64_t column = 0; column < columns; column++)
        for (int64_t row = 0; row < rows; row++)
            copy[row + column * rows] = form == 'n'   ? AT(a, row, column)
                                        : form == 'c' ? CONJUGATE(AT(a, column, row))
                                                      : AT(a, column, row);
    return copy;
}

/* c[:, 0] and c[:, 1] += a[:, 0:4] · b[0:4, 0:2]; items of c are read and written once for four products. */
static void NAME(update_pair)(int64_t rows, const SCALAR *a, int64_t a_stride, const SCALAR b[2][4], SCALAR *left,
                              SCALAR *right) {
    const SCALAR *a0 = a, *a1 = a + a_stride, *a2 = a1 + a_stride, *a3 = a2 + a_stride;
    for (int64_t row = 0; row < rows; row++) {
        left[row] = left[row] + a0[row] * b[0][0] + a1[row] * b[0][1] + a2[row] * b[0][2] + a3[row] * b[0][3];
        right[row] = right[row] + a0[row] * b[1][0] + a1[row] * b[1][1] + a2[row] * b[1][2] + a3[row] * b[1][3];
    }
}

static void NAME(update)(int64_t rows, SCALAR factor, const SCALAR *a, SCALAR *c) {
    for (int64_t row = 0; row < rows; row++) c[row] += factor * a[row];
}

/* c = alpha · op(a) op(b) + beta · c, with `inner` products to a sum, added in their order */
static void NAME(gemm)(char a_form, char b_form, int64_t rows, int64_t columns, int64_t inner, SCALAR alpha,
                       const SCALAR *a, int64_t a_stride, const SCALAR *b, int64_t b_stride, SCALAR beta, SCALAR *c,
                       int64_t c_stride) {
    SCALAR *own_a = a_form == 'n' ? NULL : NAME(packed)(a_form, rows, inner, a, a_stride);
    SCALAR *own_b = b_form == 'n' ? NULL : NAME(packed)(b_form, inner, columns, b, b_stride);
    if (own_a) a = own_a, a_stride = rows;
    if (own_b) b = own_b, b_stride = inner;
    for (int64_t column = 0; column < columns; column++) NAME(prepare)(rows, beta, &AT(c, 0, column));
    int64_t column = 0, block_size = 1 + BLOCK_BYTES / (int64_t)sizeof(SCALAR) / (inner + 1);
    for (int64_t first = 0; first < rows; first += block_size) {
        int64_t size = rows - first < block_size ? rows - first : block_size;
        for (column = 0; column + 1 < columns; column += 2) {
            int64_t step = 0;
            for (; step + 4 <= inner; step += 4) {
                SCALAR factors[2][4];
                for (int i = 0; i < 8; i++) factors[i / 4][i % 4] = alpha * AT(b, step + i % 4, column + i / 4);
                NAME(update_pair)(size, &AT(a, first, step), a_stride, (const SCALAR(*)[4])factors,
                                  &AT(c, first, column), &AT(c, first, column + 1));
            }
            for (; step < inner; step++)
                for (int i = 0; i < 2; i++)
                    NAME(update)(size, alpha * AT(b, step, column + i), &AT(a, first, step),
                                 &AT(c, first, column + i));
        }
        for (; column < columns; column++)
            for (int64_t step = 0; step < inner; step++)
                NAME(update)(size, alpha * AT(b, step, column), &AT(a, first, step), &AT(c, first, column));
    }
    free(own_a);
    free(own_b);
}
