/* What a model says, as a .npy file or as text. */
#include <string.h>

#include "numbers.h"
#include "rows.h"

enum { HEADER_ALIGNMENT = 64, HEADER_ROOM = 512, NUMBER_ROOM = 32 };

static size_t put(char *to, const char *word) {
    memcpy(to, word, strlen(word));
    return strlen(word);
}

static size_t put_integer(char *to, int64_t value) {
    char digits[24];
    size_t count = 0, size = 0;
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do digits[count++] = (char)('0' + magnitude % 10);
    while (magnitude /= 10);
    if (value < 0) to[size++] = '-';
    while (count) to[size++] = digits[--count];
    return size;
}

void begin_predictions(const rows *all, const prediction *each) {
    static char header[HEADER_ROOM];
    char type[] = {'<', each->kind, (char)('0' + each->size), 0};
    size_t length = 10;
    if (all->is_text) return;
    length += put(header + length, "{'descr': '");
    length += put(header + length, type);
    length += put(header + length, "', 'fortran_order': False, 'shape': (");
    length += put_integer(header + length, all->count);
    for (int64_t axis = 0; axis < each->dimensions; axis++) {
        length += put(header + length, ", ");
        length += put_integer(header + length, each->shape[axis]);
    }
    length += put(header + length, each->dimensions ? "), }" : ",), }");
    size_t padded = (length + 1 + HEADER_ALIGNMENT - 1) / HEADER_ALIGNMENT * HEADER_ALIGNMENT;
    memset(header + length, ' ', padded - length);
    header[padded - 1] = '\n';
    memcpy(header, "\x93NUMPY\1\0", 8);
    header[8] = (char)((padded - 10) & 0xFF);
    header[9] = (char)((padded - 10) >> 8);
    write_output((const uint8_t *)header, padded);
}

static void write_line(const prediction *each, const double *values) {
    char text[NUMBER_ROOM];
    for (int64_t i = 0; i < each->length; i++) {
        size_t size = each->kind == 'i' ? put_integer(text, (int64_t)values[i])
                                        : (size_t)write_number(text, values[i], each->size == 4);
        text[size++] = i + 1 < each->length ? ',' : '\n';
        write_output((const uint8_t *)text, size);
    }
}

static void write_items(const prediction *each, const double *values, int64_t count) {
    if (each->kind == 'f' && each->size == 8) {
        write_output((const uint8_t *)values, (size_t)count * 8);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t integer = (int64_t)values[i];
        float single = (float)values[i];
        write_output(each->kind == 'i' ? (const uint8_t *)&integer : (const uint8_t *)&single, (size_t)each->size);
    }
}

void write_predictions(const rows *all, const prediction *each, const double *values, int64_t count) {
    if (!all->is_text) write_items(each, values, count * each->length);
    else
        for (int64_t row = 0; row < count; row++) write_line(each, values + row * each->length);
}
