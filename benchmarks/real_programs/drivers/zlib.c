/* Compresses text at three levels and restores it. */
#include <stdio.h>
#include <string.h>

#include "generated.h"
#include "zlib.h"

enum { SIZE = 1 << 20 };
static char text[SIZE];
static Bytef packed[SIZE * 2], restored[SIZE];

int main(void) {
    make_text(text, SIZE);
    const int levels[] = {1, 6, 9};
    for (int i = 0; i < 3; i++) {
        uLongf size = 0, whole = SIZE;
        for (int round = 0; round < 4; round++) {
            size = sizeof packed;
            if (compress2(packed, &size, (Bytef *)text, SIZE, levels[i]) != Z_OK) return 1;
        }
        for (int round = 0; round < 20; round++) uncompress(restored, &whole, packed, size);
        printf("%d: %lu %016llx %s\n", levels[i], size, (unsigned long long)checksum(packed, size),
               whole == SIZE && !memcmp(text, restored, SIZE) ? "restored" : "lost");
    }
    return 0;
}
