/* Copies and moves between every pair of offsets within a word, for sizes around the words' edges, and
   outputs nothing but success: the machine loads and stores misaligned words. */
#include <assert.h>
#include <string.h>
#include <truestep.h>

static uint8_t from[64], to[64];

static void copy(size_t a, size_t b, size_t size) {
    memset(to, 0xEE, sizeof to);
    memcpy(to + a, from + b, size);
    for (size_t i = 0; i < sizeof to; i++) assert(to[i] == (i >= a && i < a + size ? from[b + i - a] : 0xEE));
}

int main(void) {
    static const size_t sizes[] = {0, 1, 7, 8, 9, 31};
    for (size_t i = 0; i < sizeof from; i++) from[i] = (uint8_t)(i * 37 + 1);
    for (size_t a = 0; a < 8; a += 1 + a % 2)
        for (size_t b = 0; b < 8; b++)
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) copy(a, b, sizes[i]);
    return 0;
}
