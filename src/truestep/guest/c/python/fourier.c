/* Discrete Fourier transforms of any length: passes of small transforms in self-sorting order (Stockham; Temperton,
   1983) for lengths whose prime factors are small, otherwise a convolution (Bluestein, 1970). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

typedef struct {
    double re, im;
} number;

enum {
    DIRECT_MAX = 47, /* transforms of a larger prime cost more directly than as a convolution */
    FACTORS_MAX = 64
};

static number plus(number a, number b) { return (number){a.re + b.re, a.im + b.im}; }
static number minus(number a, number b) { return (number){a.re - b.re, a.im - b.im}; }
static number times(number a, number b) { return (number){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re}; }
static number conjugate(number a) { return (number){a.re, -a.im}; }
static number quarter_turn(number a) { return (number){-a.im, a.re}; }

/* exp(2 pi i k / n): an angle of at most an eighth of a turn, and reflections. */
static number root(uint64_t k, uint64_t n) {
    uint64_t eighths = 8 * k;
    int is_lower = eighths > 4 * n;
    if (is_lower) eighths = 8 * n - eighths;
    int is_left = eighths > 2 * n;
    if (is_left) eighths = 4 * n - eighths;
    int is_steep = eighths > n;
    if (is_steep) eighths = 2 * n - eighths;
    double angle = M_PI_4 * (double)eighths / (double)n;
    double along = cos(angle), across = sin(angle);
    number turned = is_steep ? (number){across, along} : (number){along, across};
    if (is_left) turned.re = -turned.re;
    if (is_lower) turned.im = -turned.im;
    return turned;
}

typedef struct {
    int64_t n, factors[FACTORS_MAX];
    int count;
    double sign;
    number *roots, *spare;
} plan;

static int factorise(int64_t n, int64_t *factors) {
    int count = 0;
    for (; n % 4 == 0; n /= 4) factors[count++] = 4;
    for (int64_t p = 2; p <= DIRECT_MAX && n > 1; p++)
        for (; n % p == 0; n /= p) factors[count++] = p;
    return n > 1 ? 0 : count;
}

static void pass2(const number *in, number *out, int64_t items, int64_t groups, const number *roots) {
    for (int64_t k = 0; k < groups; k++)
        for (int64_t i = 0; i < items; i++) {
            const number *x = in + i + 2 * items * k;
            number *y = out + i + items * k;
            y[0] = plus(x[0], x[items]);
            y[items * groups] = times(minus(x[0], x[items]), roots[groups * i]);
        }
}

static void pass3(const number *in, number *out, int64_t items, int64_t groups, const number *roots, double sign) {
    const double height = sign * 0.86602540378443864676;
    for (int64_t k = 0; k < groups; k++)
        for (int64_t i = 0; i < items; i++) {
            const number *x = in + i + 3 * items * k;
            number *y = out + i + items * k;
            number sum = plus(x[items], x[2 * items]), apart = minus(x[items], x[2 * items]);
            number middle = {x[0].re - 0.5 * sum.re, x[0].im - 0.5 * sum.im};
            number turned = quarter_turn((number){height * apart.re, height * apart.im});
            y[0] = plus(x[0], sum);
            y[items * groups] = times(plus(middle, turned), roots[groups * i]);
            y[2 * items * groups] = times(minus(middle, turned), roots[2 * groups * i]);
        }
}

static void pass4(const number *in, number *out, int64_t items, int64_t groups, const number *roots, double sign) {
    for (int64_t k = 0; k < groups; k++)
        for (int64_t i = 0; i < items; i++) {
            const number *x = in + i + 4 * items * k;
            number *y = out + i + items * k;
            number even = plus(x[0], x[2 * items]), even_apart = minus(x[0], x[2 * items]);
            number odd = plus(x[items], x[3 * items]), odd_apart = quarter_turn(minus(x[items], x[3 * items]));
            odd_apart = (number){sign * odd_apart.re, sign * odd_apart.im};
            y[0] = plus(even, odd);
            y[items * groups] = times(plus(even_apart, odd_apart), roots[groups * i]);
            y[2 * items * groups] = times(minus(even, odd), roots[2 * groups * i]);
            y[3 * items * groups] = times(minus(even_apart, odd_apart), roots[3 * groups * i]);
        }
}

static void pass_of(int64_t p, const number *in, number *out, int64_t items, int64_t groups, const number *roots) {
    const int64_t step = items * groups;
    for (int64_t k = 0; k < groups; k++)
        for (int64_t i = 0; i < items; i++) {
            const number *x = in + i + p * items * k;
            for (int64_t m = 0; m < p; m++) {
                number sum = x[0];
                for (int64_t j = 1; j < p; j++) sum = plus(sum, times(x[items * j], roots[step * (j * m % p)]));
                out[i + items * k + step * m] = times(sum, roots[groups * i * m]);
            }
        }
}

static void transform(const plan *plan, number *row) {
    number *in = row, *out = plan->spare;
    int64_t groups = 1;
    for (int f = 0; f < plan->count; f++) {
        int64_t p = plan->factors[f], items = plan->n / (groups * p);
        if (p == 2)
            pass2(in, out, items, groups, plan->roots);
        else if (p == 3)
            pass3(in, out, items, groups, plan->roots, plan->sign);
        else if (p == 4)
            pass4(in, out, items, groups, plan->roots, plan->sign);
        else
            pass_of(p, in, out, items, groups, plan->roots);
        number *swapped = in;
        in = out, out = swapped, groups *= p;
    }
    if (in != row) memcpy(row, in, (size_t)plan->n * sizeof(number));
}

static number *numbers(int64_t count) { return truestep_allocate((size_t)count * sizeof(number)); }

static number signed_root(int64_t k, int64_t n, double sign) {
    number found = root((uint64_t)k, (uint64_t)n);
    found.im *= sign;
    return found;
}

/* 0 if n has a large prime factor. */
static int make_plan(plan *plan, int64_t n, double sign) {
    plan->n = n, plan->sign = sign, plan->count = factorise(n, plan->factors);
    if (!plan->count) return 0;
    plan->roots = numbers(n), plan->spare = numbers(n);
    for (int64_t k = 0; k < n; k++) plan->roots[k] = signed_root(k, n, sign);
    return 1;
}

static void drop_plan(plan *plan) {
    free(plan->roots);
    free(plan->spare);
}

static void transform_rows(plan *plan, number *rows, int64_t count) {
    for (int64_t row = 0; row < count; row++) transform(plan, rows + row * plan->n);
    drop_plan(plan);
}

/* A convolution with exp(-sign pi i k^2 / n), whose transforms have a power of two as their length. */
static void convolve_rows(number *rows, int64_t count, int64_t n, double sign) {
    int64_t padded = 1;
    while (padded < 2 * n - 1) padded *= 2;
    plan there, back;
    make_plan(&there, padded, -1), make_plan(&back, padded, 1);
    number *chirp = numbers(n), *filter = numbers(padded), *padded_row = numbers(padded);
    memset(filter, 0, (size_t)padded * sizeof(number));
    for (int64_t k = 0; k < n; k++) {
        chirp[k] = signed_root(k * k % (2 * n), 2 * n, sign);
        filter[k] = filter[k ? padded - k : 0] = conjugate(chirp[k]);
    }
    transform(&there, filter);
    for (number *row = rows; row < rows + count * n; row += n) {
        for (int64_t k = 0; k < n; k++) padded_row[k] = times(row[k], chirp[k]);
        memset(padded_row + n, 0, (size_t)(padded - n) * sizeof(number));
        transform(&there, padded_row);
        for (int64_t k = 0; k < padded; k++) padded_row[k] = times(padded_row[k], filter[k]);
        transform(&back, padded_row);
        for (int64_t k = 0; k < n; k++) {
            number found = times(padded_row[k], chirp[k]);
            row[k] = (number){found.re / (double)padded, found.im / (double)padded};
        }
    }
    free(chirp), free(filter), free(padded_row);
    drop_plan(&there), drop_plan(&back);
}

/* Transforms `count` rows of n numbers in place; sign -1 is forward. */
void truestep_fourier(number *rows, int64_t count, int64_t n, double sign, double scale) {
    plan plan;
    if (n > 1 && count > 0) {
        if (make_plan(&plan, n, sign))
            transform_rows(&plan, rows, count);
        else
            convolve_rows(rows, count, n, sign);
    }
    if (scale != 1)
        for (number *x = rows; x < rows + count * n; x++) *x = (number){x->re * scale, x->im * scale};
}
