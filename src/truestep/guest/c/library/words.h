/* Eight bytes at a time. A load never traps and may begin anywhere (machine.md M1.1, M3.4), so a function may load the
   word that its last byte lies in, whatever comes after it.                                                      */
#include <stdint.h>

typedef unsigned char byte;

enum { WORD_BYTES = sizeof(uint64_t) };

#define IN_EACH_BYTE(b) (0x0101010101010101 * (uint64_t)(byte)(b))

static inline uint64_t word_at(const void *place) {
    uint64_t word;
    __builtin_memcpy_inline(&word, place, sizeof word);
    return word;
}

static inline void put_word(void *place, uint64_t word) { __builtin_memcpy_inline(place, &word, sizeof word); }

/* The highest bit of the first byte that is 0, and perhaps of some after it; 0 if there is none. */
static inline uint64_t zeros_in(uint64_t word) { return (word - IN_EACH_BYTE(1)) & ~word & IN_EACH_BYTE(0x80); }

/* The number of the first byte that has its highest bit set, of bytes that have no other. */
static inline unsigned first_marked(uint64_t marks) {
    return (unsigned)(((marks & -marks) >> 7) * 0x0001020304050607 >> 56);
}

/* 8 times the number of the first byte that is not 0. */
static inline unsigned first_bit_of_byte(uint64_t word) {
    unsigned shift = (uint32_t)word ? 0 : 32;
    shift += (uint16_t)(word >> shift) ? 0 : 16;
    return shift + ((byte)(word >> shift) ? 0 : 8);
}

/* The difference of two words' bytes at the first place where `places` is not 0. */
static inline int difference_at(uint64_t left, uint64_t right, uint64_t places) {
    unsigned shift = first_bit_of_byte(places);
    return (byte)(left >> shift) - (byte)(right >> shift);
}
