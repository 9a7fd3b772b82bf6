/* np.linalg.eig and eigvals of complex matrices: QR steps with one shift (Golub and Van Loan, section 7.5), with the
   shifts and the test for negligible items that LAPACK documents for xLAHQR, so that eigenvalues come in LAPACK's
   order. Items below the diagonal are kept real.                                                                 */
#include "linear_general.h"

struct schur {
    int64_t size, first, last; /* rows outside of first … last are triangular already */
    double _Complex *h, *z;     /* by columns; z collects the rotations, if there are to be vectors */
};

#define H(row, column) h[(row) + (column) * size]

static double _Complex root_of(double _Complex x) {
    double a = __real__ x, b = __imag__ x, length = hypot(a, b);
    if (length == 0) return 0;
    double root = sqrt(0.5 * (length + fabs(a)));
    if (a >= 0) return __builtin_complex(root, b / (2 * root));
    return __builtin_complex(fabs(b) / (2 * root), copysign(root, b));
}

static double size_of(double _Complex x) { return fabs(__real__(x)) + fabs(__imag__(x)); }

/* The top of the last block whose items below the diagonal are not negligible */
static int64_t top_of_block(const struct schur *s, int64_t bottom) {
    const int64_t size = s->size;
    const double _Complex *h = s->h;
    const double tiny = DBL_MIN * ((double)(s->last - s->first + 1) / UNIT);
    int64_t k = bottom;
    for (; k > s->first; k--) {
        double below = size_of(H(k, k - 1)), sum = size_of(H(k - 1, k - 1)) + size_of(H(k, k));
        if (below <= tiny) break;
        if (sum == 0) {
            if (k - 2 >= s->first) sum += fabs(__real__(H(k - 1, k - 2)));
            if (k + 1 <= s->last) sum += fabs(__real__(H(k + 1, k)));
        }
        if (fabs(__real__(H(k, k - 1))) > UNIT * sum) continue;
        double above = size_of(H(k - 1, k)), own = size_of(H(k, k)), apart = size_of(H(k - 1, k - 1) - H(k, k));
        double ab = fmax(below, above), ba = fmin(below, above), aa = fmax(own, apart), bb = fmin(own, apart);
        if (ba * (ab / (aa + ab)) <= fmax(tiny, UNIT * (bb * (aa / (aa + ab))))) break;
    }
    return k;
}

static double _Complex choose_shift(const struct schur *s, int64_t top, int64_t bottom, int64_t steps) {
    const int64_t size = s->size;
    const double _Complex *h = s->h;
    if (steps % 20 == 0) return 0.75 * fabs(__real__(H(bottom, bottom - 1))) + H(bottom, bottom);
    if (steps % 10 == 0) return 0.75 * fabs(__real__(H(top + 1, top))) + H(top, top);
    double _Complex shift = H(bottom, bottom), u = root_of(H(bottom - 1, bottom)) * root_of(H(bottom, bottom - 1));
    double scale = size_of(u);
    if (scale == 0) return shift;
    double _Complex x = 0.5 * (H(bottom - 1, bottom - 1) - shift);
    double size_of_x = size_of(x);
    scale = fmax(scale, size_of_x);
    double _Complex y = scale * root_of(x / scale * (x / scale) + u / scale * (u / scale));
    if (size_of_x > 0) {
        double _Complex direction = x / size_of_x;
        if (__real__(direction) * __real__(y) + __imag__(direction) * __imag__(y) < 0) y = -y;
    }
    return shift - u * z_quotient(u, x + y);
}

/* Where the step may begin, and the first column of h - shift there */
static int64_t begin_step(const struct schur *s, int64_t top, int64_t bottom, double _Complex shift,
                          double _Complex v[2]) {
    const int64_t size = s->size;
    const double _Complex *h = s->h;
    for (int64_t m = bottom - 1;; m--) {
        double _Complex apart = H(m, m) - shift;
        double below = __real__(H(m + 1, m)), scale = size_of(apart) + fabs(below);
        v[0] = apart / scale, v[1] = below / scale;
        if (m == top) return m;
        double around = size_of(H(m, m)) + size_of(H(m + 1, m + 1));
        if (fabs(__real__(H(m, m - 1))) * fabs(__real__(v[1])) <= UNIT * (size_of(v[0]) * around)) return m;
    }
}

/* x, y = (1 - tau v v*) applied to pairs of columns from the right */
static void reflect_columns(int64_t from, int64_t to, double _Complex tau, double _Complex v, double _Complex *x,
                            double _Complex *y) {
    double tau_v = __real__(tau * v);
    for (int64_t j = from; j <= to; j++) {
        double _Complex sum = tau * x[j] + tau_v * y[j];
        x[j] -= sum, y[j] -= sum * ~(v);
    }
}

/* Row `row` right of the diagonal and column `row` above it are turned by opposite phases, and with them z */
static void turn_phase(struct schur *s, int64_t row, int64_t left, int64_t right, double _Complex phase) {
    const int64_t size = s->size;
    double _Complex *h = s->h;
    for (int64_t j = row + 1; j <= right; j++) H(row, j) *= phase;
    for (int64_t j = left; j < row; j++) H(j, row) *= ~(phase);
    for (int64_t j = 0; j < size && s->z; j++) s->z[j + row * size] *= ~(phase);
}

static void single_step(struct schur *s, int64_t top, int64_t bottom, int64_t begin, double _Complex v[2], int64_t left,
                        int64_t right) {
    const int64_t size = s->size;
    double _Complex *h = s->h;
    for (int64_t k = begin; k < bottom; k++) {
        if (k > begin) v[0] = H(k, k - 1), v[1] = H(k + 1, k - 1);
        double _Complex tau = z_reflection(2, v);
        if (k > begin) H(k, k - 1) = v[0], H(k + 1, k - 1) = 0;
        double tau_v = __real__(tau * v[1]);
        for (int64_t j = k; j <= right; j++) {
            double _Complex sum = ~(tau) * H(k, j) + tau_v * H(k + 1, j);
            H(k, j) -= sum, H(k + 1, j) -= sum * v[1];
        }
        reflect_columns(left, k + 2 < bottom ? k + 2 : bottom, tau, v[1], &H(0, k), &H(0, k + 1));
        if (s->z) reflect_columns(0, size - 1, tau, v[1], s->z + k * size, s->z + (k + 1) * size);
        if (k != begin || begin == top) continue;
        /* The step began inside of the block: the items below the diagonal are made real again. */
        double _Complex phase = 1 - tau;
        phase /= hypot(__real__ phase, __imag__ phase);
        H(begin + 1, begin) *= ~(phase);
        if (begin + 2 <= bottom) H(begin + 2, begin + 1) *= phase;
        for (int64_t j = begin; j <= bottom; j++)
            if (j != begin + 1) turn_phase(s, j, left, right, phase);
    }
    double _Complex end = H(bottom, bottom - 1);
    if (__imag__(end) == 0) return;
    H(bottom, bottom - 1) = hypot(__real__ end, __imag__ end);
    turn_phase(s, bottom, left, right, ~(end / hypot(__real__ end, __imag__ end)));
}

/* Turns rows so that the items below the diagonal are real */
static void make_real(struct schur *s, int64_t left_end, int64_t right_end) {
    const int64_t size = s->size;
    double _Complex *h = s->h;
    for (int64_t i = s->first + 1; i <= s->last; i++) {
        double _Complex below = H(i, i - 1);
        if (__imag__(below) == 0) continue;
        double _Complex phase = ~(below / hypot(__real__ below, __imag__ below));
        H(i, i - 1) = hypot(__real__ below, __imag__ below);
        double _Complex own = H(i, i), next = i + 1 <= s->last ? H(i + 1, i) : 0;
        turn_phase(s, i, left_end, right_end, phase);
        H(i, i) = own;
        if (i + 1 <= s->last) H(i + 1, i) = next * ~(phase);
    }
}

/* h becomes triangular, if there is a z; 1 if it does not end */
static int32_t iterate(struct schur *s, double _Complex *w) {
    const int64_t size = s->size;
    double _Complex *h = s->h;
    int64_t bottom = s->last, steps = 0, left = s->z ? 0 : s->first, right = s->z ? size - 1 : s->last;
    int64_t limit = SWEEPS_MAX * (size > 10 ? size : 10);
    for (int64_t i = 0; i < size; i++)
        if (i < s->first || i > s->last) w[i] = H(i, i);
    make_real(s, left, right);
    while (bottom >= s->first) {
        int64_t top = top_of_block(s, bottom);
        if (top > s->first) H(top, top - 1) = 0;
        if (top == bottom) {
            w[bottom] = H(bottom, bottom);
            bottom--, steps = 0;
            continue;
        }
        if (limit-- <= 0) return 1;
        steps++;
        if (!s->z) left = top, right = bottom;
        double _Complex v[2];
        int64_t begin = begin_step(s, top, bottom, choose_shift(s, top, bottom, steps), v);
        single_step(s, top, bottom, begin, v, left, right);
    }
    return 0;
}

/* x with (t - value) x = 0 and 1 in its last row, number `place` */
static void triangular_vector(const struct schur *s, int64_t place, double _Complex value, double _Complex *x) {
    const int64_t size = s->size;
    const double _Complex *h = s->h;
    double least = fmax(UNIT * size_of(value), DBL_MIN * ((double)size / UNIT));
    for (int64_t i = 0; i < place; i++) x[i] = -H(i, place);
    x[place] = 1;
    for (int64_t j = place - 1; j >= 0; j--) {
        double _Complex pivot = H(j, j) - value;
        if (size_of(pivot) < least) pivot = least;
        x[j] = z_quotient(x[j], pivot);
        double size_of_x = size_of(x[j]);
        if (size_of_x > LARGEST_ITEM)
            for (int64_t i = 0; i <= place; i++) x[i] /= size_of_x;
        z_add_multiple(j, -x[j], &H(0, j), x);
    }
}

/* Length 1, and a largest item that is real and positive */
static void normalise(int64_t size, double _Complex *vector) {
    double length = z_length(size, vector), largest = 0;
    int64_t place = 0;
    for (int64_t i = 0; i < size; i++) {
        vector[i] /= length;
        double square = __real__(vector[i]) * __real__(vector[i]) + __imag__(vector[i]) * __imag__(vector[i]);
        if (square > largest) largest = square, place = i;
    }
    z_scale(size, ~(vector[place]) / sqrt(largest), vector);
    vector[place] = __real__(vector[place]);
}

int32_t z_truestep_eig(int64_t count, int64_t size, int64_t wants_vectors, double _Complex *a, double _Complex *w,
                       double _Complex *vectors) {
    double *scale = truestep_allocate((size_t)size * sizeof *scale + 1);
    double _Complex *x = truestep_allocate(2 * (size_t)size * sizeof *x + 1), *tau = x + size;
    double _Complex *z = wants_vectors ? truestep_allocate((size_t)(size * size) * sizeof *z + 1) : NULL;
    int32_t failed = 0;
    for (; count > 0 && size > 0 && !failed; count--, a += size * size, w += size) {
        double factor = z_bring_into_range(size * size, a);
        struct z_balanced block = {0, size - 1, scale};
        z_balance(size, a, &block);
        z_reduce_to_hessenberg(size, a, &block, tau);
        z_take_hessenberg_q(size, a, &block, tau, z);
        struct schur s = {size, block.first, block.last, a, z};
        failed = iterate(&s, w);
        for (int64_t i = 0; i < size && wants_vectors && !failed; i++, vectors += size) {
            triangular_vector(&s, i, w[i], x);
            for (int64_t row = 0; row < size; row++) vectors[row] = 0;
            for (int64_t column = 0; column <= i; column++)
                z_add_multiple(size, x[column], z + column * size, vectors);
            z_undo_balance(size, block.first, block.last, scale, vectors);
            normalise(size, vectors);
        }
        for (int64_t i = 0; i < size; i++) w[i] *= factor;
    }
    free(scale);
    free(x);
    free(z);
    return failed;
}
