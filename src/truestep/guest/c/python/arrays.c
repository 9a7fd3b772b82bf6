/* Reshaping without a copy, and .npy files (NumPy's format, versions 1 to 3). */
#include <stdio.h>
#include <string.h>

#include "runtime.h"

/* New strides under which the same memory has the new shape; 0 if there are none. Axes of the old and the new
   shape are matched in groups of equal size; within a group the old axes must lie evenly in memory.          */
int numba_attempt_nocopy_reshape(int64_t ndim, const int64_t *shape, const int64_t *strides, int64_t new_ndim,
                                 const int64_t *new_shape, int64_t *new_strides, int64_t itemsize,
                                 int64_t is_fortran_word) {
    int is_fortran = (is_fortran_word & 0xFFFFFFFF) != 0;
    int64_t old_shape[32], old_strides[32], axes = 0, from = 0, new_from = 0;
    for (int64_t i = 0; i < ndim; i++) {
        if (shape[i] == 1) continue;
        old_shape[axes] = shape[i];
        old_strides[axes++] = strides[i];
    }
    for (int64_t i = 0; i < axes; i++)
        if (old_shape[i] == 0) axes = 0; /* no items: any strides will do */
    while (from < axes && new_from < new_ndim) {
        int64_t to = from + 1, new_to = new_from + 1;
        int64_t count = old_shape[from], new_count = new_shape[new_from];
        while (count != new_count) {
            if (new_count < count) new_count *= new_shape[new_to++];
            else count *= old_shape[to++];
        }
        for (int64_t i = from; i + 1 < to; i++) {
            int64_t wanted = is_fortran ? old_shape[i] * old_strides[i] : old_shape[i + 1] * old_strides[i + 1];
            if (wanted != (is_fortran ? old_strides[i + 1] : old_strides[i])) return 0;
        }
        if (is_fortran) {
            new_strides[new_from] = old_strides[from];
            for (int64_t i = new_from + 1; i < new_to; i++) new_strides[i] = new_strides[i - 1] * new_shape[i - 1];
        } else {
            new_strides[new_to - 1] = old_strides[to - 1];
            for (int64_t i = new_to - 1; i > new_from; i--) new_strides[i - 1] = new_strides[i] * new_shape[i];
        }
        from = to;
        new_from = new_to;
    }
    int64_t last = new_from ? new_strides[new_from - 1] * (is_fortran ? new_shape[new_from - 1] : 1) : itemsize;
    for (; new_from < new_ndim; new_from++) new_strides[new_from] = last; /* axes of size 1 */
    return 1;
}

static const char MAGIC[] = "\x93NUMPY";
enum { MAGIC_SIZE = 6, HEADER_ALIGNMENT = 64, DIMENSIONS_MAX = 32 };

static _Noreturn void refuse(const char *what) {
    debug_printf("input: expected a .npy file of the declared type, %s\n", what);
    exit(TRUESTEP_EXIT_INPUT);
}

/* The text after `'key':` in the header, or NULL. */
static const char *value_of(const char *header, const char *end, const char *key) {
    size_t size = strlen(key);
    for (const char *p = header; p + size < end; p++) {
        if (memcmp(p, key, size) != 0) continue;
        for (p += size; p < end && (*p == ' ' || *p == ':'); p++) {}
        return p;
    }
    return NULL;
}

static int64_t number_at(const char **p, const char *end) {
    int64_t number = 0;
    if (*p == end || **p < '0' || **p > '9') refuse("got a header whose shape is not a tuple of numbers");
    for (; *p < end && **p >= '0' && **p <= '9'; ++*p)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, **p - '0', &number))
            refuse("got a shape too large for any memory");
    return number;
}

static int64_t read_shape(const char *p, const char *end, int64_t shape[DIMENSIONS_MAX]) {
    int64_t ndim = 0;
    if (!p || p == end || *p++ != '(') refuse("got a header without a shape");
    for (;;) {
        while (p < end && (*p == ' ' || *p == ',')) p++;
        if (p == end) refuse("got a header that breaks off");
        if (*p == ')') return ndim;
        if (ndim == DIMENSIONS_MAX) refuse("got more than 32 dimensions");
        shape[ndim++] = number_at(&p, end);
    }
}

/* A copy in C order of what lies in Fortran order. */
static uint8_t *reordered(const uint8_t *items, const int64_t *shape, int64_t ndim, int64_t itemsize, int64_t count) {
    uint8_t *copy = truestep_allocate((size_t)(count * itemsize) + 1);
    int64_t index[DIMENSIONS_MAX] = {0};
    for (int64_t written = 0; written < count; written++) {
        int64_t position = 0;
        for (int64_t axis = ndim; axis-- > 0;) position = position * shape[axis] + index[axis];
        memcpy(copy + written * itemsize, items + position * itemsize, (size_t)itemsize);
        for (int64_t axis = ndim; axis-- > 0 && ++index[axis] == shape[axis];) index[axis] = 0;
    }
    return copy;
}

/* Checks that the input is a .npy file of this dtype and number of dimensions; where its items are. */
const uint8_t *truestep_read_npy(const char *descr, int64_t descr_size, int64_t ndim, int64_t itemsize,
                                 int64_t *shape) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    if (size < 12 || memcmp(input, MAGIC, MAGIC_SIZE) != 0)
        refuse("got other bytes; numpy.save writes one, and without a declared type a guest takes any bytes");
    int is_long = input[6] > 1;
    size_t start = is_long ? 12 : 10;
    size_t header_size = (size_t)input[8] | (size_t)input[9] << 8;
    if (is_long) header_size |= (size_t)input[10] << 16 | (size_t)input[11] << 24;
    if (header_size > size - start) refuse("got a header that breaks off");
    const char *header = (const char *)input + start, *end = header + header_size;

    const char *found = value_of(header, end, "'descr'");
    if (!found || end - found < descr_size || memcmp(found, descr, (size_t)descr_size) != 0) {
        debug_printf("input: expected a .npy file with dtype %s, got the header %.*s\n", descr, (int)header_size, header);
        exit(TRUESTEP_EXIT_INPUT);
    }
    int64_t sizes[DIMENSIONS_MAX], count = 1, size_bytes;
    int64_t found_ndim = read_shape(value_of(header, end, "'shape'"), end, sizes);
    if (found_ndim != ndim) {
        debug_printf("input: expected an array with %ld dimensions, got %ld\n", ndim, found_ndim);
        exit(TRUESTEP_EXIT_INPUT);
    }
    for (int64_t axis = 0; axis < ndim; axis++)
        if (__builtin_mul_overflow(count, shape[axis] = sizes[axis], &count)) refuse("got a shape too large");
    if (__builtin_mul_overflow(count, itemsize, &size_bytes) ||
        (size_t)size_bytes != size - start - header_size)
        refuse("got more or fewer bytes than its shape says");
    const uint8_t *items = (const uint8_t *)end;
    const char *order = value_of(header, end, "'fortran_order'");
    return order && *order == 'T' && ndim > 1 ? reordered(items, sizes, ndim, itemsize, count) : items;
}

static size_t put_word(char *to, const char *word) {
    memcpy(to, word, strlen(word));
    return strlen(word);
}

void truestep_write_npy_header(const char *descr, int64_t descr_size, int64_t ndim, const int64_t *shape) {
    size_t room = (size_t)descr_size + 24 * (size_t)ndim + 2 * HEADER_ALIGNMENT + 64, length = 10;
    char *header = truestep_allocate(room);
    length += put_word(header + length, "{'descr': ");
    memcpy(header + length, descr, (size_t)descr_size);
    length += (size_t)descr_size;
    length += put_word(header + length, ", 'fortran_order': False, 'shape': (");
    for (int64_t axis = 0; axis < ndim; axis++) {
        if (axis) length += put_word(header + length, ", ");
        length += (size_t)snprintf(header + length, 24, "%ld", shape[axis]);
    }
    length += put_word(header + length, ndim == 1 ? ",), }" : "), }");
    size_t padded = (length + 1 + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
    memset(header + length, ' ', padded - length);
    header[padded - 1] = '\n';
    memcpy(header, MAGIC, MAGIC_SIZE);
    header[6] = 1; /* version 1.0: the header's size is two bytes */
    header[7] = 0;
    header[8] = (char)((padded - 10) & 0xFF);
    header[9] = (char)((padded - 10) >> 8);
    write_output((const uint8_t *)header, padded);
    free(header);
}
