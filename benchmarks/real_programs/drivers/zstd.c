/* Compresses text at several levels and restores it. */
#include <stdio.h>
#include <string.h>

#include "generated.h"
#include "zstd.h"

enum { SIZE = 3 << 20 };
static char text[SIZE], packed[SIZE * 2], restored[SIZE];

int main(void) {
    const int levels[] = {1, 3, 5, 7};
    make_text(text, SIZE);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        size_t size = 0, whole = 0;
        for (int round = 0; round < 5; round++) size = ZSTD_compress(packed, sizeof packed, text, SIZE, levels[i]);
        for (int round = 0; round < 25; round++) whole = ZSTD_decompress(restored, SIZE, packed, size);
        printf("%d: %zu %016llx %s\n", levels[i], size, (unsigned long long)checksum(packed, size),
               whole == SIZE && !memcmp(text, restored, SIZE) ? "restored" : "lost");
    }
    return 0;
}
