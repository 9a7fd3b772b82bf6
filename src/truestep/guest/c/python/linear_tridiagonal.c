/* Eigenvalues of a symmetric tridiagonal matrix by implicit QL or QR steps (Golub and Van Loan, section 8.3), with
   the choices that LAPACK documents for xSTEQR, so that vectors have LAPACK's signs.                            */
#include "linear_rotations.h"

/* (a, b; b, c) turned to diagonal (of larger size, of smaller size) */
static void symmetric_pair(double a, double b, double c, double *larger, double *smaller, struct rotation *rotation) {
    double sum = a + c, difference = a - c, size = fabs(difference), twice = fabs(b + b), root;
    double high = fabs(a) > fabs(c) ? a : c, low = fabs(a) > fabs(c) ? c : a;
    if (size > twice) root = size * sqrt(1 + (twice / size) * (twice / size));
    else if (size < twice) root = twice * sqrt(1 + (size / twice) * (size / twice));
    else root = twice * sqrt(2);
    int direction = sum < 0 ? -1 : 1;
    if (sum == 0) {
        *larger = 0.5 * root, *smaller = -0.5 * root;
    } else {
        *larger = 0.5 * (sum + direction * root);
        *smaller = high / *larger * low - b / *larger * b;
    }
    int other = difference >= 0 ? 1 : -1;
    double cosine, sine, along = difference + other * root;
    if (fabs(along) > twice) {
        double tangent = -(b + b) / along;
        sine = 1 / sqrt(1 + tangent * tangent), cosine = tangent * sine;
    } else if (twice == 0) {
        cosine = 1, sine = 0;
    } else {
        double tangent = -along / (b + b);
        cosine = 1 / sqrt(1 + tangent * tangent), sine = tangent * cosine;
    }
    *rotation = direction == other ? (struct rotation){-sine, cosine} : (struct rotation){cosine, sine};
}

/* One QL step on rows first to last, which makes e[first] small */
static void step_up(double *d, double *e, int64_t first, int64_t last, struct rotation *rotations) {
    double shift = d[first], p = 0, ratio = (d[first + 1] - shift) / (2 * e[first]);
    double g = d[last] - shift + e[first] / (ratio + copysign(hypot(ratio, 1), ratio));
    struct rotation now = {1, 1};
    for (int64_t i = last - 1; i >= first; i--) {
        double f = now.sine * e[i], b = now.cosine * e[i], r = truestep_rotation(g, f, &now);
        if (i != last - 1) e[i + 1] = r;
        g = d[i + 1] - p;
        r = (d[i] - g) * now.sine + 2 * now.cosine * b;
        p = now.sine * r;
        d[i + 1] = g + p;
        g = now.cosine * r - b;
        rotations[i - first] = (struct rotation){now.cosine, -now.sine};
    }
    d[first] -= p;
    e[first] = g;
}

/* One QR step on rows first to last, which makes e[last - 1] small */
static void step_down(double *d, double *e, int64_t first, int64_t last, struct rotation *rotations) {
    double shift = d[last], p = 0, ratio = (d[last - 1] - shift) / (2 * e[last - 1]);
    double g = d[first] - shift + e[last - 1] / (ratio + copysign(hypot(ratio, 1), ratio));
    struct rotation now = {1, 1};
    for (int64_t i = first; i < last; i++) {
        double f = now.sine * e[i], b = now.cosine * e[i], r = truestep_rotation(g, f, &now);
        if (i != first) e[i - 1] = r;
        g = d[i] - p;
        r = (d[i + 1] - g) * now.sine + 2 * now.cosine * b;
        p = now.sine * r;
        d[i] = g + p;
        g = now.cosine * r - b;
        rotations[i - first] = now;
    }
    d[last] -= p;
    e[last - 1] = g;
}

static int is_small(double e, double d, double other) {
    return e * e <= UNIT / 2 * (UNIT / 2) * fabs(d) * fabs(other) + DBL_MIN;
}

struct problem {
    double *d, *e, *z;
    int64_t rows, steps_left;
    struct rotation *rotations;
};

static void solve_pair(struct problem *p, int64_t first) {
    double *d = p->d, *e = p->e, larger, smaller;
    symmetric_pair(d[first], e[first], d[first + 1], &larger, &smaller, p->rotations);
    truestep_rotate_columns(p->rows, first, 1, p->rotations, 0, p->z);
    d[first] = larger, d[first + 1] = smaller, e[first] = 0;
}

/* QL: eigenvalues of the block first … last appear at its top, one after the other */
static void solve_upward(struct problem *p, int64_t first, int64_t last) {
    while (first <= last) {
        int64_t end = first;
        while (end < last && !is_small(p->e[end], p->d[end], p->d[end + 1])) end++;
        if (end < last) p->e[end] = 0;
        if (end == first) {
            first++;
        } else if (end == first + 1) {
            solve_pair(p, first);
            first += 2;
        } else {
            if (p->steps_left-- <= 0) return;
            step_up(p->d, p->e, first, end, p->rotations);
            truestep_rotate_columns(p->rows, first, end - first, p->rotations, 1, p->z);
        }
    }
}

/* QR: eigenvalues of the block first … last appear at its bottom */
static void solve_downward(struct problem *p, int64_t first, int64_t last) {
    while (first <= last) {
        int64_t end = last;
        while (end > first && !is_small(p->e[end - 1], p->d[end], p->d[end - 1])) end--;
        if (end > first) p->e[end - 1] = 0;
        if (end == last) {
            last--;
        } else if (end == last - 1) {
            solve_pair(p, end);
            last -= 2;
        } else {
            if (p->steps_left-- <= 0) return;
            step_down(p->d, p->e, end, last, p->rotations);
            truestep_rotate_columns(p->rows, end, last - end, p->rotations, 0, p->z);
        }
    }
}

static void sort_values(int64_t size, double *d, int64_t rows, double *z) {
    for (int64_t i = 0; i + 1 < size; i++) {
        int64_t least = i;
        for (int64_t j = i + 1; j < size; j++)
            if (d[j] < d[least]) least = j;
        if (least == i) continue;
        double moved = d[i];
        d[i] = d[least], d[least] = moved;
        truestep_swap(rows, z + i * rows, z + least * rows);
    }
}

int32_t truestep_tridiagonal(int64_t size, double *d, double *e, int64_t z_rows, double *z) {
    struct rotation *rotations = truestep_allocate((size_t)size * sizeof *rotations + 1);
    struct problem p = {d, e, z, z_rows, SWEEPS_MAX * size, rotations};
    for (int64_t first = 0, last; first < size && p.steps_left > 0; first = last + 1) {
        for (last = first; last + 1 < size && e[last] != 0; last++)
            if (fabs(e[last]) <= sqrt(fabs(d[last])) * sqrt(fabs(d[last + 1])) * (UNIT / 2)) break;
        if (last + 1 < size) e[last] = 0;
        if (fabs(d[last]) < fabs(d[first])) solve_downward(&p, first, last);
        else solve_upward(&p, first, last);
    }
    if (p.steps_left > 0) sort_values(size, d, z_rows, z);
    free(rotations);
    return p.steps_left <= 0 && size > 0;
}
