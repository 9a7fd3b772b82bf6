/* Outputs the input, 12-byte records that begin with a signed 64-bit key, sorted by key; then, for each
   key, whether bsearch finds it. */
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

enum { RECORD = 12 };

static int by_key(const void *left, const void *right) {
    int64_t a, b;
    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return a < b ? -1 : a > b;
}

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    uint8_t *records = malloc(size);
    memcpy(records, input, size);
    qsort(records, size / RECORD, RECORD, by_key);
    write_output(records, size);
    for (size_t i = 0; i < size; i += RECORD) {
        const void *found = bsearch(input + i, records, size / RECORD, RECORD, by_key);
        uint8_t is_found = found && !by_key(found, input + i);
        write_output(&is_found, 1);
    }
    return 0;
}
