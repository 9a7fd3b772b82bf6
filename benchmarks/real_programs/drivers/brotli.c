/* Compresses text at several qualities and restores it. */
#include <brotli/decode.h>
#include <brotli/encode.h>
#include <stdio.h>
#include <string.h>

#include "generated.h"

enum { SIZE = 2 << 20 };
static char text[SIZE];
static uint8_t packed[SIZE * 2], restored[SIZE];

int main(void) {
    make_text(text, SIZE);
    const int qualities[] = {1, 5, 6};
    for (int i = 0; i < 3; i++) {
        size_t size = 0, whole = SIZE;
        for (int round = 0; round < 4; round++) {
            size = sizeof packed;
            if (!BrotliEncoderCompress(qualities[i], 20, BROTLI_MODE_TEXT, SIZE, (uint8_t *)text, &size, packed)) return 1;
        }
        for (int round = 0; round < 16; round++) {
            whole = SIZE;
            BrotliDecoderDecompress(size, packed, &whole, restored);
        }
        printf("%d: %zu %016llx %s\n", qualities[i], size, (unsigned long long)checksum(packed, size),
               whole == SIZE && !memcmp(text, restored, SIZE) ? "restored" : "lost");
    }
    return 0;
}
