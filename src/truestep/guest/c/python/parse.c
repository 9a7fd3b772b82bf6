/* int(text) and float(text). */
#include <math.h>
#include <string.h>

#include "runtime.h"

enum {
    LIMBS = 160,       /* 5120 bits: 10^1150 fits, and with it the smallest float with LARGEST_DIGITS digits */
    LARGEST_DIGITS = 800 /* more than any float or middle between two has; those after them only break ties */
};

typedef struct {
    const uint8_t *units;
    int64_t length, unit_size;
} string;

static uint32_t at(const string *s, int64_t place) {
    return place < s->length ? truestep_unit_at(s->units, place, s->unit_size) : 0;
}

static int is_space(uint32_t c) {
    return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

static string trimmed(string s) {
    while (s.length && is_space(at(&s, s.length - 1))) s.length--;
    while (s.length && is_space(at(&s, 0))) s.units += s.unit_size, s.length--;
    return s;
}

static int digit_of(uint32_t c) {
    if (c >= '0' && c <= '9') return (int)c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? (int)c - 'a' + 10 : 99;
}

enum { PARSED = 0, NOT_A_NUMBER = 1, TOO_LARGE = 2 };

static int64_t base_of_prefix(const string *s, int64_t place) {
    uint32_t letter = at(s, place + 1) | 0x20;
    if (at(s, place) != '0') return 0;
    return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
}

/* The number in `result`, and whether there is one. A base of 0 means that a prefix says which. */
int64_t truestep_parse_integer(const uint8_t *units, int64_t length, int64_t unit_size, int64_t base, int64_t *result) {
    string s = trimmed((string){units, length, unit_size});
    int64_t place = at(&s, 0) == '+' || at(&s, 0) == '-', is_negative = at(&s, 0) == '-';
    int64_t said = base_of_prefix(&s, place), is_decimal_by_default = base == 0 && !said;
    if (said && (base == 0 || base == said)) {
        base = said;
        place += 2;
        if (at(&s, place) == '_') place++;
    }
    if (is_decimal_by_default) base = 10;
    uint64_t magnitude = 0, first = (uint64_t)place;
    if (place >= s.length) return NOT_A_NUMBER;
    for (int64_t is_after_digit = 0; place < s.length; place++) {
        if (at(&s, place) == '_' && is_after_digit && place + 1 < s.length) {
            is_after_digit = 0;
            continue;
        }
        int digit = digit_of(at(&s, place));
        if (digit >= base) return NOT_A_NUMBER;
        is_after_digit = 1;
        if (__builtin_mul_overflow(magnitude, (uint64_t)base, &magnitude) ||
            __builtin_add_overflow(magnitude, (uint64_t)digit, &magnitude) || magnitude > (uint64_t)1 << 63)
            return TOO_LARGE;
    }
    if (is_decimal_by_default && magnitude && at(&s, (int64_t)first) == '0') return NOT_A_NUMBER;
    if (magnitude == (uint64_t)1 << 63 && !is_negative) return TOO_LARGE;
    *result = (int64_t)(is_negative ? 0 - magnitude : magnitude);
    return PARSED;
}

typedef struct {
    int count;
    uint32_t limbs[LIMBS];
} natural;

static void multiply_add(natural *n, uint32_t factor, uint32_t addend) {
    uint64_t carry = addend;
    for (int i = 0; i < n->count; i++) {
        carry += (uint64_t)n->limbs[i] * factor;
        n->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) n->limbs[n->count++] = (uint32_t)carry;
}

static void multiply_by_power(natural *n, uint32_t base, int power) {
    for (; power > 0; power--) multiply_add(n, base, 0);
}

static int bits_of(const natural *n) {
    return n->count ? 32 * n->count - __builtin_clz(n->limbs[n->count - 1]) : 0;
}

static int compare(const natural *left, const natural *right) {
    if (left->count != right->count) return left->count < right->count ? -1 : 1;
    for (int i = left->count; i-- > 0;)
        if (left->limbs[i] != right->limbs[i]) return left->limbs[i] < right->limbs[i] ? -1 : 1;
    return 0;
}

static void subtract(natural *left, const natural *right) {
    int64_t borrow = 0;
    for (int i = 0; i < left->count; i++) {
        borrow += (int64_t)left->limbs[i] - (i < right->count ? right->limbs[i] : 0);
        left->limbs[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (left->count && !left->limbs[left->count - 1]) left->count--;
}

/* numerator / denominator, rounded half to even: long division, one bit at a time. */
static double quotient(natural *numerator, natural *denominator) {
    if (!numerator->count) return 0;
    int exponent = bits_of(numerator) - bits_of(denominator);
    multiply_by_power(exponent < 0 ? numerator : denominator, 2, exponent < 0 ? -exponent : exponent);
    if (compare(numerator, denominator) < 0) {
        multiply_add(numerator, 2, 0);
        exponent--;
    }
    /* Now the quotient is 1.b1b2b3… · 2^exponent. Below 2^-1022 fewer bits are kept. */
    int kept = exponent < -1022 ? 53 - (-1022 - exponent) : 53;
    if (kept < 0) return 0;
    uint64_t mantissa = 0;
    for (int i = 0; i < kept; i++) {
        int bit = compare(numerator, denominator) >= 0;
        if (bit) subtract(numerator, denominator);
        mantissa = 2 * mantissa + (uint64_t)bit;
        multiply_add(numerator, 2, 0);
    }
    int order = compare(numerator, denominator);
    if (order > 0 || (order == 0 && (mantissa & 1))) mantissa++;
    return ldexp((double)mantissa, exponent - kept + 1);
}

/* Digits of a decimal; value = digits · 10^exponent. */
typedef struct {
    natural digits;
    int count, exponent, has_more;
} decimal;

static void take_digit(decimal *d, uint32_t digit) {
    if (d->count == LARGEST_DIGITS) {
        d->has_more |= digit != 0;
        d->exponent++;
        return;
    }
    multiply_add(&d->digits, 10, digit);
    d->count += d->count || digit;
}

static double value_of(decimal *d) {
    static natural one;
    if (d->has_more) {
        multiply_add(&d->digits, 10, 1);
        d->exponent--;
    }
    one = (natural){1, {1}};
    if (!d->digits.count || d->count + d->exponent < -330) return 0;
    if (d->count + d->exponent > 310) return INFINITY;
    multiply_by_power(d->exponent < 0 ? &one : &d->digits, 10, d->exponent < 0 ? -d->exponent : d->exponent);
    return quotient(&d->digits, &one);
}

static int is_word(const string *s, int64_t place, const char *word) {
    if (s->length - place != (int64_t)strlen(word)) return 0;
    for (; *word; word++, place++)
        if ((at(s, place) | 0x20) != (uint32_t)*word) return 0;
    return 1;
}

/* Digits with single underscores between them; -1 if there is another underscore, else how many digits. */
static int64_t read_digits(const string *s, int64_t *place, decimal *d, int is_after_point) {
    int64_t count = 0;
    for (;; ++*place) {
        uint32_t c = at(s, *place);
        if (c == '_' && count && digit_of(at(s, *place + 1)) < 10 && digit_of(at(s, *place - 1)) < 10) continue;
        if (c < '0' || c > '9') return c == '_' ? -1 : count;
        int before = d->exponent;
        take_digit(d, c - '0');
        if (is_after_point) d->exponent = before == d->exponent ? before - 1 : before;
        count++;
    }
}

static int read_exponent(const string *s, int64_t *place, int *exponent) {
    if ((at(s, *place) | 0x20) != 'e') return 1;
    int is_negative = at(s, ++*place) == '-', shown = 0;
    if (at(s, *place) == '-' || at(s, *place) == '+') ++*place;
    if (digit_of(at(s, *place)) > 9) return 0;
    for (;; ++*place) {
        uint32_t c = at(s, *place);
        if (c == '_' && digit_of(at(s, *place + 1)) < 10 && digit_of(at(s, *place - 1)) < 10) continue;
        if (c < '0' || c > '9') break;
        if (shown < 100000) shown = 10 * shown + (int)(c - '0');
    }
    *exponent += is_negative ? -shown : shown;
    return 1;
}

int64_t truestep_parse_double(const uint8_t *units, int64_t length, int64_t unit_size, double *result) {
    static decimal d;
    string s = trimmed((string){units, length, unit_size});
    int64_t place = at(&s, 0) == '+' || at(&s, 0) == '-';
    double sign = at(&s, 0) == '-' ? -1.0 : 1.0;
    if (is_word(&s, place, "nan")) return *result = copysign(NAN, sign), PARSED;
    if (is_word(&s, place, "inf") || is_word(&s, place, "infinity")) return *result = sign * INFINITY, PARSED;
    d.count = d.exponent = d.has_more = d.digits.count = 0;
    int64_t whole = read_digits(&s, &place, &d, 0), decimals = 0;
    if (at(&s, place) == '.') {
        place++;
        decimals = read_digits(&s, &place, &d, 1);
    }
    if (whole < 0 || decimals < 0 || whole + decimals == 0) return NOT_A_NUMBER;
    if (!read_exponent(&s, &place, &d.exponent) || place != s.length) return NOT_A_NUMBER;
    *result = sign * value_of(&d);
    return PARSED;
}
