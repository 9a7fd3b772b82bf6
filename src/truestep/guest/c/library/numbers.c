/* Numbers from text, as in <stdlib.h>. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "errors.h"

int abs(int value) { return value < 0 ? -value : value; }
long labs(long value) { return value < 0 ? -value : value; }
long long llabs(long long value) { return value < 0 ? -value : value; }

div_t div(int number, int divisor) { return (div_t){number / divisor, number % divisor}; }
ldiv_t ldiv(long number, long divisor) { return (ldiv_t){number / divisor, number % divisor}; }
lldiv_t lldiv(long long number, long long divisor) { return (lldiv_t){number / divisor, number % divisor}; }
intmax_t imaxabs(intmax_t value) { return value < 0 ? -value : value; }
imaxdiv_t imaxdiv(intmax_t number, intmax_t divisor) { return (imaxdiv_t){number / divisor, number % divisor}; }

static unsigned digit_value(char c) {
    if (isdigit(c)) return (unsigned)(c - '0');
    return isalpha(c) ? (unsigned)(tolower(c) - 'a') + 10 : UINT_MAX;
}

static int has_hexadecimal_prefix(const char *text) {
    return text[0] == '0' && (text[1] | 32) == 'x' && digit_value(text[2]) < 16;
}

/* Sign and magnitude of the number at the start of text; *overflow if the magnitude is over 64 bits. */
static uint64_t parse(const char *text, char **end, int base, int *negative, int *overflow) {
    const char *p = text;
    uint64_t magnitude = 0;
    *overflow = *negative = 0;
    if (base < 0 || base == 1 || base > 36) {
        SET_ERRNO(EINVAL);
        if (end) *end = (char *)text;
        return 0;
    }
    while (isspace(*p)) p++;
    *negative = *p == '-';
    if (*p == '-' || *p == '+') p++;
    if ((base == 0 || base == 16) && has_hexadecimal_prefix(p)) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    const char *first_digit = p;
    for (unsigned digit; (digit = digit_value(*p)) < (unsigned)base; p++) {
        *overflow |= __builtin_mul_overflow(magnitude, (uint64_t)base, &magnitude);
        *overflow |= __builtin_add_overflow(magnitude, digit, &magnitude);
    }
    if (end) *end = (char *)(p == first_digit ? text : p);
    return magnitude;
}

long long strtoll(const char *text, char **end, int base) {
    int negative, overflow;
    uint64_t magnitude = parse(text, end, base, &negative, &overflow);
    uint64_t limit = (uint64_t)LLONG_MAX + (uint64_t)negative;
    if (overflow || magnitude > limit) {
        SET_ERRNO(ERANGE);
        magnitude = limit;
    }
    return (long long)(negative ? -magnitude : magnitude);
}

unsigned long long strtoull(const char *text, char **end, int base) {
    int negative, overflow;
    uint64_t magnitude = parse(text, end, base, &negative, &overflow);
    if (overflow) {
        SET_ERRNO(ERANGE);
        return ULLONG_MAX;
    }
    return negative ? -magnitude : magnitude;
}

long strtol(const char *text, char **end, int base) { return strtoll(text, end, base); }
unsigned long strtoul(const char *text, char **end, int base) { return strtoull(text, end, base); }
intmax_t strtoimax(const char *text, char **end, int base) { return strtoll(text, end, base); }
uintmax_t strtoumax(const char *text, char **end, int base) { return strtoull(text, end, base); }
int atoi(const char *text) { return (int)strtol(text, NULL, 10); }
long atol(const char *text) { return strtol(text, NULL, 10); }
long long atoll(const char *text) { return strtoll(text, NULL, 10); }
