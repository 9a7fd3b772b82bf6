/* Compresses text and restores it. */
#include <stdio.h>
#include <string.h>

#include "bzlib.h"
#include "generated.h"

enum { SIZE = 2 << 20 };
static char text[SIZE], packed[SIZE * 2], restored[SIZE];

void bz_internal_error(int code) { printf("error %d\n", code); }

int main(void) {
    make_text(text, SIZE);
    unsigned size = 0, whole = 0;
    for (int round = 0; round < 3; round++) {
        size = sizeof packed, whole = SIZE;
        if (BZ2_bzBuffToBuffCompress(packed, &size, text, SIZE, 9, 0, 0) != BZ_OK) return 1;
        if (BZ2_bzBuffToBuffDecompress(restored, &whole, packed, size, 0, 0) != BZ_OK) return 1;
    }
    printf("%u %016llx %s\n", size, (unsigned long long)checksum(packed, size),
           whole == SIZE && !memcmp(text, restored, SIZE) ? "restored" : "lost");
    return 0;
}
