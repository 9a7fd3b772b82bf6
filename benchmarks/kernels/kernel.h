/* What the kernels share: sizes from the input, a random generator, a digest as output. */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

enum { EXIT_BAD_INPUT = 2, EXIT_WRONG_RESULT = 3 };

/* The input is a row of u64, little-endian. A size that the compiler does not know keeps it honest. */
static inline uint64_t parameter(size_t index) {
    const uint8_t *input;
    size_t size;
    uint64_t value;
    read_input(&input, &size);
    if (size < 8 * (index + 1)) exit(EXIT_BAD_INPUT);
    memcpy(&value, input + 8 * index, sizeof value);
    return value;
}

static inline void *allocate(size_t size) {
    void *block = malloc(size);
    if (!block) abort();
    return block;
}

/* xorshift64* (Vigna); the state must not be 0. */
static inline uint64_t next_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545F4914F6CDD1D;
}

static inline uint64_t absorb(uint64_t digest, uint64_t value) {
    digest = (digest ^ value) * 0x9E3779B97F4A7C15;
    return digest ^ digest >> 29;
}

static inline void output_digest(uint64_t digest) {
    write_output((const uint8_t *)&digest, sizeof digest);
}

#endif
