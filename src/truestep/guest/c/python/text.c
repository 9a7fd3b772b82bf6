/* print() and the texts of exceptions. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "runtime.h"

static char *line;
static size_t line_size, line_room;

void truestep_begin_line(void) { line_size = 0; }

void truestep_put(const char *text, size_t size) {
    if (line_size + size > line_room) {
        /* Not realloc, which most guests would hold for this alone. */
        char *shorter = line;
        line_room = 2 * (line_size + size) + 64;
        line = truestep_allocate(line_room);
        if (line_size) memcpy(line, shorter, line_size);
        free(shorter);
    }
    memcpy(line + line_size, text, size);
    line_size += size;
}

void truestep_print(void) { debug_write(line, line_size); }

char *truestep_take_text(size_t *size) {
    char *taken = line;
    *size = line_size;
    line = NULL;
    line_size = line_room = 0;
    return taken;
}

static void put_character(char c) { truestep_put(&c, 1); }

void truestep_put_unsigned(uint64_t value) {
    char digits[24];
    truestep_put(digits, (size_t)snprintf(digits, sizeof digits, "%lu", value));
}

void truestep_put_signed(int64_t value) {
    char digits[24];
    truestep_put(digits, (size_t)snprintf(digits, sizeof digits, "%ld", value));
}

static void put_zeros(int count) {
    while (count-- > 0) put_character('0');
}

/* Python's repr: the shortest digits, with an exponent below 1e-4 and from 1e16 on. */
static void put_float(double value, int is_single, int has_point) {
    char digits[20];
    int exponent;
    if (isnan(value)) {
        truestep_put("nan", 3);
        return;
    }
    if (signbit(value)) put_character('-');
    if (isinf(value)) {
        truestep_put("inf", 3);
        return;
    }
    int count = truestep_shortest_digits(fabs(value), is_single, digits, &exponent);
    if (exponent < -3 || exponent > 16) {
        truestep_put(digits, 1);
        if (count > 1) put_character('.');
        truestep_put(digits + 1, (size_t)(count - 1));
        truestep_put(exponent > 0 ? "e+" : "e-", 2);
        int shown = exponent > 0 ? exponent - 1 : 1 - exponent;
        if (shown < 10) put_character('0');
        truestep_put_signed(shown);
    } else if (exponent <= 0) {
        truestep_put("0.", 2);
        put_zeros(-exponent);
        truestep_put(digits, (size_t)count);
    } else {
        int whole = count < exponent ? count : exponent;
        truestep_put(digits, (size_t)whole);
        put_zeros(exponent - whole);
        if (has_point || count > exponent) put_character('.');
        truestep_put(digits + whole, (size_t)(count - whole));
        if (has_point && count <= exponent) put_character('0');
    }
}

void truestep_put_double(double value) { put_float(value, 0, 1); }
void truestep_put_single(float value) { put_float(value, 1, 1); }

void truestep_put_complex(double real, double imaginary, int64_t is_single) {
    int has_real = real != 0 || signbit(real);
    if (has_real) {
        put_character('(');
        put_float(real, (int)is_single, 0);
        if (!signbit(imaginary) || isnan(imaginary)) put_character('+');
    }
    put_float(imaginary, (int)is_single, 0);
    truestep_put(has_real ? "j)" : "j", has_real ? 2 : 1);
}

uint32_t truestep_unit_at(const uint8_t *units, int64_t index, int64_t unit_size) {
    if (unit_size == 1) return units[index];
    if (unit_size == 2) return ((const uint16_t *)units)[index];
    return ((const uint32_t *)units)[index];
}

static size_t encode(uint32_t c, char bytes[4]) {
    if (c < 0x80) {
        bytes[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size; i-- > 1; c >>= 6) bytes[i] = (char)(0x80 | (c & 0x3F));
    bytes[0] = (char)(c | (0xF0u << (4 - size)));
    return size;
}

void truestep_put_unit(uint32_t c) {
    char bytes[4];
    truestep_put(bytes, encode(c, bytes));
}

/* Numba's strings: one, two or four bytes a character. */
void truestep_put_string(const uint8_t *units, int64_t length, int64_t unit_size, int64_t is_quoted) {
    char quote = '\'', bytes[4];
    for (int64_t i = 0; i < length && is_quoted; i++)
        if (truestep_unit_at(units, i, unit_size) == '\'') quote = '"';
    for (int64_t i = 0; i < length && quote == '"'; i++)
        if (truestep_unit_at(units, i, unit_size) == '"') quote = '\'';
    if (is_quoted) put_character(quote);
    for (int64_t i = 0; i < length; i++) {
        uint32_t c = truestep_unit_at(units, i, unit_size);
        const char *names = "\n\r\t", *letters = "nrt", *name = c < 0x80 && c ? strchr(names, (int)c) : NULL;
        if (is_quoted && (c == '\\' || c == (uint32_t)quote || name)) {
            put_character('\\');
            put_character(name ? letters[name - names] : (char)c);
        } else if (is_quoted && (c < 0x20 || (c >= 0x7F && c < 0xA0))) {
            char escape[] = {'\\', 'x', "0123456789abcdef"[c / 16], "0123456789abcdef"[c % 16]};
            truestep_put(escape, sizeof escape);
        } else {
            truestep_put(bytes, encode(c, bytes));
        }
    }
    if (is_quoted) put_character(quote);
}

static size_t decode(const uint8_t *bytes, uint32_t *c) {
    size_t size = bytes[0] < 0x80 ? 1 : bytes[0] < 0xE0 ? 2 : bytes[0] < 0xF0 ? 3 : 4;
    *c = size == 1 ? bytes[0] : bytes[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) *c = *c << 6 | (bytes[i] & 0x3F);
    return size;
}

/* The number of characters of the line, and the largest of them. */
int64_t truestep_measure_line(int64_t *largest) {
    int64_t length = 0;
    uint32_t c;
    *largest = 0;
    for (size_t i = 0; i < line_size; length++) {
        i += decode((const uint8_t *)line + i, &c);
        if (c > *largest) *largest = c;
    }
    return length;
}

/* The line as the units of a string of Numba. */
void truestep_copy_line(uint8_t *units, int64_t unit_size) {
    uint32_t c;
    for (size_t i = 0, place = 0; i < line_size; place++) {
        i += decode((const uint8_t *)line + i, &c);
        if (unit_size == 1) units[place] = (uint8_t)c;
        else if (unit_size == 2) ((uint16_t *)units)[place] = (uint16_t)c;
        else ((uint32_t *)units)[place] = c;
    }
}

/* Whether bytes are UTF-8 (RFC 3629), which they must be to become the line. */
int64_t truestep_put_utf8(const uint8_t *bytes, int64_t size) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (int64_t i = 0; i < size;) {
        uint32_t c;
        if ((bytes[i] >= 0x80 && bytes[i] < 0xC2) || bytes[i] > 0xF4) return 0;
        int64_t count = bytes[i] < 0x80 ? 1 : bytes[i] < 0xE0 ? 2 : bytes[i] < 0xF0 ? 3 : 4;
        for (int64_t k = 1; k < count; k++)
            if (i + k >= size || (bytes[i + k] & 0xC0) != 0x80) return 0;
        decode(bytes + i, &c);
        if (c < least[count] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0;
        i += count;
    }
    truestep_put((const char *)bytes, (size_t)size);
    return 1;
}

void truestep_write_string(const uint8_t *units, int64_t length, int64_t unit_size) {
    truestep_begin_line();
    truestep_put_string(units, length, unit_size, 0);
    write_output((const uint8_t *)line, line_size);
}

/* The size of the line, whose first bytes are copied. */
int64_t truestep_copy_bytes(uint8_t *bytes, int64_t size) {
    memcpy(bytes, line, (size_t)size < line_size ? (size_t)size : line_size);
    return (int64_t)line_size;
}
