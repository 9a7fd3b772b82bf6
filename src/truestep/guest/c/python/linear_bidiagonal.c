/* Singular values of a bidiagonal matrix by QR steps that keep the small ones accurate, after J. Demmel and W. Kahan,
   "Accurate singular values of bidiagonal matrices" (1990). The choice of directions, shifts and signs is the one
   that LAPACK documents for xBDSQR, so that vectors have LAPACK's signs.                                         */
#include "linear_rotations.h"

static const double TOLERANCE = 0x1.8ace5422aa0dbp6; /* 2^(53/8) times the rounding error: Demmel and Kahan's choice */

struct bidiagonal {
    double *d, *e;
    int64_t first, last; /* the block that is worked on */
    int goes_down;
    struct rotation *of_u, *of_v;
};

/* The smaller singular value of the upper triangular matrix (f, g; 0, h) */
static double smaller_value(double f, double g, double h) {
    double low = fmin(fabs(f), fabs(h)), high = fmax(fabs(f), fabs(h)), size = fabs(g);
    if (low == 0) return 0;
    double sum = 1 + low / high, difference = (high - low) / high;
    if (size < high) {
        double square = (size / high) * (size / high);
        return low * (2 / (sqrt(sum * sum + square) + sqrt(difference * difference + square)));
    }
    double ratio = high / size;
    if (ratio == 0) return low * high / size;
    double part = 1 / (sqrt(1 + sum * ratio * (sum * ratio)) + sqrt(1 + difference * ratio * (difference * ratio)));
    return 2 * (low * part * ratio);
}

static double sign(double x) { return copysign(1, x); }

/* (f, g; 0, h) = left rotation · diagonal (larger, smaller) · right rotation; after Demmel and Kahan's xLASV2 */
static void singular_pair(double f, double g, double h, double *larger, double *smaller, struct rotation *left,
                          struct rotation *right) {
    int is_swapped = fabs(h) > fabs(f), largest = is_swapped ? 3 : 1, is_general = 1;
    double top = is_swapped ? h : f, bottom = is_swapped ? f : h, a = fabs(top), c = fabs(bottom), b = fabs(g);
    double left_cosine = 1, left_sine = 0, right_cosine = 1, right_sine = 0;
    *larger = a, *smaller = c;
    if (b == 0) is_general = 0;
    if (b > a) {
        largest = 2;
        if (a / b < UNIT / 2) {
            is_general = 0;
            *larger = b;
            *smaller = c > 1 ? a / (b / c) : a / b * c;
            left_sine = bottom / g, right_sine = 1, right_cosine = top / g;
        }
    }
    if (is_general) {
        double difference = a - c, l = difference == a ? 1 : difference / a, m = g / top, t = 2 - l;
        double s = sqrt(t * t + m * m), r = l == 0 ? fabs(m) : sqrt(l * l + m * m), half = 0.5 * (s + r);
        *smaller = c / half, *larger = a * half;
        if (m * m == 0) t = l == 0 ? copysign(2, top) * sign(g) : g / copysign(difference, top) + m / t;
        else t = (m / (s + t) + m / (r + l)) * (1 + half);
        l = sqrt(t * t + 4);
        right_cosine = 2 / l, right_sine = t / l;
        left_cosine = (right_cosine + right_sine * m) / half, left_sine = bottom / top * right_sine / half;
    }
    *left = is_swapped ? (struct rotation){right_sine, right_cosine} : (struct rotation){left_cosine, left_sine};
    *right = is_swapped ? (struct rotation){left_sine, left_cosine} : (struct rotation){right_cosine, right_sine};
    double direction = largest == 1   ? sign(right->cosine) * sign(left->cosine) * sign(f)
                       : largest == 2 ? sign(right->sine) * sign(left->cosine) * sign(g)
                                      : sign(right->sine) * sign(left->sine) * sign(h);
    *larger = copysign(*larger, direction);
    *smaller = copysign(*smaller, direction * sign(f) * sign(h));
}

/* Finds the last block whose items of e are not negligible; whether there is one */
static int find_block(struct bidiagonal *b, double threshold, double *largest) {
    for (;; b->last--) {
        if (b->last <= 0) return 0;
        *largest = fabs(b->d[b->last]);
        for (b->first = b->last; b->first > 0; b->first--) {
            double above = fabs(b->e[b->first - 1]);
            if (above <= threshold) {
                b->e[b->first - 1] = 0;
                break;
            }
            *largest = fmax(*largest, fmax(fabs(b->d[b->first - 1]), above));
        }
        if (b->first < b->last) return 1;
    }
}

/* Whether an item of e was negligible beside what lies before it in the direction of the steps; it is zero then */
static int splits(struct bidiagonal *b, double tolerance, double *least) {
    double *end = b->goes_down ? &b->e[b->last - 1] : &b->e[b->first];
    if (fabs(*end) <= tolerance * fabs(b->d[b->goes_down ? b->last : b->first])) {
        *end = 0;
        return 1;
    }
    double size = *least = fabs(b->d[b->goes_down ? b->first : b->last]);
    for (int64_t i = 0; i < b->last - b->first; i++) {
        int64_t place = b->goes_down ? b->first + i : b->last - 1 - i;
        if (fabs(b->e[place]) <= tolerance * size) {
            b->e[place] = 0;
            return 1;
        }
        size = fabs(b->d[b->goes_down ? place + 1 : place]) * (size / (size + fabs(b->e[place])));
        *least = fmin(*least, size);
    }
    return 0;
}

static void step_down_without_shift(struct bidiagonal *b) {
    double *d = b->d, *e = b->e;
    struct rotation now = {1, 0}, before = {1, 0};
    for (int64_t i = b->first; i < b->last; i++) {
        double r = truestep_rotation(d[i] * now.cosine, e[i], &now);
        if (i > b->first) e[i - 1] = before.sine * r;
        d[i] = truestep_rotation(before.cosine * r, d[i + 1] * now.sine, &before);
        b->of_v[i - b->first] = now, b->of_u[i - b->first] = before;
    }
    double h = d[b->last] * now.cosine;
    d[b->last] = h * before.cosine;
    e[b->last - 1] = h * before.sine;
}

static void step_up_without_shift(struct bidiagonal *b) {
    double *d = b->d, *e = b->e;
    struct rotation now = {1, 0}, before = {1, 0};
    for (int64_t i = b->last; i > b->first; i--) {
        double r = truestep_rotation(d[i] * now.cosine, e[i - 1], &now);
        if (i < b->last) e[i] = before.sine * r;
        d[i] = truestep_rotation(before.cosine * r, d[i - 1] * now.sine, &before);
        b->of_u[i - b->first - 1] = (struct rotation){now.cosine, -now.sine};
        b->of_v[i - b->first - 1] = (struct rotation){before.cosine, -before.sine};
    }
    double h = d[b->first] * now.cosine;
    d[b->first] = h * before.cosine;
    e[b->first] = h * before.sine;
}

static void step_down(struct bidiagonal *b, double shift) {
    double *d = b->d, *e = b->e;
    double f = (fabs(d[b->first]) - shift) * (sign(d[b->first]) + shift / d[b->first]), g = e[b->first];
    for (int64_t i = b->first; i < b->last; i++) {
        struct rotation right, left;
        double r = truestep_rotation(f, g, &right);
        if (i > b->first) e[i - 1] = r;
        f = right.cosine * d[i] + right.sine * e[i];
        e[i] = right.cosine * e[i] - right.sine * d[i];
        g = right.sine * d[i + 1];
        d[i + 1] = right.cosine * d[i + 1];
        d[i] = truestep_rotation(f, g, &left);
        f = left.cosine * e[i] + left.sine * d[i + 1];
        d[i + 1] = left.cosine * d[i + 1] - left.sine * e[i];
        if (i + 1 < b->last) {
            g = left.sine * e[i + 1];
            e[i + 1] = left.cosine * e[i + 1];
        }
        b->of_v[i - b->first] = right, b->of_u[i - b->first] = left;
    }
    e[b->last - 1] = f;
}

static void step_up(struct bidiagonal *b, double shift) {
    double *d = b->d, *e = b->e;
    double f = (fabs(d[b->last]) - shift) * (sign(d[b->last]) + shift / d[b->last]), g = e[b->last - 1];
    for (int64_t i = b->last; i > b->first; i--) {
        struct rotation right, left;
        double r = truestep_rotation(f, g, &right);
        if (i < b->last) e[i] = r;
        f = right.cosine * d[i] + right.sine * e[i - 1];
        e[i - 1] = right.cosine * e[i - 1] - right.sine * d[i];
        g = right.sine * d[i - 1];
        d[i - 1] = right.cosine * d[i - 1];
        d[i] = truestep_rotation(f, g, &left);
        f = left.cosine * e[i - 1] + left.sine * d[i - 1];
        d[i - 1] = left.cosine * d[i - 1] - left.sine * e[i - 1];
        if (i > b->first + 1) {
            g = left.sine * e[i - 2];
            e[i - 2] = left.cosine * e[i - 2];
        }
        b->of_u[i - b->first - 1] = (struct rotation){right.cosine, -right.sine};
        b->of_v[i - b->first - 1] = (struct rotation){left.cosine, -left.sine};
    }
    e[b->first] = f;
}

/* The shift of a step: zero where a shift would spoil the relative accuracy of small values */
static double shift_of(const struct bidiagonal *b, int64_t size, double tolerance, double least, double largest) {
    if ((double)size * tolerance * (least / largest) <= fmax(UNIT / 2, 0.01 * tolerance)) return 0;
    int64_t place = b->goes_down ? b->last - 1 : b->first;
    double end = fabs(b->d[b->goes_down ? b->first : b->last]);
    double shift = smaller_value(b->d[place], b->e[place], b->d[place + 1]);
    return end > 0 && (shift / end) * (shift / end) < UNIT / 2 ? 0 : shift;
}

static void sort_values(int64_t size, double *d, int64_t u_rows, double *u, int64_t v_rows, double *v) {
    for (int64_t i = 0; i < size; i++)
        if (d[i] < 0 || (d[i] == 0 && copysign(1, d[i]) < 0)) {
            d[i] = -d[i];
            for (int64_t row = 0; row < v_rows; row++) v[i * v_rows + row] = -v[i * v_rows + row];
        }
    for (int64_t end = size - 1; end > 0; end--) {
        int64_t least = 0;
        for (int64_t i = 1; i <= end; i++)
            if (d[i] <= d[least]) least = i;
        if (least == end) continue;
        double moved = d[end];
        d[end] = d[least], d[least] = moved;
        truestep_swap(u_rows, u + least * u_rows, u + end * u_rows);
        truestep_swap(v_rows, v + least * v_rows, v + end * v_rows);
    }
}

/* Rotations from the left that move e from below the diagonal to above it */
static void raise(int64_t size, double *d, double *e, int64_t u_rows, double *u, struct rotation *rotations) {
    for (int64_t i = 0; i + 1 < size; i++) {
        d[i] = truestep_rotation(d[i], e[i], &rotations[i]);
        e[i] = rotations[i].sine * d[i + 1];
        d[i + 1] = rotations[i].cosine * d[i + 1];
    }
    truestep_rotate_columns(u_rows, 0, size - 1, rotations, 0, u);
}

static double threshold_of(int64_t size, const double *d, const double *e, double tolerance) {
    double least = fabs(d[0]), size_so_far = least;
    for (int64_t i = 1; i < size && least != 0; i++) {
        size_so_far = fabs(d[i]) * (size_so_far / (size_so_far + fabs(e[i - 1])));
        least = fmin(least, size_so_far);
    }
    double floor = 6.0 * (double)size * ((double)size * DBL_MIN);
    return fmax(tolerance * (least / sqrt((double)size)), floor);
}

static void turn(const struct bidiagonal *b, int64_t u_rows, double *u, int64_t v_rows, double *v) {
    int64_t count = b->last - b->first;
    truestep_rotate_columns(v_rows, b->first, count, b->of_v, !b->goes_down, v);
    truestep_rotate_columns(u_rows, b->first, count, b->of_u, !b->goes_down, u);
}

static int32_t iterate(struct bidiagonal *b, int64_t size, int64_t u_rows, double *u, int64_t v_rows, double *v) {
    const double tolerance = TOLERANCE * (UNIT / 2);
    double threshold = threshold_of(size, b->d, b->e, tolerance), largest, least = 0;
    int64_t old_first = -1, old_last = -1, steps = 0;
    b->last = size - 1;
    while (find_block(b, threshold, &largest)) {
        double *d = b->d, *e = b->e;
        int64_t first = b->first, last = b->last;
        if (last == first + 1) {
            struct rotation left, right;
            double larger, smaller;
            singular_pair(d[first], e[first], d[last], &larger, &smaller, &left, &right);
            d[first] = larger, e[first] = 0, d[last] = smaller;
            truestep_rotate(v_rows, right, v + first * v_rows, v + last * v_rows);
            truestep_rotate(u_rows, left, u + first * u_rows, u + last * u_rows);
            b->last -= 2;
            continue;
        }
        if (first > old_last || last < old_first) b->goes_down = fabs(d[first]) >= fabs(d[last]);
        if (splits(b, tolerance, &least)) continue;
        old_first = first, old_last = last;
        if (steps++ > SWEEPS_MAX * size) return 1;
        double shift = shift_of(b, size, tolerance, least, largest);
        if (b->goes_down) shift == 0 ? step_down_without_shift(b) : step_down(b, shift);
        else shift == 0 ? step_up_without_shift(b) : step_up(b, shift);
        turn(b, u_rows, u, v_rows, v);
        double *end = b->goes_down ? &e[last - 1] : &e[first];
        if (fabs(*end) <= threshold) *end = 0;
    }
    return 0;
}

int32_t truestep_bidiagonal(int is_lower, int64_t size, double *d, double *e, int64_t u_rows, double *u,
                            int64_t v_rows, double *v) {
    if (size == 0) return 0;
    if (size == 1) { /* LAPACK's choice: the first vector of u has the sign */
        for (int64_t row = 0; row < u_rows && d[0] < 0; row++) u[row] = -u[row];
        d[0] = fabs(d[0]);
        return 0;
    }
    struct rotation *rotations = truestep_allocate(2 * (size_t)size * sizeof *rotations);
    struct bidiagonal b = {.d = d, .e = e, .of_u = rotations, .of_v = rotations + size};
    if (is_lower) raise(size, d, e, u_rows, u, rotations);
    int32_t failed = iterate(&b, size, u_rows, u, v_rows, v);
    if (!failed) sort_values(size, d, u_rows, u, v_rows, v);
    free(rotations);
    return failed;
}
