/* printf and friends of a guest: what they print is debugging text (see truestep.h), never output.
   Conversions: d i u o x X c s p %, with flags, width, precision and length. There is no %f. */
#ifndef TRUESTEP_STDIO_H
#define TRUESTEP_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EOF (-1)

int printf(const char *__restrict format, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *__restrict format, va_list arguments);
int puts(const char *text);
int putchar(int character);
int snprintf(char *__restrict to, size_t limit, const char *__restrict format, ...)
    __attribute__((format(printf, 3, 4)));
int vsnprintf(char *__restrict to, size_t limit, const char *__restrict format, va_list arguments);

#ifdef __cplusplus
}
#endif
#endif
