/* Functions of <string.h> and <strings.h> that go beyond the C standard's everyday ones. */
#define _GNU_SOURCE
#include <ctype.h>
#include <locale.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "words.h"

char *stpcpy(char *restrict to, const char *restrict from) {
    size_t length = strlen(from);
    memcpy(to, from, length + 1);
    return to + length;
}

char *stpncpy(char *restrict to, const char *restrict from, size_t limit) {
    return strncpy(to, from, limit) + strnlen(from, limit);
}

/* musl's own files call these so, because a program may define the usual names. */
char *__stpcpy(char *restrict to, const char *restrict from) __attribute__((alias("stpcpy")));
char *__stpncpy(char *restrict to, const char *restrict from, size_t limit) __attribute__((alias("stpncpy")));

char *strtok(char *restrict text, const char *restrict separators) {
    static char *rest;
    return strtok_r(text, separators, &rest);
}

char *strsep(char **rest, const char *separators) {
    char *text = *rest;
    if (!text) return NULL;
    char *end = text + strcspn(text, separators);
    *rest = *end ? end + 1 : NULL;
    *end = 0;
    return text;
}

char *strndup(const char *text, size_t limit) {
    size_t length = strnlen(text, limit);
    char *copy = malloc(length + 1);
    if (!copy) return NULL;
    copy[length] = 0;
    return memcpy(copy, text, length);
}

size_t strlcpy(char *to, const char *from, size_t room) {
    size_t length = strlen(from);
    if (room) {
        size_t copied = length < room ? length : room - 1;
        memcpy(to, from, copied);
        to[copied] = 0;
    }
    return length;
}

size_t strlcat(char *to, const char *from, size_t room) {
    size_t length = strnlen(to, room);
    return length + strlcpy(to + length, from, room - length);
}

void *mempcpy(void *restrict to, const void *restrict from, size_t size) {
    return (byte *)memcpy(to, from, size) + size;
}

void *memccpy(void *restrict to, const void *restrict from, int last, size_t size) {
    const byte *found = memchr(from, last, size);
    size_t copied = found ? (size_t)(found - (const byte *)from) + 1 : size;
    memcpy(to, from, copied);
    return found ? (byte *)to + copied : NULL;
}

void *memmem(const void *block, size_t size, const void *part, size_t part_size) {
    const byte *p = block;
    if (!part_size) return (void *)p;
    while (size >= part_size) {
        const byte *found = memchr(p, *(const byte *)part, size - part_size + 1);
        if (!found) return NULL;
        if (!memcmp(found, part, part_size)) return (void *)found;
        size -= (size_t)(found + 1 - p);
        p = found + 1;
    }
    return NULL;
}

void explicit_bzero(void *block, size_t size) {
    memset(block, 0, size);
    __asm__ volatile("" : : "r"(block) : "memory");
}

int strncasecmp(const char *left, const char *right, size_t limit) {
    for (size_t i = 0; i < limit; i++) {
        int difference = tolower((byte)left[i]) - tolower((byte)right[i]);
        if (difference || !left[i]) return difference;
    }
    return 0;
}

int strcasecmp(const char *left, const char *right) { return strncasecmp(left, right, SIZE_MAX); }

char *strcasestr(const char *text, const char *part) {
    size_t length = strlen(part);
    for (; strncasecmp(text, part, length); text++)
        if (!*text) return NULL;
    return (char *)text;
}

/* The only locale's order is that of the bytes. */
int strcoll(const char *left, const char *right) { return strcmp(left, right); }

size_t strxfrm(char *restrict to, const char *restrict from, size_t room) {
    size_t length = strlen(from);
    if (length < room) memcpy(to, from, length + 1);
    return length;
}

int strcoll_l(const char *left, const char *right, locale_t locale) { return (void)locale, strcmp(left, right); }
size_t strxfrm_l(char *restrict to, const char *restrict from, size_t room, locale_t locale) {
    return (void)locale, strxfrm(to, from, room);
}
int strcasecmp_l(const char *left, const char *right, locale_t locale) {
    return (void)locale, strcasecmp(left, right);
}
int strncasecmp_l(const char *left, const char *right, size_t limit, locale_t locale) {
    return (void)locale, strncasecmp(left, right, limit);
}

int bcmp(const void *left, const void *right, size_t size) { return memcmp(left, right, size); }
void bcopy(const void *from, void *to, size_t size) { memmove(to, from, size); }
void bzero(void *block, size_t size) { memset(block, 0, size); }
char *index(const char *text, int character) { return strchr(text, character); }
char *rindex(const char *text, int character) { return strrchr(text, character); }
int ffs(int value) { return __builtin_ffs(value); }
int ffsl(long value) { return __builtin_ffsl(value); }
int ffsll(long long value) { return __builtin_ffsll(value); }
