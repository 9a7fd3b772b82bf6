/* np.linalg.eig and eigvals of real matrices: Francis's double QR steps (Golub and Van Loan, section 7.5), with the
   shifts, the test for negligible items (M. Ahues and F. Tisseur, 1997) and the standard form of two by two blocks
   that LAPACK documents for xLAHQR, so that eigenvalues come in LAPACK's order.                                  */
#include "linear_general.h"

struct schur {
    int64_t size, first, last; /* rows outside of first … last are triangular already */
    double *h, *z;             /* by columns; z collects the rotations, if there are to be vectors */
};

#define H(row, column) h[(row) + (column) * size]

static double sign(double x) { return copysign(1, x); }

/* The rest of `standardise` for eigenvalues that are complex or nearly equal: makes the diagonal equal first */
static struct rotation make_diagonal_equal(double *a, double *b, double *c, double *d) {
    double sum = *b + *c, difference = *a - *d, length = hypot(sum, difference);
    double cosine = sqrt(0.5 * (1 + fabs(sum) / length));
    double sine = -(0.5 * difference / (length * cosine)) * sign(sum);
    double aa = *a * cosine + *b * sine, bb = -*a * sine + *b * cosine;
    double cc = *c * cosine + *d * sine, dd = -*c * sine + *d * cosine;
    *b = bb * cosine + dd * sine, *c = -aa * sine + cc * cosine;
    double middle = 0.5 * ((aa * cosine + cc * sine) + (-bb * sine + dd * cosine));
    *a = *d = middle;
    if (*c == 0) return (struct rotation){cosine, sine};
    if (*b == 0) {
        *b = -*c, *c = 0;
        return (struct rotation){-sine, cosine};
    }
    if (sign(*b) != sign(*c)) return (struct rotation){cosine, sine};
    double root_b = sqrt(fabs(*b)), root_c = sqrt(fabs(*c)), p = copysign(root_b * root_c, *c);
    double scale = 1 / sqrt(fabs(*b + *c)), cosine_2 = root_b * scale, sine_2 = root_c * scale;
    *a = middle + p, *d = middle - p, *b -= *c, *c = 0;
    return (struct rotation){cosine * cosine_2 - sine * sine_2, cosine * sine_2 + sine * cosine_2};
}

/* The block (a, b; c, d) turned to standard form: c = 0, or a = d and b c < 0 */
static struct rotation standardise(double *a, double *b, double *c, double *d) {
    double difference = *a - *d, p = 0.5 * difference;
    if (*c == 0) return (struct rotation){1, 0};
    if (*b == 0) {
        double moved = *d;
        *d = *a, *a = moved, *b = -*c, *c = 0;
        return (struct rotation){0, 1};
    }
    if (difference == 0 && sign(*b) != sign(*c)) return (struct rotation){1, 0};
    double high = fmax(fabs(*b), fabs(*c)), low = fmin(fabs(*b), fabs(*c)) * sign(*b) * sign(*c);
    double scale = fmax(fabs(p), high), z = p / scale * p + high / scale * low;
    if (z < 4 * UNIT) return make_diagonal_equal(a, b, c, d);
    z = p + copysign(sqrt(scale) * sqrt(z), p);
    double length = hypot(*c, z);
    struct rotation turn = {z / length, *c / length};
    *a = *d + z;
    *d -= high / z * low;
    *b -= *c, *c = 0;
    return turn;
}

/* The top of the last block whose items below the diagonal are not negligible */
static int64_t top_of_block(const struct schur *s, int64_t bottom) {
    const int64_t size = s->size;
    const double *h = s->h, tiny = DBL_MIN * ((double)(s->last - s->first + 1) / UNIT);
    int64_t k = bottom;
    for (; k > s->first; k--) {
        double below = fabs(H(k, k - 1)), sum = fabs(H(k - 1, k - 1)) + fabs(H(k, k));
        if (below <= tiny) break;
        if (sum == 0) {
            if (k - 2 >= s->first) sum += fabs(H(k - 1, k - 2));
            if (k + 1 <= s->last) sum += fabs(H(k + 1, k));
        }
        if (below > UNIT * sum) continue;
        double above = fabs(H(k - 1, k)), own = fabs(H(k, k)), apart = fabs(H(k - 1, k - 1) - H(k, k));
        double ab = fmax(below, above), ba = fmin(below, above), aa = fmax(own, apart), bb = fmin(own, apart);
        if (ba * (ab / (aa + ab)) <= fmax(tiny, UNIT * (bb * (aa / (aa + ab))))) break;
    }
    return k;
}

struct shifts {
    double real, other_real, imaginary;
};

static struct shifts shifts_of(double a, double b, double c, double d) {
    double scale = fabs(a) + fabs(b) + fabs(c) + fabs(d);
    if (scale == 0) return (struct shifts){0, 0, 0};
    a /= scale, b /= scale, c /= scale, d /= scale;
    double middle = (a + d) / 2, determinant = (a - middle) * (d - middle) - b * c, root = sqrt(fabs(determinant));
    if (determinant >= 0) return (struct shifts){middle * scale, middle * scale, root * scale};
    double high = middle + root, low = middle - root, nearer = fabs(high - d) <= fabs(low - d) ? high : low;
    return (struct shifts){nearer * scale, nearer * scale, 0};
}

static struct shifts choose_shifts(const struct schur *s, int64_t top, int64_t bottom, int64_t steps) {
    const int64_t size = s->size;
    const double *h = s->h;
    if (steps % 20 == 0) {
        double sum = fabs(H(bottom, bottom - 1)) + fabs(H(bottom - 1, bottom - 2)), a = 0.75 * sum + H(bottom, bottom);
        return shifts_of(a, -0.4375 * sum, sum, a);
    }
    if (steps % 10 == 0) {
        double sum = fabs(H(top + 1, top)) + fabs(H(top + 2, top + 1)), a = 0.75 * sum + H(top, top);
        return shifts_of(a, -0.4375 * sum, sum, a);
    }
    return shifts_of(H(bottom - 1, bottom - 1), H(bottom - 1, bottom), H(bottom, bottom - 1), H(bottom, bottom));
}

/* Where the step may begin, and the first column of (h - shift)(h - other shift) there */
static int64_t begin_step(const struct schur *s, int64_t top, int64_t bottom, struct shifts shift, double v[3]) {
    const int64_t size = s->size;
    const double *h = s->h;
    int64_t m = bottom - 2;
    for (;; m--) {
        double below = fabs(H(m + 1, m)), scale = fabs(H(m, m) - shift.other_real) + fabs(shift.imaginary) + below;
        below = H(m + 1, m) / scale;
        v[0] = below * H(m, m + 1) + (H(m, m) - shift.real) * ((H(m, m) - shift.other_real) / scale) +
               shift.imaginary * (shift.imaginary / scale);
        v[1] = below * (H(m, m) + H(m + 1, m + 1) - shift.real - shift.other_real);
        v[2] = below * H(m + 2, m + 1);
        double sum = fabs(v[0]) + fabs(v[1]) + fabs(v[2]);
        for (int i = 0; i < 3; i++) v[i] /= sum;
        if (m == top) return m;
        double around = fabs(H(m - 1, m - 1)) + fabs(H(m, m)) + fabs(H(m + 1, m + 1));
        if (fabs(H(m, m - 1)) * (fabs(v[1]) + fabs(v[2])) <= UNIT * fabs(v[0]) * around) return m;
    }
}

/* Columns of a matrix times the reflection of `count` items v, v[0] = 1 */
static void reflect_columns(int64_t from, int64_t to, double tau, const double *v, int64_t count, double *x,
                            double *y, double *z) {
    double tau_1 = tau * v[1], tau_2 = count == 3 ? tau * v[2] : 0;
    if (count == 3) {
        for (int64_t j = from; j <= to; j++) {
            double sum = x[j] + v[1] * y[j] + v[2] * z[j];
            x[j] -= sum * tau, y[j] -= sum * tau_1, z[j] -= sum * tau_2;
        }
    } else {
        for (int64_t j = from; j <= to; j++) {
            double sum = x[j] + v[1] * y[j];
            x[j] -= sum * tau, y[j] -= sum * tau_1;
        }
    }
}

static void double_step(struct schur *s, int64_t top, int64_t bottom, int64_t begin, double v[3], int64_t left,
                        int64_t right) {
    const int64_t size = s->size;
    double *h = s->h;
    for (int64_t k = begin; k < bottom; k++) {
        int64_t count = bottom - k + 1 < 3 ? bottom - k + 1 : 3;
        if (k > begin)
            for (int64_t i = 0; i < count; i++) v[i] = H(k + i, k - 1);
        double tau = d_reflection(count, v);
        if (k > begin) {
            H(k, k - 1) = v[0], H(k + 1, k - 1) = 0;
            if (k < bottom - 1) H(k + 2, k - 1) = 0;
        } else if (begin > top) {
            H(k, k - 1) *= 1 - tau;
        }
        double tau_1 = tau * v[1], tau_2 = count == 3 ? tau * v[2] : 0;
        for (int64_t j = k; j <= right; j++) {
            double *x = &H(k, j);
            if (count == 3) {
                double sum = x[0] + v[1] * x[1] + v[2] * x[2];
                x[0] -= sum * tau, x[1] -= sum * tau_1, x[2] -= sum * tau_2;
            } else {
                double sum = x[0] + v[1] * x[1];
                x[0] -= sum * tau, x[1] -= sum * tau_1;
            }
        }
        int64_t end = k + 3 < bottom ? k + 3 : bottom, third = count == 3 ? k + 2 : k;
        reflect_columns(left, end, tau, v, count, &H(0, k), &H(0, k + 1), &H(0, third));
        if (s->z)
            reflect_columns(0, size - 1, tau, v, count, s->z + k * size, s->z + (k + 1) * size, s->z + third * size);
    }
}

/* The eigenvalues of the block of two rows that ends at `bottom` */
static void finish_pair(struct schur *s, int64_t bottom, double _Complex *w) {
    const int64_t size = s->size;
    double *h = s->h;
    int64_t above = bottom - 1;
    double *a = &H(above, above), *b = &H(above, bottom), *c = &H(bottom, above), *d = &H(bottom, bottom);
    struct rotation turn = standardise(a, b, c, d);
    double imaginary = *c == 0 ? 0 : sqrt(fabs(*b)) * sqrt(fabs(*c));
    w[above] = __builtin_complex(*a, imaginary), w[bottom] = __builtin_complex(*d, -imaginary);
    if (imaginary == 0) w[above] = *a, w[bottom] = *d;
    if (!s->z) return;
    for (int64_t j = bottom + 1; j < size; j++) truestep_rotate(1, turn, &H(above, j), &H(bottom, j));
    truestep_rotate(above, turn, &H(0, above), &H(0, bottom));
    truestep_rotate(size, turn, s->z + above * size, s->z + bottom * size);
}

/* h becomes quasi-triangular, if there is a z; 1 if it does not end */
static int32_t iterate(struct schur *s, double _Complex *w) {
    const int64_t size = s->size;
    double *h = s->h;
    int64_t bottom = s->last, steps = 0, left = 0, right = size - 1;
    int64_t limit = SWEEPS_MAX * (size > 10 ? size : 10);
    for (int64_t i = 0; i < size; i++)
        if (i < s->first || i > s->last) w[i] = H(i, i);
    while (bottom >= s->first) {
        int64_t top = top_of_block(s, bottom);
        if (top > s->first) H(top, top - 1) = 0;
        if (top >= bottom - 1) {
            if (top == bottom) w[bottom] = H(bottom, bottom);
            else finish_pair(s, bottom, w);
            bottom = top - 1, steps = 0;
            continue;
        }
        if (limit-- <= 0) return 1;
        steps++;
        if (!s->z) left = top, right = bottom;
        double v[3];
        int64_t begin = begin_step(s, top, bottom, choose_shifts(s, top, bottom, steps), v);
        double_step(s, top, bottom, begin, v, left, right);
    }
    return 0;
}

/* x of the rows before `row` such that (t - value) x = 0, where x is given from `row` on */
static void substitute(const struct schur *s, int64_t row, int64_t end, double _Complex value, double _Complex *x) {
    const int64_t size = s->size;
    const double *h = s->h;
    double least = fmax(UNIT * (fabs(__real__(value)) + fabs(__imag__(value))), DBL_MIN * ((double)size / UNIT));
    for (int64_t i = 0; i < row; i++) {
        x[i] = 0;
        for (int64_t j = row; j <= end; j++) x[i] -= H(i, j) * x[j];
    }
    for (int64_t j = row - 1; j >= 0; j--) {
        int64_t above = j > 0 && H(j, j - 1) != 0 ? j - 1 : j;
        if (above == j) {
            double _Complex pivot = H(j, j) - value;
            if (fabs(__real__(pivot)) + fabs(__imag__(pivot)) < least) pivot = least;
            x[j] = z_quotient(x[j], pivot);
        } else {
            double _Complex a = H(above, above) - value, d = H(j, j) - value, b = H(above, j), c = H(j, above);
            double _Complex determinant = a * d - b * c, upper = d * x[above] - b * x[j];
            if (hypot(__real__ determinant, __imag__ determinant) < least * least) determinant = least * least;
            x[j] = z_quotient(a * x[j] - c * x[above], determinant);
            x[above] = z_quotient(upper, determinant);
        }
        double largest = 0;
        for (int64_t i = above; i <= j; i++) largest = fmax(largest, fmax(fabs(__real__(x[i])), fabs(__imag__(x[i]))));
        if (largest > LARGEST_ITEM)
            for (int64_t i = 0; i <= end; i++) x[i] /= largest;
        for (int64_t column = above; column <= j; column++)
            for (int64_t i = 0; i < above; i++) x[i] -= H(i, column) * x[column];
        j = above;
    }
}

/* The vector of the quasi-triangular matrix that belongs to eigenvalue `place`; of a pair, to the first of the two */
static void triangular_vector(const struct schur *s, int64_t place, double _Complex value, double _Complex *x) {
    const int64_t size = s->size;
    const double *h = s->h;
    int is_pair = __imag__(value) != 0;
    int64_t end = place + is_pair;
    if (!is_pair) {
        x[place] = 1;
    } else if (fabs(H(place, end)) >= fabs(H(end, place))) {
        x[place] = 1, x[end] = __builtin_complex(0.0, __imag__(value) / H(place, end));
    } else {
        x[place] = -__imag__(value) / H(end, place), x[end] = __builtin_complex(0.0, 1.0);
    }
    substitute(s, place, end, value, x);
    for (int64_t i = end + 1; i < size; i++) x[i] = 0;
}

/* Length 1, and a largest item that is real */
static void normalise(int64_t size, double _Complex *vector) {
    double length = z_length(size, vector), largest = 0;
    int64_t place = 0;
    for (int64_t i = 0; i < size; i++) {
        vector[i] /= length;
        double square = __real__(vector[i]) * __real__(vector[i]) + __imag__(vector[i]) * __imag__(vector[i]);
        if (square > largest) largest = square, place = i;
    }
    struct rotation turn;
    if (__imag__(vector[place]) == 0) return;
    truestep_rotation(__real__(vector[place]), __imag__(vector[place]), &turn);
    for (int64_t i = 0; i < size; i++) vector[i] *= __builtin_complex(turn.cosine, -turn.sine);
    vector[place] = __real__(vector[place]);
}

int32_t d_truestep_eig(int64_t count, int64_t size, int64_t wants_vectors, double *a, double _Complex *w,
                       double _Complex *vectors) {
    double *scale = truestep_allocate(2 * (size_t)size * sizeof *scale + 1), *tau = scale + size;
    double *z = wants_vectors ? truestep_allocate((size_t)(size * size) * sizeof *z + 1) : NULL;
    double _Complex *x = truestep_allocate((size_t)size * sizeof *x + 1);
    int32_t failed = 0;
    for (; count > 0 && size > 0 && !failed; count--, a += size * size, w += size) {
        double factor = d_bring_into_range(size * size, a);
        struct d_balanced block = {0, size - 1, scale};
        d_balance(size, a, &block);
        d_reduce_to_hessenberg(size, a, &block, tau);
        d_take_hessenberg_q(size, a, &block, tau, z);
        struct schur s = {size, block.first, block.last, a, z};
        failed = iterate(&s, w);
        for (int64_t i = 0; i < size && wants_vectors && !failed; i++, vectors += size) {
            if (__imag__(w[i]) < 0) {
                for (int64_t row = 0; row < size; row++) vectors[row] = ~(vectors[row - size]);
                continue;
            }
            triangular_vector(&s, i, w[i], x);
            for (int64_t row = 0; row < size; row++) vectors[row] = 0;
            for (int64_t column = 0; column <= i + (__imag__(w[i]) != 0); column++)
                for (int64_t row = 0; row < size; row++) vectors[row] += z[row + column * size] * x[column];
            z_undo_balance(size, block.first, block.last, scale, vectors);
            normalise(size, vectors);
        }
        for (int64_t i = 0; i < size; i++) w[i] *= factor;
    }
    free(scale);
    free(z);
    free(x);
    return failed;
}
