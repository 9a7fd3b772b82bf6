/* format(value, specification) of strings, integers and floats: the format specification mini-language of Python's
   library reference. Each function appends to the line and returns 0, or -1 for a specification that is none.      */
#include <math.h>
#include <string.h>

#include "runtime.h"

enum {
    LARGEST_SIZE = 4096, /* of a width or a precision; larger ones are refused, to bound the buffers */
    WHOLE_DIGITS = 320   /* more than the whole part of any float has */
};

typedef struct {
    uint32_t fill;
    char align, sign, grouping, type; /* 0: not given */
    int has_no_negative_zero, is_alternate, width, precision; /* a precision of -1: not given */
} specification;

typedef struct {
    const uint8_t *units;
    int64_t length, unit_size, place;
} reader;

static uint32_t peek(const reader *r, int64_t ahead) {
    return r->place + ahead < r->length ? truestep_unit_at(r->units, r->place + ahead, r->unit_size) : 0;
}

static int is_one_of(uint32_t c, const char *characters) { return c && c < 0x80 && strchr(characters, (int)c) != NULL; }

static int accept(reader *r, const char *characters, char *found) {
    if (!is_one_of(peek(r, 0), characters)) return 0;
    *found = (char)peek(r, 0);
    r->place++;
    return 1;
}

static int read_size(reader *r, int *size) {
    int count = 0;
    for (; peek(r, 0) >= '0' && peek(r, 0) <= '9'; count++) {
        *size = 10 * *size + (int)(peek(r, 0) - '0');
        if (*size > LARGEST_SIZE) return -1;
        r->place++;
    }
    return count;
}

static int read_specification(reader *r, char default_align, const char *kinds, specification *s) {
    char ignored;
    *s = (specification){.fill = ' ', .precision = -1};
    int has_fill = is_one_of(peek(r, 1), "<>=^");
    if (has_fill) s->fill = peek(r, 0), r->place++;
    accept(r, "<>=^", &s->align);
    accept(r, "+- ", &s->sign);
    s->has_no_negative_zero = accept(r, "z", &ignored);
    s->is_alternate = accept(r, "#", &ignored);
    if (!has_fill && peek(r, 0) == '0') {
        s->fill = '0';
        if (!s->align && default_align == '>') s->align = '=';
        r->place++;
    }
    if (read_size(r, &s->width) < 0) return -1;
    accept(r, ",_", &s->grouping);
    if (accept(r, ".", &ignored)) {
        s->precision = 0;
        if (read_size(r, &s->precision) <= 0) return -1;
    }
    accept(r, kinds, &s->type);
    if (!s->align) s->align = default_align;
    return r->place == r->length && !(s->type == 'n' && s->grouping) ? 0 : -1;
}

static void put_fill(uint32_t fill, int64_t count) {
    while (count-- > 0) truestep_put_unit(fill);
}

/* Digits from their last to their first, with separators, and zeros until the width is reached; the size. */
static int group(const char *digits, int count, int group_size, char separator, int width, char *reversed) {
    int size = 0;
    for (int i = 0; i < count || size < width; i++) {
        if (separator && i && i % group_size == 0) reversed[size++] = separator;
        reversed[size++] = i < count ? digits[count - 1 - i] : '0';
    }
    return size;
}

/* sign and prefix, digits that may be grouped, and what follows them, in a field. */
static void put_number(const specification *s, const char *head, const char *digits, int count, int group_size,
                       const char *tail) {
    static char reversed[2 * (WHOLE_DIGITS + LARGEST_SIZE)];
    int outside = (int)(strlen(head) + strlen(tail));
    int width = s->fill == '0' && s->align == '=' ? s->width - outside : 0;
    int size = group(digits, count, group_size, s->grouping, width, reversed);
    int64_t padding = s->width - outside - size;
    int64_t before = s->align == '>' ? padding : s->align == '^' ? padding / 2 : 0;
    if (padding < 0) padding = before = 0;
    put_fill(s->fill, before);
    truestep_put(head, strlen(head));
    if (s->align == '=') put_fill(s->fill, padding);
    while (size-- > 0) truestep_put(&reversed[size], 1);
    truestep_put(tail, strlen(tail));
    if (s->align != '=') put_fill(s->fill, padding - before);
}

static size_t put_sign(const specification *s, int is_negative, char *head) {
    if (is_negative) return head[0] = '-', 1;
    if (s->sign == '+' || s->sign == ' ') return head[0] = s->sign, 1;
    return 0;
}

int64_t truestep_format_text(const uint8_t *units, int64_t length, int64_t unit_size, const uint8_t *text,
                             int64_t text_length, int64_t text_unit_size) {
    reader r = {text, text_length, text_unit_size, 0};
    specification s;
    if (read_specification(&r, '<', "s", &s) || s.align == '=' || s.sign || s.grouping || s.is_alternate ||
        s.has_no_negative_zero)
        return -1;
    if (s.precision >= 0 && s.precision < length) length = s.precision;
    int64_t padding = s.width > length ? s.width - length : 0;
    int64_t before = s.align == '>' ? padding : s.align == '^' ? padding / 2 : 0;
    put_fill(s.fill, before);
    for (int64_t i = 0; i < length; i++) truestep_put_unit(truestep_unit_at(units, i, unit_size));
    put_fill(s.fill, padding - before);
    return 0;
}

static int format_integer(const specification *s, uint64_t magnitude, int is_negative) {
    char digits[64], head[4] = "";
    int count = 0, base = s->type == 'b' ? 2 : s->type == 'o' ? 8 : is_one_of((uint32_t)s->type, "xX") ? 16 : 10;
    const char *symbols = s->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    if (s->precision >= 0 || s->has_no_negative_zero || (s->grouping == ',' && base != 10)) return -1;
    do digits[63 - count++] = symbols[magnitude % (uint64_t)base];
    while (magnitude /= (uint64_t)base);
    size_t size = put_sign(s, is_negative, head);
    if (s->is_alternate && base != 10) {
        head[size] = '0';
        head[size + 1] = s->type;
    }
    put_number(s, head, digits + 64 - count, count, base == 10 ? 3 : 4, "");
    return 0;
}

/* The digits of a finite float, rounded as the kind and the precision say, and the place of the point. */
static int round_digits(double magnitude, char kind, int precision, char *digits, int *exponent) {
    if (kind == 'r') return truestep_shortest_digits(magnitude, 0, digits, exponent);
    if (kind == 'f') return truestep_exact_digits(magnitude, precision, 1, digits, exponent);
    return truestep_exact_digits(magnitude, kind == 'e' ? precision + 1 : precision, 0, digits, exponent);
}

static size_t put_exponent(char *tail, int exponent, int is_upper) {
    size_t size = 0;
    int shown = exponent < 0 ? -exponent : exponent;
    tail[size++] = is_upper ? 'E' : 'e';
    tail[size++] = exponent < 0 ? '-' : '+';
    if (shown >= 100) tail[size++] = (char)('0' + shown / 100);
    tail[size++] = (char)('0' + shown / 10 % 10);
    tail[size++] = (char)('0' + shown % 10);
    return size;
}

static void format_finite(const specification *s, double value, char kind, int precision, int is_upper) {
    static char digits[WHOLE_DIGITS + LARGEST_SIZE], whole[WHOLE_DIGITS], tail[WHOLE_DIGITS + LARGEST_SIZE + 8];
    char head[4] = "";
    int exponent, has_dot_zero = !s->type;
    int count = round_digits(fabs(value), kind, precision, digits, &exponent), is_zero = 1;
    for (int i = 0; i < count; i++) is_zero &= digits[i] == '0';
    int last = precision - (kind == 'g' && has_dot_zero);
    int is_scientific = kind == 'e' || (kind == 'g' && (exponent <= -4 || exponent > last)) ||
                        (kind == 'r' && (exponent <= -4 || exponent > 16));
    while (kind == 'g' && !s->is_alternate && count > 1 && digits[count - 1] == '0') count--;

    int point = is_scientific ? 1 : exponent, whole_count = 0;
    for (int i = 0; i < point; i++) whole[whole_count++] = i < count ? digits[i] : '0';
    if (!whole_count) whole[whole_count++] = '0';
    int decimals = kind == 'f' ? precision : count - point;
    size_t size = 0;
    if (decimals > 0 || s->is_alternate || (has_dot_zero && !is_scientific)) tail[size++] = '.';
    for (int i = point; i < point + decimals; i++) tail[size++] = i >= 0 && i < count ? digits[i] : '0';
    if (decimals <= 0 && has_dot_zero && !is_scientific) tail[size++] = '0';
    if (is_scientific) size += put_exponent(tail + size, exponent - 1, is_upper);
    if (s->type == '%') tail[size++] = '%';
    tail[size] = 0;
    put_sign(s, signbit(value) && !(is_zero && s->has_no_negative_zero), head);
    put_number(s, head, whole, whole_count, 3, tail);
}

static int format_float(specification *s, double value) {
    int is_upper = is_one_of((uint32_t)s->type, "EFG");
    char kind = is_upper ? (char)(s->type + 'a' - 'A') : s->type, head[4] = "";
    int precision = s->precision < 0 ? 6 : s->precision;
    if (kind == '%') kind = 'f', value *= 100;
    if (kind == 'n') kind = 'g';
    if (!kind) kind = s->precision < 0 ? 'r' : 'g';
    if (kind == 'g' && precision == 0) precision = 1;
    if (isfinite(value)) {
        format_finite(s, value, kind, precision, is_upper);
        return 0;
    }
    put_sign(s, value < 0, head);
    const char *name = isnan(value) ? (is_upper ? "NAN" : "nan") : is_upper ? "INF" : "inf";
    s->grouping = 0;
    put_number(s, head, name, 3, 3, s->type == '%' ? "%" : "");
    return 0;
}

int64_t truestep_format_integer(uint64_t magnitude, int64_t is_negative, const uint8_t *text, int64_t length,
                                int64_t unit_size) {
    reader r = {text, length, unit_size, 0};
    specification s;
    if (read_specification(&r, '>', "bcdoxXneEfFgG%", &s)) return -1;
    if (s.type == 'c') {
        if (s.sign || s.precision >= 0 || s.grouping || s.is_alternate || is_negative || magnitude > 0x10FFFF) return -1;
        s.align = s.align == '=' ? '>' : s.align;
        put_fill(s.fill, s.align == '>' ? s.width - 1 : s.align == '^' ? (s.width - 1) / 2 : 0);
        truestep_put_unit((uint32_t)magnitude);
        put_fill(s.fill, s.align == '<' ? s.width - 1 : s.align == '^' ? s.width - 1 - (s.width - 1) / 2 : 0);
        return 0;
    }
    if (!is_one_of((uint32_t)s.type, "eEfFgG%")) return format_integer(&s, magnitude, (int)is_negative);
    return format_float(&s, is_negative ? -(double)magnitude : (double)magnitude);
}

int64_t truestep_format_double(double value, const uint8_t *text, int64_t length, int64_t unit_size) {
    reader r = {text, length, unit_size, 0};
    specification s;
    return read_specification(&r, '>', "eEfFgGn%", &s) ? -1 : format_float(&s, value);
}
