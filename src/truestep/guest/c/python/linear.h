/* np.linalg's routines for one type of number, included once for each of the four (linear.c). Matrices are stored
   by columns, `stride` items from one column to the next. Every sum runs in one order, so that a result is the
   same bits everywhere.

   SCALAR, REAL, NAME(x), IS_COMPLEX, CONJUGATE(x), SQRT(x), ABSOLUTE(x), REAL_PART(x), EPSILON               */

#define AT(matrix, row, column) (matrix)[(row) + (column) * matrix##_stride]

static REAL NAME(square)(SCALAR x) {
#if IS_COMPLEX
    return __real__ x * __real__ x + __imag__ x * __imag__ x;
#else
    return x * x;
#endif
}

/* sum of conjugate(x) · y */
static SCALAR NAME(inner)(int64_t count, const SCALAR *x, const SCALAR *y) {
    SCALAR total = 0;
    for (int64_t i = 0; i < count; i++) total += CONJUGATE(x[i]) * y[i];
    return total;
}

static void NAME(dot)(int is_conjugated, int64_t count, const SCALAR *x, const SCALAR *y, SCALAR *result) {
    SCALAR total = 0;
    if (is_conjugated) total = NAME(inner)(count, x, y);
    else
        for (int64_t i = 0; i < count; i++) total += x[i] * y[i];
    *result = total;
}

static REAL NAME(norm)(int64_t count, const SCALAR *x, int64_t step) {
    REAL total = 0, largest = 0, scaled = 0;
    for (int64_t i = 0; i < count; i++) total += NAME(square)(x[i * step]);
    if (total > TINY && total < HUGE) return SQRT(total);
    for (int64_t i = 0; i < count; i++) {
        REAL size = ABSOLUTE(x[i * step]);
        if (!(size <= largest)) largest = size;
    }
    if (largest == 0 || largest != largest || largest > LARGEST) return largest;
    for (int64_t i = 0; i < count; i++) scaled += NAME(square)(x[i * step] / largest);
    return largest * SQRT(scaled);
}

/* target += factor · source */
static void NAME(add_multiple)(int64_t count, SCALAR factor, const SCALAR *source, SCALAR *target) {
    for (int64_t i = 0; i < count; i++) target[i] += factor * source[i];
}

static void NAME(scale)(int64_t count, SCALAR factor, SCALAR *target) {
    for (int64_t i = 0; i < count; i++) target[i] = factor == 0 ? 0 : factor * target[i];
}

/* y = alpha · op(a) x + beta · y, a with `rows` rows and `columns` columns */
static void NAME(gemv)(char form, int64_t rows, int64_t columns, SCALAR alpha, const SCALAR *a, int64_t a_stride,
                       const SCALAR *x, SCALAR beta, SCALAR *y) {
    NAME(scale)(form == 'n' ? rows : columns, beta, y);
    for (int64_t column = 0; column < columns; column++) {
        SCALAR total;
        if (form == 'n') {
            NAME(add_multiple)(rows, alpha * x[column], &AT(a, 0, column), y);
        } else {
            NAME(dot)(form == 'c', rows, &AT(a, 0, column), x, &total);
            y[column] += alpha * total;
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

/* c = alpha · op(a) op(b) + beta · c, with `inner` products to a sum, added in their order */
static void NAME(gemm)(char a_form, char b_form, int64_t rows, int64_t columns, int64_t inner, SCALAR alpha,
                       const SCALAR *a, int64_t a_stride, const SCALAR *b, int64_t b_stride, SCALAR beta, SCALAR *c,
                       int64_t c_stride) {
    SCALAR *own_a = a_form == 'n' ? NULL : NAME(packed)(a_form, rows, inner, a, a_stride);
    SCALAR *own_b = b_form == 'n' ? NULL : NAME(packed)(b_form, inner, columns, b, b_stride);
    if (own_a) a = own_a, a_stride = rows;
    if (own_b) b = own_b, b_stride = inner;
    for (int64_t column = 0; column < columns; column++) NAME(scale)(rows, beta, &AT(c, 0, column));
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
                    NAME(add_multiple)(size, alpha * AT(b, step, column + i), &AT(a, first, step),
                                       &AT(c, first, column + i));
        }
        for (; column < columns; column++)
            for (int64_t step = 0; step < inner; step++)
                NAME(add_multiple)(size, alpha * AT(b, step, column), &AT(a, first, step), &AT(c, first, column));
    }
    free(own_a);
    free(own_b);
}

/* LU with row exchanges, pivots counted from 1; 0, or 1 + the first column without a pivot */
static int32_t NAME(getrf)(int64_t rows, int64_t columns, SCALAR *a, int64_t a_stride, int32_t *pivots) {
    int32_t missing = 0;
    int64_t count = rows < columns ? rows : columns;
    for (int64_t step = 0; step < count; step++) {
        int64_t pivot = step;
        for (int64_t row = step + 1; row < rows; row++)
            if (ABSOLUTE(AT(a, row, step)) > ABSOLUTE(AT(a, pivot, step))) pivot = row;
        pivots[step] = (int32_t)pivot + 1;
        if (AT(a, pivot, step) == 0) {
            if (!missing) missing = (int32_t)step + 1;
            continue;
        }
        for (int64_t column = 0; column < columns && pivot != step; column++) {
            SCALAR moved = AT(a, step, column);
            AT(a, step, column) = AT(a, pivot, column);
            AT(a, pivot, column) = moved;
        }
        for (int64_t row = step + 1; row < rows; row++) AT(a, row, step) /= AT(a, step, step);
        for (int64_t column = step + 1; column < columns; column++)
            NAME(add_multiple)(rows - step - 1, -AT(a, step, column), &AT(a, step + 1, step), &AT(a, step + 1, column));
    }
    return missing;
}

static void NAME(solve_factored)(int64_t size, const SCALAR *a, int64_t a_stride, const int32_t *pivots, SCALAR *x) {
    for (int64_t row = 0; row < size; row++) {
        SCALAR moved = x[row];
        x[row] = x[pivots[row] - 1];
        x[pivots[row] - 1] = moved;
    }
    for (int64_t column = 0; column < size; column++)
        NAME(add_multiple)(size - column - 1, -x[column], &AT(a, column + 1, column), x + column + 1);
    for (int64_t column = size; column-- > 0;) {
        x[column] /= AT(a, column, column);
        NAME(add_multiple)(column, -x[column], &AT(a, 0, column), x);
    }
}

static int32_t NAME(gesv)(int64_t size, int64_t columns, SCALAR *a, int64_t a_stride, int32_t *pivots, SCALAR *b,
                          int64_t b_stride) {
    int32_t missing = NAME(getrf)(size, size, a, a_stride, pivots);
    for (int64_t column = 0; column < columns && !missing; column++)
        NAME(solve_factored)(size, a, a_stride, pivots, &AT(b, 0, column));
    return missing;
}

static int32_t NAME(getri)(int64_t size, SCALAR *a, int64_t a_stride, const int32_t *pivots) {
    SCALAR *factors = NAME(packed)('n', size, size, a, a_stride);
    for (int64_t column = 0; column < size; column++) {
        for (int64_t row = 0; row < size; row++) AT(a, row, column) = row == column;
        NAME(solve_factored)(size, factors, size, pivots, &AT(a, 0, column));
    }
    free(factors);
    return 0;
}

/* a = u* u (upper) or l l* (lower) in its own place; 0, or 1 + the first column that is not positive */
static int32_t NAME(potrf)(int is_upper, int64_t size, SCALAR *a, int64_t a_stride) {
    for (int64_t step = 0; step < size; step++) {
        for (int64_t row = step; row < size; row++) {
            SCALAR *item = is_upper ? &AT(a, step, row) : &AT(a, row, step), total = *item;
            for (int64_t i = 0; i < step; i++)
                total -= is_upper ? CONJUGATE(AT(a, i, step)) * AT(a, i, row)
                                  : AT(a, row, i) * CONJUGATE(AT(a, step, i));
            if (row > step) {
                *item = total / REAL_PART(AT(a, step, step));
            } else if (!(REAL_PART(total) > 0)) {
                return (int32_t)step + 1;
            } else {
                *item = SQRT(REAL_PART(total));
            }
        }
    }
    return 0;
}

/* Householder's reflection 1 - tau v v*, v[0] = 1, that makes of x a multiple of the first unit vector */
static SCALAR NAME(reflector)(int64_t size, SCALAR *x) {
    REAL tail = NAME(norm)(size - 1, x + 1, 1);
    if (tail == 0 && x[0] == REAL_PART(x[0])) return 0;
    REAL length = NAME(norm)(size, x, 1);
    REAL beta = REAL_PART(x[0]) < 0 ? length : -length;
    SCALAR first = x[0], tau = (beta - first) / beta;
    for (int64_t i = 1; i < size; i++) x[i] /= first - beta;
    x[0] = beta;
    return tau;
}

/* x -= factor · v (v* x), v[0] = 1 */
static void NAME(reflect)(int64_t size, SCALAR factor, const SCALAR *v, SCALAR *x) {
    SCALAR along = factor * (x[0] + NAME(inner)(size - 1, v + 1, x + 1));
    x[0] -= along;
    NAME(add_multiple)(size - 1, -along, v + 1, x + 1);
}

static int32_t NAME(geqrf)(int64_t rows, int64_t columns, SCALAR *a, int64_t a_stride, SCALAR *tau) {
    int64_t count = rows < columns ? rows : columns;
    for (int64_t step = 0; step < count; step++) {
        tau[step] = NAME(reflector)(rows - step, &AT(a, step, step));
        for (int64_t column = step + 1; column < columns; column++)
            NAME(reflect)(rows - step, CONJUGATE(tau[step]), &AT(a, step, step), &AT(a, step, column));
    }
    return 0;
}

/* The first `columns` columns of the product of the reflections below a's diagonal, in a's place */
static int32_t NAME(orgqr)(int64_t rows, int64_t columns, int64_t count, SCALAR *a, int64_t a_stride,
                           const SCALAR *tau) {
    for (int64_t column = count; column < columns; column++)
        for (int64_t row = 0; row < rows; row++) AT(a, row, column) = row == column;
    for (int64_t step = count; step-- > 0;) {
        for (int64_t column = step + 1; column < columns; column++)
            NAME(reflect)(rows - step, tau[step], &AT(a, step, step), &AT(a, step, column));
        for (int64_t row = step + 1; row < rows; row++) AT(a, row, step) *= -tau[step];
        AT(a, step, step) = 1 - tau[step];
        for (int64_t row = 0; row < step; row++) AT(a, row, step) = 0;
    }
    return 0;
}

/* One-sided Jacobi: turns columns p and q until they are at right angles; whether they were not already */
static int NAME(rotate)(int64_t rows, SCALAR *p, SCALAR *q, int64_t own_rows, SCALAR *own_p, SCALAR *own_q) {
    REAL pp = 0, qq = 0;
    SCALAR pq = NAME(inner)(rows, p, q);
    for (int64_t i = 0; i < rows; i++) pp += NAME(square)(p[i]), qq += NAME(square)(q[i]);
    REAL size = ABSOLUTE(pq);
    if (size == 0 || size <= EPSILON * SQRT(pp) * SQRT(qq)) return 0;
    REAL zeta = (qq - pp) / (2 * size), root = SQRT(1 + zeta * zeta);
    REAL tangent = zeta < 0 ? -1 / (root - zeta) : 1 / (root + zeta);
    REAL cosine = 1 / SQRT(1 + tangent * tangent), sine = cosine * tangent;
    SCALAR phase = pq / size;
    for (int64_t i = 0; i < rows + own_rows; i++) {
        SCALAR *left = i < rows ? p + i : own_p + (i - rows), *right = i < rows ? q + i : own_q + (i - rows);
        SCALAR before = *left, turned = *right * CONJUGATE(phase);
        *left = cosine * before - sine * turned;
        *right = sine * before + cosine * turned;
    }
    return 1;
}

/* Makes the columns of a orthogonal, v the product of the rotations; 0, or 1 if it does not end */
static int32_t NAME(orthogonalise)(int64_t rows, int64_t columns, SCALAR *a, SCALAR *v) {
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        int turned = 0;
        for (int64_t p = 0; p < columns; p++)
            for (int64_t q = p + 1; q < columns; q++)
                turned |= NAME(rotate)(rows, a + p * rows, a + q * rows, columns, v + p * columns, v + q * columns);
        if (!turned) return 0;
    }
    return 1;
}

/* Fills column `column` of u with a unit vector at right angles to the columns before it */
static void NAME(complete)(int64_t rows, int64_t column, SCALAR *u, int64_t u_stride) {
    for (int64_t unit = 0; unit < rows; unit++) {
        for (int64_t row = 0; row < rows; row++) AT(u, row, column) = row == unit;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t other = 0; other < column; other++) {
                SCALAR along = NAME(inner)(rows, &AT(u, 0, other), &AT(u, 0, column));
                NAME(add_multiple)(rows, -along, &AT(u, 0, other), &AT(u, 0, column));
            }
        REAL length = NAME(norm)(rows, &AT(u, 0, column), 1);
        if (length * length * rows < (REAL)0.5) continue;
        for (int64_t row = 0; row < rows; row++) AT(u, row, column) /= length;
        return;
    }
}

/* a = u diag(s) v*, for rows ≥ columns: u has `u_columns` columns, v is columns × columns without gaps */
static int32_t NAME(tall_svd)(int64_t rows, int64_t columns, SCALAR *a, REAL *s, SCALAR *u, int64_t u_stride,
                              int64_t u_columns, SCALAR *v) {
    SCALAR *turned = truestep_allocate((size_t)(columns * columns) * sizeof *v + 1);
    int64_t *order = truestep_allocate((size_t)columns * sizeof *order + 1);
    REAL *lengths = truestep_allocate((size_t)columns * sizeof *lengths + 1);
    for (int64_t i = 0; i < columns * columns; i++) turned[i] = i % (columns + 1) == 0;
    int32_t failed = NAME(orthogonalise)(rows, columns, a, turned);
    for (int64_t i = 0; i < columns; i++) {
        int64_t place = i;
        REAL length = NAME(norm)(rows, a + i * rows, 1);
        for (; place > 0 && lengths[place - 1] < length; place--)
            lengths[place] = lengths[place - 1], order[place] = order[place - 1];
        lengths[place] = length;
        order[place] = i;
    }
    for (int64_t i = 0; i < columns; i++) {
        s[i] = lengths[i];
        memcpy(v + i * columns, turned + order[i] * columns, (size_t)columns * sizeof *v);
        if (!u_columns) continue;
        if (lengths[i] <= EPSILON * lengths[0]) NAME(complete)(rows, i, u, u_stride);
        else
            for (int64_t row = 0; row < rows; row++) AT(u, row, i) = a[row + order[i] * rows] / lengths[i];
    }
    for (int64_t i = columns; i < u_columns; i++) NAME(complete)(rows, i, u, u_stride);
    free(turned);
    free(order);
    free(lengths);
    return failed;
}

/* form 'A': u and vt square; 'S': the columns that belong to singular values; 'N': none */
static int32_t NAME(gesdd)(char form, int64_t rows, int64_t columns, const SCALAR *a, int64_t a_stride, REAL *s,
                           SCALAR *u, int64_t u_stride, SCALAR *vt, int64_t vt_stride) {
    int is_tall = rows >= columns;
    int64_t longer = is_tall ? rows : columns, shorter = is_tall ? columns : rows;
    int64_t wanted = form == 'N' ? 0 : form == 'A' ? longer : shorter;
    SCALAR *copy = NAME(packed)(is_tall ? 'n' : 'c', longer, shorter, a, a_stride);
    SCALAR *square = truestep_allocate((size_t)(shorter * shorter) * sizeof *square + 1);
    SCALAR *wide = truestep_allocate((size_t)(longer * longer) * sizeof *wide + 1);
    int32_t failed = NAME(tall_svd)(longer, shorter, copy, s, wide, longer, wanted, square);
    /* a = wide s square*; of a lying matrix its conjugate transpose is that, so that the two change places. */
    for (int64_t i = 0; i < wanted; i++)
        for (int64_t row = 0; row < longer; row++) {
            if (is_tall) AT(u, row, i) = wide[row + i * longer];
            else AT(vt, i, row) = CONJUGATE(wide[row + i * longer]);
        }
    for (int64_t i = 0; i < shorter && wanted; i++)
        for (int64_t row = 0; row < shorter; row++) {
            if (is_tall) AT(vt, i, row) = CONJUGATE(square[row + i * shorter]);
            else AT(u, row, i) = square[row + i * shorter];
        }
    free(copy);
    free(square);
    free(wide);
    return failed;
}

/* Least squares of the least length through the singular values; b's columns become the solutions */
static int32_t NAME(gelsd)(int64_t rows, int64_t columns, int64_t right_sides, const SCALAR *a, int64_t a_stride,
                           SCALAR *b, int64_t b_stride, REAL *s, double limit, int32_t *rank) {
    int64_t count = rows < columns ? rows : columns;
    SCALAR *u = truestep_allocate((size_t)(rows * count) * sizeof *u + 1);
    SCALAR *vt = truestep_allocate((size_t)(count * columns) * sizeof *vt + 1);
    SCALAR *x = truestep_allocate((size_t)columns * sizeof *x + 1);
    int32_t failed = NAME(gesdd)('S', rows, columns, a, a_stride, s, u, rows, vt, count);
    REAL least = (REAL)(limit < 0 ? EPSILON : limit) * (count ? s[0] : 0);
    for (*rank = 0; *rank < count && s[*rank] > least; ++*rank) {}
    for (int64_t side = 0; side < right_sides; side++) {
        for (int64_t i = 0; i < columns; i++) x[i] = 0;
        for (int64_t i = 0; i < *rank; i++) {
            SCALAR along = NAME(inner)(rows, u + i * rows, &AT(b, 0, side)) / s[i];
            for (int64_t row = 0; row < columns; row++) x[row] += along * CONJUGATE(vt[i + row * count]);
        }
        for (int64_t i = 0; i < columns; i++) AT(b, i, side) = x[i];
    }
    free(u);
    free(vt);
    free(x);
    return failed;
}

/* Two-sided Jacobi step on the Hermitian a: makes a[p][q] zero, v the product of the rotations */
static void NAME(annihilate)(int64_t size, SCALAR *a, SCALAR *v, int64_t p, int64_t q) {
    int64_t a_stride = size, v_stride = size;
    SCALAR off = AT(a, p, q);
    REAL length = ABSOLUTE(off), pp = REAL_PART(AT(a, p, p)), qq = REAL_PART(AT(a, q, q));
    REAL theta = (qq - pp) / (2 * length), root = SQRT(1 + theta * theta);
    REAL tangent = theta < 0 ? -1 / (root - theta) : 1 / (root + theta);
    REAL cosine = 1 / SQRT(1 + tangent * tangent), sine = cosine * tangent;
    SCALAR phase = off / length;
    for (int64_t row = 0; row < size; row++) { /* columns of a and v */
        SCALAR left = AT(a, row, p), right = AT(a, row, q) * CONJUGATE(phase);
        AT(a, row, p) = cosine * left - sine * right;
        AT(a, row, q) = sine * left + cosine * right;
        left = AT(v, row, p), right = AT(v, row, q) * CONJUGATE(phase);
        AT(v, row, p) = cosine * left - sine * right;
        AT(v, row, q) = sine * left + cosine * right;
    }
    for (int64_t column = 0; column < size; column++) { /* rows of a */
        SCALAR upper = AT(a, p, column), lower = AT(a, q, column) * phase;
        AT(a, p, column) = cosine * upper - sine * lower;
        AT(a, q, column) = sine * upper + cosine * lower;
    }
    AT(a, p, q) = AT(a, q, p) = 0;
    AT(a, p, p) = pp - tangent * length;
    AT(a, q, q) = qq + tangent * length;
}

/* Eigenvalues of a Hermitian matrix in rising order; form 'V': eigenvectors in a's place */
static int32_t NAME(evd)(char form, int is_lower, int64_t size, SCALAR *a, int64_t a_stride, REAL *w) {
    SCALAR *own = NAME(packed)('n', size, size, a, a_stride);
    SCALAR *v = truestep_allocate((size_t)(size * size) * sizeof *v + 1);
    int64_t own_stride = size;
    REAL total = 0;
    for (int64_t column = 0; column < size; column++)
        for (int64_t row = 0; row <= column; row++) {
            SCALAR item = is_lower ? CONJUGATE(AT(a, column, row)) : AT(a, row, column);
            if (row == column) item = REAL_PART(item);
            AT(own, row, column) = item;
            AT(own, column, row) = CONJUGATE(item);
            v[row + column * size] = v[column + row * size] = row == column;
            total += NAME(square)(item);
        }
    int32_t failed = 1;
    REAL limit = EPSILON * EPSILON * total * (REAL)0.0625;
    for (int sweep = 0; sweep < SWEEPS_MAX && failed; sweep++) {
        failed = 0;
        for (int64_t p = 0; p < size; p++)
            for (int64_t q = p + 1; q < size; q++)
                if (NAME(square)(AT(own, p, q)) * size > limit) {
                    NAME(annihilate)(size, own, v, p, q);
                    failed = 1;
                }
    }
    int64_t *order = truestep_allocate((size_t)size * sizeof *order + 1);
    for (int64_t i = 0; i < size; i++) {
        int64_t place = i;
        REAL value = REAL_PART(AT(own, i, i));
        for (; place > 0 && w[place - 1] > value; place--) w[place] = w[place - 1], order[place] = order[place - 1];
        w[place] = value;
        order[place] = i;
    }
    for (int64_t i = 0; i < size && form == 'V'; i++)
        memcpy(&AT(a, 0, i), v + order[i] * size, (size_t)size * sizeof *v);
    free(own);
    free(v);
    free(order);
    return failed;
}

#undef AT
