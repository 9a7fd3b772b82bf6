/* The string functions that compiler_rt does not have (it has memcpy, memmove, memset, memcmp, strlen). */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned char byte;

void *memchr(const void *block, int wanted, size_t size) {
    const byte *p = block;
    for (size_t i = 0; i < size; i++)
        if (p[i] == (byte)wanted) return (void *)(p + i);
    return NULL;
}

size_t strnlen(const char *text, size_t limit) {
    size_t length = 0;
    while (length < limit && text[length]) length++;
    return length;
}

int strncmp(const char *left, const char *right, size_t limit) {
    for (size_t i = 0; i < limit; i++) {
        if (left[i] != right[i]) return (byte)left[i] - (byte)right[i];
        if (!left[i]) break;
    }
    return 0;
}

int strcmp(const char *left, const char *right) { return strncmp(left, right, SIZE_MAX); }

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

char *strchr(const char *text, int character) { return memchr(text, character, strlen(text) + 1); }

char *strrchr(const char *text, int character) {
    for (size_t i = strlen(text) + 1; i-- > 0;)
        if (text[i] == (char)character) return (char *)text + i;
    return NULL;
}

char *strstr(const char *text, const char *part) {
    size_t length = strlen(part);
    for (;; text++) {
        if (!strncmp(text, part, length)) return (char *)text;
        if (!*text) return NULL;
    }
}

static size_t span(const char *text, const char *set, int wanted) {
    size_t length = 0;
    while (text[length] && (memchr(set, text[length], strlen(set)) != NULL) == wanted) length++;
    return length;
}

size_t strspn(const char *text, const char *accepted) { return span(text, accepted, 1); }

size_t strcspn(const char *text, const char *rejected) { return span(text, rejected, 0); }

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
