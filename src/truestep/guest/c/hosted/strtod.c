/* strtod and its relatives: a decimal of up to 19 digits is read here, all else by musl, which stops where it has to in
   every text (infinity, hexadecimal digits, exponents without digits).                                          */
#include <ctype.h>
#include <float.h>
#include <stdlib.h>

#include "decimals.h"
#include "floatscan.h"
#include "shgetc.h"
#include "stdio_impl.h"

enum { MOST_DIGITS = 19, MOST_EXPONENT = 9999 };

/* The digits from p on, without a point; 19 fit into 64 bits. */
static const char *read_digits(const char *p, uint64_t *digits) {
    for (; *p - '0' < 10U; p++) *digits = 10 * *digits + (uint64_t)(*p - '0');
    return p;
}

/* Where a short decimal ends, and its value; NULL if the text is none or not short. */
static const char *read_decimal(const char *text, int bits, double *value) {
    const char *p = text;
    while (isspace(*p)) p++;
    int is_negative = *p == '-', exponent = 0;
    if (*p == '-' || *p == '+') p++;
    const char *first = p;
    uint64_t digits = 0;
    while (*first == '0') first++;
    const char *end = read_digits(first, &digits);
    if ((*first | 32) == 'x' || end - first > MOST_DIGITS) return NULL;
    long count = end - first;
    int has_digits = end != p;
    if (*end == '.') {
        const char *fraction = end + 1, *significant = fraction;
        if (!count)
            while (*significant == '0') significant++;
        end = read_digits(significant, &digits);
        count += end - significant;
        has_digits |= end != fraction;
        if (count > MOST_DIGITS || end - fraction > MOST_EXPONENT) return NULL;
        exponent = -(int)(end - fraction);
    }
    if (!has_digits) return NULL;
    if ((*end | 32) == 'e') {
        int is_below = end[1] == '-', shown = 0;
        const char *power = end + 1 + (end[1] == '-' || end[1] == '+');
        if (*power - '0' >= 10U) return NULL;
        for (; *power - '0' < 10U; power++)
            if ((shown = 10 * shown + *power - '0') > MOST_EXPONENT) return NULL;
        exponent += is_below ? -shown : shown;
        end = power;
    }
    if (!digits) {
        *value = 0;
    } else if (!__truestep_scaled(digits, exponent, bits, value)) {
        return NULL;
    }
    if (is_negative) *value = -*value;
    return end;
}

static long double scanned(const char *text, char **end, int precision) {
    FILE f;
    sh_fromstring(&f, text);
    shlim(&f, 0);
    long double value = __floatscan(&f, precision, 1);
    off_t count = shcnt(&f);
    if (end) *end = (char *)text + count;
    return value;
}

float strtof(const char *restrict text, char **restrict end) {
    double value;
    const char *stop = read_decimal(text, FLT_MANT_DIG, &value);
    if (!stop) return (float)scanned(text, end, 0);
    if (end) *end = (char *)stop;
    return (float)value;
}

double strtod(const char *restrict text, char **restrict end) {
    double value;
    const char *stop = read_decimal(text, DBL_MANT_DIG, &value);
    if (!stop) return (double)scanned(text, end, 1);
    if (end) *end = (char *)stop;
    return value;
}

long double strtold(const char *restrict text, char **restrict end) { return scanned(text, end, 2); }
