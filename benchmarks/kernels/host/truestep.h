/* A guest's <truestep.h> on top of an ordinary C library: the input is standard input, the output standard
   output. With it, a guest's source is also a program of Linux (native, or under qemu) and of WASI. */
#ifndef TRUESTEP_H
#define TRUESTEP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOST_EXIT_FAILED = 125, HOST_INPUT_LIMIT = 1 << 24 };

static uint8_t *host_input;
static size_t host_input_size;

static inline void read_input(const uint8_t **buf, size_t *size) {
    ssize_t count = 1;
    if (!host_input && !(host_input = malloc(HOST_INPUT_LIMIT))) exit(HOST_EXIT_FAILED);
    while (host_input_size < HOST_INPUT_LIMIT && count > 0) {
        count = read(0, host_input + host_input_size, HOST_INPUT_LIMIT - host_input_size);
        if (count < 0) exit(HOST_EXIT_FAILED);
        host_input_size += (size_t)count;
    }
    *buf = host_input;
    *size = host_input_size;
}

static inline void write_output(const uint8_t *buf, size_t size) {
    while (size > 0) {
        ssize_t count = write(1, buf, size);
        if (count <= 0) exit(HOST_EXIT_FAILED);
        buf += count;
        size -= (size_t)count;
    }
}

/* The task of shard 0 of 1 with a seed of zeros. */
static inline const uint8_t *job_seed(void) {
    static const uint8_t seed[32];
    return seed;
}

static inline uint64_t shard_index(void) { return 0; }

static inline uint64_t shard_count(void) { return 1; }

static inline void debug_print(const char *text) { fprintf(stderr, "%s\n", text); }

static inline int debug_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int count = vfprintf(stderr, format, arguments);
    va_end(arguments);
    return count;
}

#endif
