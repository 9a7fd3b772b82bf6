/* printf conversions for the fixed-width types. */
#ifndef TRUESTEP_INTTYPES_H
#define TRUESTEP_INTTYPES_H

#include <stdint.h>

#define PRId8 "hhd"
#define PRIu8 "hhu"
#define PRIx8 "hhx"
#define PRId16 "hd"
#define PRIu16 "hu"
#define PRIx16 "hx"
#define PRId32 "d"
#define PRIu32 "u"
#define PRIx32 "x"
#define PRIX32 "X"
#define PRId64 "ld"
#define PRIu64 "lu"
#define PRIx64 "lx"
#define PRIX64 "lX"
#define PRIdPTR "ld"
#define PRIuPTR "lu"
#define PRIxPTR "lx"

#endif
