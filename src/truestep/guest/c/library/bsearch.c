/* bsearch, which looks at the middle of what is left. */
#include <stdint.h>
#include <stdlib.h>

typedef int comparison(const void *, const void *);

void *bsearch(const void *key, const void *base, size_t count, size_t size, comparison *compare) {
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        const void *element = (const uint8_t *)base + middle * size;
        int order = compare(key, element);
        if (order == 0) return (void *)element;
        if (order > 0) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return NULL;
}
