/* qsort as a merge sort: n log n steps in the worst case, so that no input can make a run overlong, and equal elements
   keep their order, as on Linux. It needs room for a copy; without it, heapsort does the same in place.           */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int comparison(const void *, const void *);
typedef int comparison_with(const void *, const void *, void *);

typedef struct {
    size_t size; /* of an element */
    comparison_with *compare;
    void *context;
    uint8_t *room; /* for a copy of the array */
} order;

static void copy(uint8_t *to, const uint8_t *from, size_t size) {
    if (size == 8) {
        memcpy(to, from, 8);
    } else if (size == 4) {
        memcpy(to, from, 4);
    } else {
        memcpy(to, from, size);
    }
}

static void merge_sort(const order *o, uint8_t *base, size_t count) {
    if (count < 2) return;
    size_t size = o->size, left_count = count / 2, right_count = count - left_count;
    uint8_t *left = base, *right = base + left_count * size, *to = o->room;
    merge_sort(o, left, left_count);
    merge_sort(o, right, right_count);
    while (left_count && right_count) {
        if (o->compare(left, right, o->context) <= 0) {
            copy(to, left, size);
            left += size;
            left_count--;
        } else {
            copy(to, right, size);
            right += size;
            right_count--;
        }
        to += size;
    }
    memcpy(to, left, left_count * size);
    memcpy(base, o->room, (count - right_count) * size);
}

static void swap(uint8_t *left, uint8_t *right, size_t size) {
    for (; size >= 8; size -= 8, left += 8, right += 8) {
        uint64_t from_left, from_right;
        memcpy(&from_left, left, 8);
        memcpy(&from_right, right, 8);
        memcpy(left, &from_right, 8);
        memcpy(right, &from_left, 8);
    }
    for (; size > 0; size--, left++, right++) {
        uint8_t from_left = *left;
        *left = *right;
        *right = from_left;
    }
}

static void sift_down(const order *o, uint8_t *base, size_t root, size_t count) {
    size_t size = o->size;
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        uint8_t *at = base + child * size;
        if (child + 1 < count && o->compare(at, at + size, o->context) < 0) {
            child++;
            at += size;
        }
        if (o->compare(base + root * size, at, o->context) >= 0) return;
        swap(base + root * size, at, size);
    }
}

static void heap_sort(const order *o, uint8_t *base, size_t count) {
    for (size_t root = count / 2; root-- > 0;) sift_down(o, base, root, count);
    for (size_t last = count; last-- > 1;) {
        swap(base, base + last * o->size, o->size);
        sift_down(o, base, 0, last);
    }
}

void qsort_r(void *base, size_t count, size_t size, comparison_with *compare, void *context) {
    enum { ON_STACK = 1024 };
    uint8_t few[ON_STACK];
    order o = {size, compare, context, few};
    if (count < 2 || !size) return;
    if (count > ON_STACK / size) o.room = malloc(count * size);
    if (o.room) {
        merge_sort(&o, base, count);
    } else {
        heap_sort(&o, base, count);
    }
    if (o.room != few) free(o.room);
}

/* In this calling convention a function can be given more arguments than it takes. */
void qsort(void *base, size_t count, size_t size, comparison *compare) {
    qsort_r(base, count, size, (comparison_with *)(void *)compare, NULL);
}
