/* The string functions. What the compiler's runtime has too (strlen) is slower there. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

size_t strlen(const char *text) {
    for (const char *p = text;; p += WORD_BYTES) {
        uint64_t zeros = zeros_in(word_at(p));
        if (zeros) return (size_t)(p - text) + first_marked(zeros);
    }
}

size_t strnlen(const char *text, size_t limit) {
    const char *end = memchr(text, 0, limit);
    return end ? (size_t)(end - text) : limit;
}

int strcmp(const char *left, const char *right) {
    for (;; left += WORD_BYTES, right += WORD_BYTES) {
        uint64_t a = word_at(left), b = word_at(right), zeros = zeros_in(a);
        if (zeros || a != b) return difference_at(a, b, zeros | (a ^ b));
    }
}

int strncmp(const char *left, const char *right, size_t limit) {
    for (; limit; left += WORD_BYTES, right += WORD_BYTES, limit -= WORD_BYTES) {
        uint64_t a = word_at(left), b = word_at(right), places = zeros_in(a) | (a ^ b);
        if (limit <= WORD_BYTES) {
            uint64_t within = places << 8 * (WORD_BYTES - limit);
            return within ? difference_at(a, b, places) : 0;
        }
        if (places) return difference_at(a, b, places);
    }
    return 0;
}

char *strcpy(char *restrict to, const char *restrict from) { return memcpy(to, from, strlen(from) + 1); }

char *strncpy(char *restrict to, const char *restrict from, size_t limit) {
    size_t length = strnlen(from, limit);
    memcpy(to, from, length);
    memset(to + length, 0, limit - length);
    return to;
}

char *strcat(char *restrict to, const char *restrict from) {
    strcpy(to + strlen(to), from);
    return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t limit) {
    size_t start = strlen(to), length = strnlen(from, limit);
    memcpy(to + start, from, length);
    to[start + length] = 0;
    return to;
}

/* The first place of a character, or the end. */
static char *place_of(const char *text, int character) {
    uint64_t pattern = IN_EACH_BYTE(character);
    for (;; text += WORD_BYTES) {
        uint64_t word = word_at(text), found = zeros_in(word) | zeros_in(word ^ pattern);
        if (found) return (char *)text + first_marked(found);
    }
}

char *strchrnul(const char *text, int character) { return place_of(text, character); }

/* musl's own files call it so, because a program may define the usual name. */
char *__strchrnul(const char *text, int character) __attribute__((alias("strchrnul")));

char *strchr(const char *text, int character) {
    char *found = place_of(text, character);
    return *found == (char)character ? found : NULL;
}

char *strrchr(const char *text, int character) { return memrchr(text, character, strlen(text) + 1); }

char *strstr(const char *text, const char *part) {
    size_t length = strlen(part);
    if (!length) return (char *)text;
    while ((text = strchr(text, *part)) && strncmp(text, part, length)) text++;
    return (char *)text;
}

/* Which characters a set has, one bit each. */
typedef struct {
    uint64_t words[4];
} character_set;

static character_set set_of(const char *characters) {
    character_set set = {{0}};
    for (; *characters; characters++) set.words[(byte)*characters / 64] |= (uint64_t)1 << (byte)*characters % 64;
    return set;
}

static int has(const character_set *set, char c) { return (int)(set->words[(byte)c / 64] >> (byte)c % 64 & 1); }

size_t strspn(const char *text, const char *accepted) {
    character_set set = set_of(accepted);
    const char *p = text;
    while (has(&set, *p)) p++;
    return (size_t)(p - text);
}

size_t strcspn(const char *text, const char *rejected) {
    if (!rejected[0] || !rejected[1]) return (size_t)(place_of(text, rejected[0]) - text);
    character_set set = set_of(rejected);
    const char *p = text;
    while (*p && !has(&set, *p)) p++;
    return (size_t)(p - text);
}

char *strpbrk(const char *text, const char *accepted) {
    text += strcspn(text, accepted);
    return *text ? (char *)text : NULL;
}

char *strtok_r(char *restrict text, const char *restrict separators, char **restrict rest) {
    if (!text) text = *rest;
    text += strspn(text, separators);
    char *end = text + strcspn(text, separators);
    *rest = *end ? end + 1 : end;
    if (end == text) return NULL;
    *end = 0;
    return text;
}

char *strdup(const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
