/* Compresses text, fast and well, and restores it. */
#include <stdio.h>
#include <string.h>

#include "generated.h"
#include "lz4.h"
#include "lz4hc.h"

enum { SIZE = 4 << 20 };
static char text[SIZE], packed[SIZE * 2], restored[SIZE];

static void show(const char *name, int size) {
    int whole = 0;
    for (int round = 0; round < 48; round++) whole = LZ4_decompress_safe(packed, restored, size, SIZE);
    printf("%s: %d %016llx %s\n", name, size, (unsigned long long)checksum(packed, (size_t)size),
           whole == SIZE && !memcmp(text, restored, SIZE) ? "restored" : "lost");
}

int main(void) {
    make_text(text, SIZE);
    int size = 0;
    for (int round = 0; round < 32; round++) size = LZ4_compress_default(text, packed, SIZE, sizeof packed);
    show("fast", size);
    for (int round = 0; round < 4; round++) size = LZ4_compress_HC(text, packed, SIZE, sizeof packed, 4);
    show("well", size);
    return 0;
}
