/* Sums of floats in NumPy's order of additions, so that a guest rounds as the plain Python function does. */
#include <stdbool.h>
#include <string.h>

#include "runtime.h"

#define SCALAR float
#define PARTS 1
#define NAME(x) s_##x
#include "sums.h"
#undef PARTS
#undef NAME
#define PARTS 2
#define NAME(x) c_##x
#include "sums.h"
#undef SCALAR
#undef PARTS
#undef NAME
#define SCALAR double
#define PARTS 1
#define NAME(x) d_##x
#include "sums.h"
#undef PARTS
#undef NAME
#define PARTS 2
#define NAME(x) z_##x
#include "sums.h"

/* *total += the sum of items that lie evenly in memory; `chunk` at a time where NumPy copies them into a buffer. One
   function for each kind, so that a guest holds those alone that it calls.                                         */
#define SUM(t, scalar) \
    void truestep_sum_##t(const uint8_t *items, int64_t count, int64_t step, int64_t chunk, scalar *total) { \
        t##_add(items, count, step, chunk, total); \
    }

SUM(s, float)
SUM(d, double)
SUM(c, float)
SUM(z, double)

static void sum_of(int64_t kind, const uint8_t *items, int64_t count, int64_t step, void *total) {
    const int64_t at_once = INT64_MAX / 2;
    switch (kind) {
    case 's': s_add(items, count, step, at_once, total); break;
    case 'd': d_add(items, count, step, at_once, total); break;
    case 'c': c_add(items, count, step, at_once, total); break;
    default: z_add(items, count, step, at_once, total);
    }
}

enum { AXES_MAX = 32, BUFFER_ITEMS = 8192 };

typedef struct {
    int64_t ndim, shape[AXES_MAX], strides[AXES_MAX], sums[AXES_MAX]; /* sums: from one sum to the next, in bytes */
} axes;

static const int64_t one_sum[AXES_MAX];

static int64_t size_of_step(int64_t step) { return step < 0 ? -step : step; }

/* The axes as NumPy iterates over all items of an array: large steps in memory outside, and axes that lie in memory
   like one joined. A step of 0 has no size to be sorted by. Signs do not matter: a reversed axis stays reversed. */
static axes in_order(int64_t ndim, const int64_t *shape, const int64_t *strides, const int64_t *sums) {
    axes sorted = {0}, joined = {0};
    for (int64_t axis = ndim; axis-- > 0;) { /* sorted: the inner axes first */
        int64_t place = sorted.ndim;
        for (int64_t other = place; other-- > 0;) {
            if (!sorted.strides[other] || !strides[axis]) continue;
            if (size_of_step(sorted.strides[other]) <= size_of_step(strides[axis])) break;
            place = other;
        }
        for (int64_t other = sorted.ndim++; other > place; other--) {
            sorted.shape[other] = sorted.shape[other - 1];
            sorted.strides[other] = sorted.strides[other - 1];
            sorted.sums[other] = sorted.sums[other - 1];
        }
        sorted.shape[place] = shape[axis];
        sorted.strides[place] = strides[axis];
        sorted.sums[place] = sums[axis];
    }
    for (int64_t axis = sorted.ndim; axis-- > 0;) { /* joined: the outer axes first */
        int64_t count = sorted.shape[axis], step = sorted.strides[axis], last = joined.ndim - 1;
        if (count == 1) continue;
        if (last < 0 || joined.strides[last] != count * step || joined.sums[last] != count * sorted.sums[axis])
            joined.shape[last = joined.ndim++] = 1;
        joined.shape[last] *= count;
        joined.strides[last] = step;
        joined.sums[last] = sorted.sums[axis];
    }
    if (!joined.ndim) joined.shape[joined.ndim++] = 1;
    return joined;
}

/* Copies items that lie evenly in memory. */
static void copy_evenly(const uint8_t *from, int64_t count, int64_t step, int64_t item_size, uint8_t *to) {
#define COPY_EACH(type) \
    for (int64_t i = 0; i < count; i++) ((type *)to)[i] = *(const type *)(from + i * step)
    if (step == item_size) memcpy(to, from, (size_t)(count * item_size));
    else if (item_size == 8) COPY_EACH(uint64_t);
    else if (item_size == 4) COPY_EACH(uint32_t);
    else
        for (int64_t i = 0; i < count; i++) memcpy(to + i * item_size, from + i * step, (size_t)item_size);
#undef COPY_EACH
}

/* Copies the next items of `a`, as much of an innermost axis at once as is wanted; *index says which, and moves on. */
static void gather(const axes *a, const uint8_t *items, int64_t *index, int64_t count, int64_t item_size, uint8_t *to) {
    int64_t last = a->ndim - 1, step = a->strides[last];
    while (count > 0) {
        int64_t size = a->shape[last] - index[last];
        if (size > count) size = count;
        const uint8_t *from = items;
        for (int64_t axis = 0; axis <= last; axis++) from += index[axis] * a->strides[axis];
        copy_evenly(from, size, step, item_size, to);
        count -= size;
        to += size * item_size;
        index[last] += size;
        for (int64_t axis = last; index[axis] == a->shape[axis] && axis > 0; index[axis]++) index[axis--] = 0;
    }
}

void truestep_copy_in_order(const uint8_t *items, int64_t ndim, const int64_t *shape, const int64_t *strides,
                            int64_t count, int64_t item_size, uint8_t *to) {
    int64_t index[AXES_MAX] = {0};
    axes a = in_order(ndim, shape, strides, one_sum);
    gather(&a, items, index, count, item_size, to);
}

/* The sum of all items. NumPy adds up as many inner axes at once as fit into its buffer, and of the axis around them as
   many times as fit; an inner axis alone may be longer. */
void truestep_sum_all(int64_t kind, const uint8_t *items, int64_t ndim, const int64_t *shape, const int64_t *strides,
                      int64_t count, int64_t item_size, void *total) {
    axes a = in_order(ndim, shape, strides, one_sum);
    if (a.ndim == 1) {
        sum_of(kind, items, count, a.strides[0], total);
        return;
    }
    int64_t outer = a.ndim - 1, core = a.shape[outer], index[AXES_MAX] = {0};
    while (outer > 0 && core * a.shape[outer - 1] <= BUFFER_ITEMS) core *= a.shape[--outer];
    int64_t times = core < BUFFER_ITEMS ? BUFFER_ITEMS / core : 1, part = outer ? a.shape[outer - 1] * core : count;
    uint8_t *buffer = truestep_allocate((size_t)((core > BUFFER_ITEMS ? core : BUFFER_ITEMS) * item_size));
    for (int64_t first = 0; first < count; first += part)
        for (int64_t done = 0; done < part; done += times * core) {
            int64_t size = part - done < times * core ? part - done : times * core;
            gather(&a, items, index, size, item_size, buffer);
            sum_of(kind, buffer, size, item_size, total);
        }
    free(buffer);
}

/* Adds items to as many sums. */
static void add_each(int64_t kind, const uint8_t *items, int64_t count, int64_t step, uint8_t *sums, int64_t sums_step) {
    switch (kind) {
    case 's': s_each(items, count, step, sums, sums_step); break;
    case 'd': d_each(items, count, step, sums, sums_step); break;
    case 'c': c_each(items, count, step, sums, sums_step); break;
    default: z_each(items, count, step, sums, sums_step);
    }
}

/* The sums along several axes: those along which the sums, which begin as zeros, have a step of 0. */
void truestep_sum_axes(int64_t kind, const uint8_t *items, int64_t ndim, const int64_t *shape, const int64_t *strides,
                       const int64_t *sums_steps, int64_t item_size, uint8_t *sums) {
    axes a = in_order(ndim, shape, strides, sums_steps);
    int64_t outer = a.ndim, count = 1, index[AXES_MAX] = {0};
    for (int64_t axis = 0; axis < ndim; axis++)
        if (!shape[axis]) return;
    while (outer > 0 && !a.sums[outer - 1]) count *= a.shape[--outer];
    bool is_spread = outer == a.ndim; /* the innermost axis has a sum for each item */
    if (is_spread) count = a.shape[--outer];
    for (int64_t axis = outer; axis >= 0;) {
        const uint8_t *from = items;
        uint8_t *to = sums;
        for (int64_t other = 0; other < outer; other++) {
            from += index[other] * a.strides[other];
            to += index[other] * a.sums[other];
        }
        if (is_spread) add_each(kind, from, count, a.strides[outer], to, a.sums[outer]);
        else truestep_sum_all(kind, from, a.ndim - outer, a.shape + outer, a.strides + outer, count, item_size, to);
        for (axis = outer - 1; axis >= 0 && ++index[axis] == a.shape[axis]; axis--) index[axis] = 0;
    }
}

/* The sums along `axis`, for each index of the other axes in C order */
void truestep_sum_rows(int64_t kind, const uint8_t *items, int64_t ndim, const int64_t *shape, const int64_t *strides,
                       int64_t axis, uint8_t *sums, int64_t count, int64_t item_size) {
    int64_t index[32] = {0};
    for (int64_t row = 0; row < count; row++, sums += item_size) {
        const uint8_t *first = items;
        for (int64_t other = 0; other < ndim; other++) first += index[other] * strides[other];
        for (int64_t byte = 0; byte < item_size; byte++) sums[byte] = 0;
        sum_of(kind, first, shape[axis], strides[axis], sums);
        for (int64_t other = ndim; other-- > 0;) {
            if (other == axis) continue;
            if (++index[other] < shape[other]) break;
            index[other] = 0;
        }
    }
}
