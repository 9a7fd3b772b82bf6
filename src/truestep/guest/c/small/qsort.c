/* qsort as heapsort: n log n steps in the worst case, so that no input can make a run overlong. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int comparison(const void *, const void *);

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

static void sift_down(uint8_t *base, size_t root, size_t count, size_t size, comparison *compare) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(base + child * size, base + (child + 1) * size) < 0) child++;
        if (compare(base + root * size, base + child * size) >= 0) return;
        swap(base + root * size, base + child * size, size);
    }
}

void qsort(void *base, size_t count, size_t size, comparison *compare) {
    for (size_t root = count / 2; root-- > 0;) sift_down(base, root, count, size, compare);
    for (size_t last = count; last-- > 1;) {
        swap(base, (uint8_t *)base + last * size, size);
        sift_down(base, 0, last, size, compare);
    }
}
