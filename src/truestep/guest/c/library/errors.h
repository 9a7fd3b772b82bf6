/* errno, for programs that have it: those that look at it are linked with the whole library. */
#ifndef TRUESTEP_ERRORS_H
#define TRUESTEP_ERRORS_H

#ifdef TRUESTEP_HOSTED
#include <errno.h>
#define SET_ERRNO(code) (errno = (code))
#else
#define SET_ERRNO(code) ((void)0)
#endif

#endif
