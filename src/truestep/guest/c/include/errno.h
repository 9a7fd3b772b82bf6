/* musl's, but for one thing: its __errno_location is declared to be constant, so that a compiler that takes malloc for
   a function without effect on the program's variables reads back the value from before the call. */
#include_next <errno.h>

#ifndef TRUESTEP_ERRNO_H
#define TRUESTEP_ERRNO_H

#ifdef __cplusplus
extern "C" {
#endif

int *__truestep_errno_location(void) __asm__("__errno_location");

#ifdef __cplusplus
}
#endif

#undef errno
#define errno (*__truestep_errno_location())

#endif
