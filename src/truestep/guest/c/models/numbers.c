/* Decimals and floats: a fast way for most, and the slow exact one of Python guests for the others. */
#include "numbers.h"

#include <math.h>
#include <string.h>

#include "runtime.h"

enum { EXACT_POWERS = 22, DIGITS_OF_WORD = 19 };
static const uint64_t EXACT_LIMIT = (uint64_t)1 << 53;

static const double POWERS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Of Python guests (parse.c): 0 if the text is a number. */
int64_t truestep_parse_double(const uint8_t *units, int64_t length, int64_t unit_size, double *result);

/* For that parser, which reads the text of Python's strings: of bytes, here. */
uint32_t truestep_unit_at(const uint8_t *units, int64_t place, int64_t unit_size) {
    (void)unit_size;
    return units[place];
}

/* A decimal whose digits and power are exact floats: one product or quotient rounds it right. */
static int parse_short(const uint8_t *p, const uint8_t *end, double *value) {
    int is_negative = p < end && *p == '-', digits = 0, power = 0, has_digit = 0;
    uint64_t mantissa = 0;
    if (p < end && (*p == '-' || *p == '+')) p++;
    for (int is_after_point = 0; p < end; p++) {
        if (*p == '.' && !is_after_point) {
            is_after_point = 1;
            continue;
        }
        if (*p < '0' || *p > '9') break;
        mantissa = 10 * mantissa + (uint64_t)(*p - '0');
        digits += digits || *p != '0';
        power -= is_after_point;
        has_digit = 1;
        if (digits > DIGITS_OF_WORD - 1) return 0;
    }
    if (!has_digit) return 0;
    if (p < end && (*p | 0x20) == 'e') {
        int shown = 0, is_below = ++p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+')) p++;
        if (end - p < 1 || end - p > 3) return 0;
        for (; p < end && *p >= '0' && *p <= '9'; p++) shown = 10 * shown + (*p - '0');
        power += is_below ? -shown : shown;
    }
    if (p != end || mantissa > EXACT_LIMIT || power > EXACT_POWERS || power < -EXACT_POWERS) return 0;
    double exact = (double)mantissa;
    exact = power < 0 ? exact / POWERS[-power] : exact * POWERS[power];
    *value = is_negative ? -exact : exact;
    return 1;
}

int parse_number(const uint8_t *text, const uint8_t *end, double *value) {
    if (parse_short(text, end, value)) return 1;
    return truestep_parse_double(text, end - text, 1, value) == 0;
}

static int put(char *to, const char *word) {
    memcpy(to, word, strlen(word));
    return (int)strlen(word);
}

static int put_exponent(char *to, int exponent) {
    int size = put(to, exponent < 0 ? "e-" : "e+"), magnitude = exponent < 0 ? -exponent : exponent;
    if (magnitude >= 100) to[size++] = (char)('0' + magnitude / 100);
    to[size++] = (char)('0' + magnitude / 10 % 10);
    to[size++] = (char)('0' + magnitude % 10);
    return size;
}

/* 0.digits · 10^exponent, with a point or with an exponent, by Python's rule. */
static int lay_out(char *to, const char *digits, int count, int exponent) {
    int size = 0;
    if (exponent > 16 || exponent < -3) {
        to[size++] = digits[0];
        if (count > 1) to[size++] = '.';
        memcpy(to + size, digits + 1, (size_t)(count - 1));
        size += count - 1;
        return size + put_exponent(to + size, exponent - 1);
    }
    if (exponent <= 0) size = put(to, "0.");
    for (int zeros = exponent; zeros < 0; zeros++) to[size++] = '0';
    for (int i = 0; i < count || i < exponent; i++) {
        if (i == exponent && i > 0) to[size++] = '.';
        to[size++] = i < count ? digits[i] : '0';
    }
    return exponent >= count && exponent > 0 ? size + put(to + size, ".0") : size;
}

int write_number(char *text, double value, int is_single) {
    char digits[20];
    int exponent, size = 0;
    if (isnan(value)) return put(text, "nan");
    if (signbit(value)) text[size++] = '-';
    if (isinf(value)) return size + put(text + size, "inf");
    int count = truestep_shortest_digits(fabs(value), is_single, digits, &exponent);
    return size + lay_out(text + size, digits, count, exponent);
}
