/* The functions of <wchar.h> on strings in memory. wchar_t is a signed 32-bit integer. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

wchar_t *wmemcpy(wchar_t *restrict to, const wchar_t *restrict from, size_t count) {
    return memcpy(to, from, count * sizeof(wchar_t));
}

wchar_t *wmemmove(wchar_t *to, const wchar_t *from, size_t count) {
    return memmove(to, from, count * sizeof(wchar_t));
}

wchar_t *wmemset(wchar_t *to, wchar_t value, size_t count) {
    for (size_t i = 0; i < count; i++) to[i] = value;
    return to;
}

wchar_t *wmemchr(const wchar_t *block, wchar_t wanted, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (block[i] == wanted) return (wchar_t *)block + i;
    return NULL;
}

int wmemcmp(const wchar_t *left, const wchar_t *right, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
    return 0;
}

size_t wcsnlen(const wchar_t *text, size_t limit) {
    size_t length = 0;
    while (length < limit && text[length]) length++;
    return length;
}

size_t wcslen(const wchar_t *text) { return wcsnlen(text, SIZE_MAX); }

int wcsncmp(const wchar_t *left, const wchar_t *right, size_t limit) {
    for (size_t i = 0; i < limit; i++) {
        if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
        if (!left[i]) break;
    }
    return 0;
}

int wcscmp(const wchar_t *left, const wchar_t *right) { return wcsncmp(left, right, SIZE_MAX); }

wchar_t *wcpcpy(wchar_t *restrict to, const wchar_t *restrict from) {
    size_t length = wcslen(from);
    wmemcpy(to, from, length + 1);
    return to + length;
}

wchar_t *wcscpy(wchar_t *restrict to, const wchar_t *restrict from) {
    return wmemcpy(to, from, wcslen(from) + 1);
}

wchar_t *wcpncpy(wchar_t *restrict to, const wchar_t *restrict from, size_t limit) {
    size_t length = wcsnlen(from, limit);
    wmemcpy(to, from, length);
    wmemset(to + length, 0, limit - length);
    return to + length;
}

wchar_t *wcsncpy(wchar_t *restrict to, const wchar_t *restrict from, size_t limit) {
    wcpncpy(to, from, limit);
    return to;
}

wchar_t *wcscat(wchar_t *restrict to, const wchar_t *restrict from) {
    wcscpy(to + wcslen(to), from);
    return to;
}

wchar_t *wcsncat(wchar_t *restrict to, const wchar_t *restrict from, size_t limit) {
    size_t start = wcslen(to), length = wcsnlen(from, limit);
    wmemcpy(to + start, from, length);
    to[start + length] = 0;
    return to;
}

wchar_t *wcschr(const wchar_t *text, wchar_t wanted) { return wmemchr(text, wanted, wcslen(text) + 1); }

wchar_t *wcsrchr(const wchar_t *text, wchar_t wanted) {
    for (size_t i = wcslen(text) + 1; i-- > 0;)
        if (text[i] == wanted) return (wchar_t *)text + i;
    return NULL;
}

static size_t span(const wchar_t *text, const wchar_t *set, int wanted) {
    size_t length = 0, count = wcslen(set);
    while (text[length] && (wmemchr(set, text[length], count) != NULL) == wanted) length++;
    return length;
}

size_t wcsspn(const wchar_t *text, const wchar_t *accepted) { return span(text, accepted, 1); }
size_t wcscspn(const wchar_t *text, const wchar_t *rejected) { return span(text, rejected, 0); }

wchar_t *wcspbrk(const wchar_t *text, const wchar_t *accepted) {
    text += wcscspn(text, accepted);
    return *text ? (wchar_t *)text : NULL;
}

wchar_t *wcstok(wchar_t *restrict text, const wchar_t *restrict separators, wchar_t **restrict rest) {
    if (!text) text = *rest;
    if (!text) return NULL;
    text += wcsspn(text, separators);
    wchar_t *end = text + wcscspn(text, separators);
    *rest = *end ? end + 1 : NULL;
    if (end == text) return NULL;
    *end = 0;
    return text;
}

wchar_t *wcsstr(const wchar_t *restrict text, const wchar_t *restrict part) {
    size_t length = wcslen(part);
    for (; wcsncmp(text, part, length); text++)
        if (!*text) return NULL;
    return (wchar_t *)text;
}

wchar_t *wcswcs(const wchar_t *text, const wchar_t *part) { return wcsstr(text, part); }

wchar_t *wcsdup(const wchar_t *text) {
    size_t size = (wcslen(text) + 1) * sizeof(wchar_t);
    wchar_t *copy = malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}
