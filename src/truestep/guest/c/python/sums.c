/* Sums of floats in NumPy's order of additions, so that a guest rounds as the plain Python function does. */
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

void truestep_sum(int64_t kind, const uint8_t *items, int64_t count, int64_t step, int64_t chunk, void *total) {
    if (step < 0) { /* NumPy sums in the order of memory */
        items += (count - 1) * step;
        step = -step;
    }
    switch (kind) {
    case 's': s_add(items, count, step, chunk, total); break;
    case 'd': d_add(items, count, step, chunk, total); break;
    case 'c': c_add(items, count, step, chunk, total); break;
    default: z_add(items, count, step, chunk, total);
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
        truestep_sum(kind, first, shape[axis], strides[axis], INT64_MAX / 2, sums);
        for (int64_t other = ndim; other-- > 0;) {
            if (other == axis) continue;
            if (++index[other] < shape[other]) break;
            index[other] = 0;
        }
    }
}
