/* Compresses text as well as deflate can. */
#include <stdio.h>
#include <stdlib.h>

#include "generated.h"
#include "zopfli.h"

enum { SIZE = 144 << 10, ROUNDS = 5 };
static char text[SIZE];

int main(void) {
    make_text(text, SIZE);
    ZopfliOptions options;
    ZopfliInitOptions(&options);
    options.numiterations = 5;
    unsigned char *packed = NULL;
    size_t size = 0;
    for (int round = 0; round < ROUNDS; round++) {
        free(packed);
        packed = NULL;
        size = 0;
        ZopfliCompress(&options, ZOPFLI_FORMAT_ZLIB, (unsigned char *)text, SIZE, &packed, &size);
    }
    printf("%zu %016llx\n", size, (unsigned long long)checksum(packed, size));
    free(packed);
    return 0;
}
