/* Householder's reflections for one kind of number (Golub and Van Loan, sections 5.1 and 5.2), with LAPACK's choice
   of signs: 1 - tau v v*, v[0] = 1, which is not stored, makes a vector a real multiple of the first unit vector,
   of the sign opposite to the vector's first item.                                                              */
#include "linear_vectors.h"

/* The largest size, or a NaN if there is one */
static double NAME(largest)(int64_t count, const SCALAR *a) {
    double largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double size = SIZE(a[i]);
        if (size != size) return size;
        if (size > largest) largest = size;
    }
    return largest;
}

static REAL NAME(length)(int64_t count, const SCALAR *x) {
    REAL total = 0, largest, scaled = 0;
    for (int64_t i = 0; i < count; i++) total += REAL_PART(CONJUGATE(x[i]) * x[i]);
    if (total > LEAST_SQUARE && total < LARGEST_NUMBER) return sqrt(total);
    largest = NAME(largest)(count, x);
    if (largest == 0 || !(largest < LARGEST_NUMBER)) return largest;
    for (int64_t i = 0; i < count; i++) scaled += REAL_PART(CONJUGATE(x[i] / largest) * (x[i] / largest));
    return largest * sqrt(scaled);
}

/* Multiplies by a power of two if squares would be out of range; by what results are to be multiplied then */
static double NAME(bring_into_range)(int64_t count, SCALAR *a) {
    double largest = NAME(largest)(count, a);
    int exponent = 0;
    if (largest == 0 || (largest > 0x1p-450 && largest < 0x1p450) || !(largest <= LARGEST_NUMBER)) return 1;
    frexp(largest, &exponent);
    exponent = exponent < -1000 ? -1000 : exponent;
    double factor = ldexp(1, -exponent);
    for (int64_t i = 0; i < count; i++) a[i] *= factor;
    return ldexp(1, exponent);
}

/* Makes the reflection that maps x to a multiple of the first unit vector: v in x's place below the multiple; tau */
static SCALAR NAME(reflection)(int64_t size, SCALAR *x) {
    REAL tail = NAME(length)(size - 1, x + 1);
    if (tail == 0 && x[0] == REAL_PART(x[0])) return 0;
    SCALAR ends[2] = {x[0], tail};
    REAL beta = -copysign(NAME(length)(2, ends), REAL_PART(x[0]));
    SCALAR tau = (beta - x[0]) / beta, divisor = x[0] - beta;
    for (int64_t i = 1; i < size; i++) x[i] /= divisor;
    x[0] = beta;
    return tau;
}

/* x -= factor · v (v* x) */
static void NAME(reflect)(int64_t size, SCALAR factor, const SCALAR *v, SCALAR *x) {
    if (factor == 0) return;
    SCALAR along = factor * (x[0] + NAME(product)(1, size - 1, v + 1, x + 1));
    x[0] -= along;
    NAME(add_multiple)(size - 1, -along, v + 1, x + 1);
}

/* a = q r: r in a's upper triangle, the reflections below it */
static void NAME(factor_qr)(int64_t rows, int64_t columns, SCALAR *a, SCALAR *tau) {
    int64_t a_stride = rows, count = rows < columns ? rows : columns;
    for (int64_t step = 0; step < count; step++) {
        tau[step] = NAME(reflection)(rows - step, &AT(a, step, step));
        for (int64_t column = step + 1; column < columns; column++)
            NAME(reflect)(rows - step, CONJUGATE(tau[step]), &AT(a, step, step), &AT(a, step, column));
    }
}

/* x = q x, q the product of `count` reflections, of which number `step` begins in row `step + offset` of column
   `step` of a; of x only columns from number `step` on count when reflection `step` is applied, if `is_unit`      */
static void NAME(apply_q)(int64_t rows, int64_t count, int64_t offset, const SCALAR *a, const SCALAR *tau,
                          int64_t columns, SCALAR *x, int is_unit) {
    int64_t a_stride = rows, x_stride = rows;
    for (int64_t step = count; step-- > 0;)
        for (int64_t column = is_unit ? step + offset : 0; column < columns; column++)
            NAME(reflect)(rows - step - offset, tau[step], &AT(a, step + offset, step),
                          &AT(x, step + offset, column));
}

static void NAME(set_unit)(int64_t rows, int64_t columns, SCALAR *x) {
    int64_t x_stride = rows;
    for (int64_t column = 0; column < columns; column++)
        for (int64_t row = 0; row < rows; row++) AT(x, row, column) = row == column;
}
