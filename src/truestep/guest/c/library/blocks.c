/* Blocks of memory. A program may define these itself; the compiler's runtime has slower ones.

   What is copied or set in one go is loaded before it is stored, and stored close together: the engine looks only
   once whether the pages of neighbouring stores may be written.                                               */
#define _GNU_SOURCE
#include <string.h>

#include "words.h"

enum { ROUND_BYTES = 4 * WORD_BYTES };

int memcmp(const void *left, const void *right, size_t size) {
    const byte *l = left, *r = right;
    for (; size >= WORD_BYTES; size -= WORD_BYTES, l += WORD_BYTES, r += WORD_BYTES) {
        uint64_t a = word_at(l), b = word_at(r);
        if (a != b) return difference_at(a, b, a ^ b);
    }
    if (!size) return 0;
    uint64_t a = word_at(l), b = word_at(r), different = (a ^ b) << 8 * (WORD_BYTES - size);
    return different ? difference_at(a, b, a ^ b) : 0;
}

void *memchr(const void *block, int wanted, size_t size) {
    const byte *p = block;
    uint64_t pattern = IN_EACH_BYTE(wanted);
    for (;; p += WORD_BYTES, size -= WORD_BYTES) {
        uint64_t found = zeros_in(word_at(p) ^ pattern);
        if (found) {
            unsigned place = first_marked(found);
            return place < size ? (void *)(p + place) : NULL;
        }
        if (size <= WORD_BYTES) return NULL;
    }
}

void *memrchr(const void *block, int wanted, size_t size) {
    const byte *p = block;
    while (size-- > 0)
        if (p[size] == (byte)wanted) return (void *)(p + size);
    return NULL;
}

/* musl's own files call it so, because a program may define the usual name. */
void *__memrchr(const void *block, int wanted, size_t size) __attribute__((alias("memrchr")));

/* Up to 16 bytes: all of it is loaded before anything is stored, so the blocks may overlap. */
static inline void move_few(byte *to, const byte *from, size_t size) {
    if (size >= 8) {
        uint64_t first = word_at(from), last = word_at(from + size - 8);
        put_word(to, first);
        put_word(to + size - 8, last);
    } else if (size >= 4) {
        uint32_t first, last;
        __builtin_memcpy_inline(&first, from, 4);
        __builtin_memcpy_inline(&last, from + size - 4, 4);
        __builtin_memcpy_inline(to, &first, 4);
        __builtin_memcpy_inline(to + size - 4, &last, 4);
    } else if (size) {
        byte first = from[0], middle = from[size / 2], last = from[size - 1];
        to[0] = first;
        to[size / 2] = middle;
        to[size - 1] = last;
    }
}

static inline void move_round(byte *to, const byte *from) {
    uint64_t a = word_at(from), b = word_at(from + 8), c = word_at(from + 16), d = word_at(from + 24);
    put_word(to, a);
    put_word(to + 8, b);
    put_word(to + 16, c);
    put_word(to + 24, d);
}

/* 17 bytes to a round: both halves are loaded before they are stored. */
static inline void move_up_to_a_round(byte *to, const byte *from, size_t size) {
    const byte *later = from + size - ROUND_BYTES / 2;
    uint64_t a = word_at(from), b = word_at(from + 8), c = word_at(later), d = word_at(later + 8);
    put_word(to, a);
    put_word(to + 8, b);
    put_word(to + size - 16, c);
    put_word(to + size - 8, d);
}

/* From the first byte to the last, more than a round; right also where `to` lies below `from`. */
static inline void move_upwards(byte *to, const byte *from, size_t size) {
    const byte *end = from + size - ROUND_BYTES;
    byte *to_end = to + size - ROUND_BYTES;
    uint64_t a = word_at(end), b = word_at(end + 8), c = word_at(end + 16), d = word_at(end + 24);
    for (; from < end; from += ROUND_BYTES, to += ROUND_BYTES) move_round(to, from);
    put_word(to_end, a);
    put_word(to_end + 8, b);
    put_word(to_end + 16, c);
    put_word(to_end + 24, d);
}

/* From the last byte to the first, for a `to` that lies above `from`. */
static inline void move_downwards(byte *to, const byte *from, size_t size) {
    uint64_t a = word_at(from), b = word_at(from + 8), c = word_at(from + 16), d = word_at(from + 24);
    for (size_t left = size; left > ROUND_BYTES; left -= ROUND_BYTES)
        move_round(to + left - ROUND_BYTES, from + left - ROUND_BYTES);
    put_word(to, a);
    put_word(to + 8, b);
    put_word(to + 16, c);
    put_word(to + 24, d);
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    if (size <= 16) {
        move_few(to, from, size);
    } else if (size <= ROUND_BYTES) {
        move_up_to_a_round(to, from, size);
    } else {
        move_upwards(to, from, size);
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size) {
    if (size <= 16) {
        move_few(to, from, size);
    } else if (size <= ROUND_BYTES) {
        move_up_to_a_round(to, from, size);
    } else if ((uintptr_t)to - (uintptr_t)from >= size) {
        move_upwards(to, from, size);
    } else {
        move_downwards(to, from, size);
    }
    return to;
}

void *memset(void *block, int value, size_t size) {
    byte *p = block;
    uint64_t word = IN_EACH_BYTE(value);
    if (size < 8) {
        if (size >= 4) {
            uint32_t half = (uint32_t)word;
            __builtin_memcpy_inline(p, &half, 4);
            __builtin_memcpy_inline(p + size - 4, &half, 4);
        } else if (size) {
            p[0] = p[size / 2] = p[size - 1] = (byte)value;
        }
        return block;
    }
    byte *end = p + size - 8;
    for (; end - p >= ROUND_BYTES; p += ROUND_BYTES) {
        put_word(p, word);
        put_word(p + 8, word);
        put_word(p + 16, word);
        put_word(p + 24, word);
    }
    for (; p < end; p += 8) put_word(p, word);
    put_word(end, word);
    return block;
}
