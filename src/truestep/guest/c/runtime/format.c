/* printf's formatting, without floating point. Conversions: d i u o x X c s p %, with flags, width, precision and
   length.                                                                                                      */
#include "format.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <truestep.h>

/* Where formatted text goes: into a buffer of `limit` bytes, or, if there is none, to the debug stream. */
typedef struct {
    char *to;
    size_t limit, length;
    size_t pending_size;
    char pending[256];
} sink;

typedef struct {
    int left, zero, plus, space, alternate;
    int width, precision; /* precision: -1 if there is none */
    char size;            /* h, H (hh), l, or 0 */
} directive;

enum { LONGEST_NUMBER = 22 }; /* 64 bits in octal */

static void flush(sink *s) {
    if (s->pending_size) debug_write(s->pending, s->pending_size);
    s->pending_size = 0;
}

static void put(sink *s, char c) {
    if (!s->to) {
        if (s->pending_size == sizeof s->pending) flush(s);
        s->pending[s->pending_size++] = c;
    } else if (s->length < s->limit) {
        s->to[s->length] = c;
    }
    s->length++;
}

static void put_repeated(sink *s, char c, int count) {
    while (count-- > 0) put(s, c);
}

static void put_text(sink *s, const char *text, int size) {
    for (int i = 0; i < size; i++) put(s, text[i]);
}

/* [blanks] prefix [zeros] body [blanks] */
static void put_field(sink *s, const directive *d, const char *prefix, int zeros, const char *body,
                      int body_size) {
    int prefix_size = (int)strlen(prefix), padding = d->width - prefix_size - zeros - body_size;
    if (padding < 0) padding = 0;
    if (!d->left) put_repeated(s, ' ', padding);
    put_text(s, prefix, prefix_size);
    put_repeated(s, '0', zeros);
    put_text(s, body, body_size);
    if (d->left) put_repeated(s, ' ', padding);
}

static void put_number(sink *s, const directive *d, uint64_t magnitude, unsigned base, int capitals,
                       const char *sign) {
    char digits[LONGEST_NUMBER];
    const char *alphabet = capitals ? "0123456789ABCDEF" : "0123456789abcdef";
    int first = LONGEST_NUMBER, zeros;
    for (uint64_t rest = magnitude; rest; rest /= base) digits[--first] = alphabet[rest % base];
    int size = LONGEST_NUMBER - first;
    int least = d->precision < 0 ? 1 : d->precision;
    if (d->precision < 0 && d->zero && !d->left) least = d->width - (int)strlen(sign);
    if (least < 1 && d->precision < 0) least = 1;
    zeros = least > size ? least - size : 0;
    if (d->alternate && base == 8 && !zeros) zeros = 1;
    put_field(s, d, sign, zeros, digits + first, size);
}

static int64_t signed_argument(char size, va_list *arguments) {
    if (size == 'l') return va_arg(*arguments, long);
    int value = va_arg(*arguments, int);
    if (size == 'h') return (short)value;
    return size == 'H' ? (signed char)value : value;
}

static uint64_t unsigned_argument(char size, va_list *arguments) {
    if (size == 'l') return va_arg(*arguments, unsigned long);
    unsigned value = va_arg(*arguments, unsigned);
    if (size == 'h') return (unsigned short)value;
    return size == 'H' ? (unsigned char)value : value;
}

static int parse_count(const char **format, va_list *arguments) {
    int count = 0;
    if (**format == '*') {
        ++*format;
        return va_arg(*arguments, int);
    }
    for (; isdigit(**format); ++*format)
        count = count > (INT_MAX - 9) / 10 ? INT_MAX : 10 * count + (**format - '0');
    return count;
}

static directive parse_directive(const char **format, va_list *arguments) {
    directive d = {.precision = -1};
    for (;; ++*format) {
        char c = **format;
        if (c == '-') d.left = 1;
        else if (c == '0') d.zero = 1;
        else if (c == '+') d.plus = 1;
        else if (c == ' ') d.space = 1;
        else if (c == '#') d.alternate = 1;
        else break;
    }
    d.width = parse_count(format, arguments);
    if (d.width < 0) {
        d.left = 1;
        d.width = d.width == INT_MIN ? INT_MAX : -d.width;
    }
    if (**format == '.') {
        ++*format;
        d.precision = parse_count(format, arguments);
        if (d.precision < 0) d.precision = -1;
    }
    for (; **format && strchr("hljzt", **format); ++*format)
        d.size = **format == 'h' ? (d.size == 'h' ? 'H' : 'h') : 'l';
    return d;
}

static void put_signed(sink *s, const directive *d, int64_t value) {
    const char *sign = value < 0 ? "-" : d->plus ? "+" : d->space ? " " : "";
    put_number(s, d, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, 0, sign);
}

static void put_unsigned(sink *s, const directive *d, uint64_t value, char conversion) {
    if (conversion == 'u' || conversion == 'o') {
        put_number(s, d, value, conversion == 'u' ? 10 : 8, 0, "");
    } else {
        const char *prefix = d->alternate && value ? (conversion == 'X' ? "0X" : "0x") : "";
        put_number(s, d, value, 16, conversion == 'X', prefix);
    }
}

static void put_string(sink *s, const directive *d, const char *text) {
    if (!text) text = "(null)";
    size_t size = d->precision < 0 ? strlen(text) : strnlen(text, (size_t)d->precision);
    put_field(s, d, "", 0, text, (int)size);
}

static void convert(sink *s, directive *d, char conversion, va_list *arguments) {
    char character;
    switch (conversion) {
    case 'd':
    case 'i': put_signed(s, d, signed_argument(d->size, arguments)); break;
    case 'u':
    case 'o':
    case 'x':
    case 'X': put_unsigned(s, d, unsigned_argument(d->size, arguments), conversion); break;
    case 'p':
        d->alternate = 1;
        put_unsigned(s, d, (uint64_t)va_arg(*arguments, void *), 'x');
        break;
    case 'c':
        character = (char)va_arg(*arguments, int);
        put_field(s, d, "", 0, &character, 1);
        break;
    case 's': put_string(s, d, va_arg(*arguments, const char *)); break;
    case '%': put(s, '%'); break;
    default: /* of a format made at run time, for else the build had linked the whole library (guest/hosted.py) */
        if (!s->to) flush(s);
        debug_print("printf: build with truestep cc");
        _Exit(TRUESTEP_EXIT_ABORT);
    }
}

int __truestep_format(char *to, size_t limit, const char *format, va_list arguments) {
    sink s = {.to = to, .limit = limit};
    va_list copy;
    va_copy(copy, arguments);
    while (*format) {
        if (*format != '%') {
            put(&s, *format++);
            continue;
        }
        format++;
        directive d = parse_directive(&format, &copy);
        if (!*format) break;
        convert(&s, &d, *format++, &copy);
    }
    va_end(copy);
    if (!to) flush(&s);
    return (int)s.length;
}

int __truestep_say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = __truestep_format(NULL, 0, format, arguments);
    va_end(arguments);
    return length;
}
