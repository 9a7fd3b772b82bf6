/* The part of <stdlib.h> that a guest has. */
#ifndef TRUESTEP_STDLIB_H
#define TRUESTEP_STDLIB_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

__attribute__((noreturn)) void exit(int code);
__attribute__((noreturn)) void _Exit(int code); /* what exit does here: no atexit, no streams to flush */
__attribute__((noreturn)) void abort(void);

/* Blocks are 16-byte aligned; NULL when the heap (up to 1.5 GiB) has no block of that size. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *block, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
void free(void *block);

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t count, size_t size,
              int (*compare)(const void *, const void *));

/* Out of range saturates as in C; there is no errno. */
long strtol(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);
long long strtoll(const char *text, char **end, int base);
unsigned long long strtoull(const char *text, char **end, int base);
int atoi(const char *text);
long atol(const char *text);
long long atoll(const char *text);

int abs(int value);
long labs(long value);
long long llabs(long long value);

#ifdef __cplusplus
}
#endif
#endif
