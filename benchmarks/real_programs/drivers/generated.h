/* Numbers and text that are the same on every machine, and a checksum of results. */
#ifndef GENERATED_H
#define GENERATED_H

#include <stddef.h>
#include <stdint.h>

static uint64_t generator_state = 88172645463325252u;

/* Xorshift (Marsaglia 2003). */
static inline uint32_t random_word(void) {
    generator_state ^= generator_state << 13;
    generator_state ^= generator_state >> 7;
    generator_state ^= generator_state << 17;
    return (uint32_t)(generator_state >> 32);
}

static inline uint32_t random_below(uint32_t limit) { return random_word() % limit; }

/* Sentences of made-up words, frequent ones short: compresses to about a third, as prose does. */
static inline void make_text(char *text, size_t size) {
    enum { WORDS = 4096, LONGEST = 12 };
    static char words[WORDS][LONGEST];
    static unsigned char lengths[WORDS];
    for (int i = 0; i < WORDS; i++) {
        lengths[i] = (unsigned char)(2 + random_below(i < 64 ? 3 : LONGEST - 3));
        for (int j = 0; j < lengths[i]; j++)
            words[i][j] = (j % 2 ? "aeiouaeiou" : "bcdfghlmnprstw")[random_below(j % 2 ? 10 : 14)];
    }
    for (size_t at = 0; at < size;) {
        uint32_t rank = random_below(1u << (1 + random_below(12)));
        for (int j = 0; j < lengths[rank] && at < size; j++) text[at++] = words[rank][j];
        if (at < size) text[at++] = random_below(12) ? ' ' : '\n';
    }
}

/* FNV-1a. */
static inline uint64_t checksum(const void *bytes, size_t size) {
    uint64_t sum = 14695981039346656037u;
    for (size_t i = 0; i < size; i++) sum = (sum ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return sum;
}

#endif
