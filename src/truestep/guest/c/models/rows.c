/* Rows of numbers, from a .npy file or from text. */
#include <math.h>
#include <string.h>

#include "numbers.h"
#include "rows.h"

static const char MAGIC[] = "\x93NUMPY";
enum { MAGIC_SIZE = 6 };

static struct {
    int64_t features, line;
    const uint8_t *at, *end;
    char separator;
    /* Of .npy files: */
    char kind;
    int size, is_fortran;
    int64_t next, shape[ROWS_DIMENSIONS], dimensions;
} input;

_Noreturn void refuse_rows(const char *what, int64_t number) {
    debug_printf("input: expected rows of %ld numbers as a .npy file or as text with commas, %s", input.features, what);
    if (number >= 0) debug_printf(" %ld", number);
    debug_printf("\n");
    exit(TRUESTEP_EXIT_INPUT);
}

/* The part of `count` rows that is this shard's: parts differ by one row at most. */
static void take_share(rows *all, int64_t count) {
    __int128 index = (__int128)shard_index(), shards = (__int128)shard_count();
    all->first = (int64_t)(count * index / shards);
    all->count = (int64_t)(count * (index + 1) / shards) - all->first;
}

/* --- .npy files ------------------------------------------------------------------------------------------- */

static const char *value_of(const char *header, const char *end, const char *key) {
    size_t size = strlen(key);
    for (const char *p = header; p + size < end; p++) {
        if (memcmp(p, key, size) != 0) continue;
        for (p += size; p < end && (*p == ' ' || *p == ':'); p++) {}
        return p < end ? p : NULL;
    }
    return NULL;
}

static int64_t size_at(const char **p, const char *end) {
    int64_t number = 0;
    if (*p == end || **p < '0' || **p > '9') refuse_rows("got a .npy file whose shape is not one of numbers", -1);
    for (; *p < end && **p >= '0' && **p <= '9'; ++*p)
        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, **p - '0', &number))
            refuse_rows("got a .npy file whose shape is too large", -1);
    return number;
}

static void read_shape(const char *p, const char *end) {
    if (!p || *p++ != '(') refuse_rows("got a .npy file without a shape", -1);
    for (input.dimensions = 0;;) {
        while (p < end && (*p == ' ' || *p == ',')) p++;
        if (p == end) refuse_rows("got a .npy file whose header breaks off", -1);
        if (*p == ')') return;
        if (input.dimensions == ROWS_DIMENSIONS) refuse_rows("got a .npy file with more than 8 dimensions", -1);
        input.shape[input.dimensions++] = size_at(&p, end);
    }
}

static int is_known_type(char kind, int size) {
    if (kind == 'f') return size == 4 || size == 8;
    if (kind == 'b') return size == 1;
    return (kind == 'i' || kind == 'u') && (size == 1 || size == 2 || size == 4 || size == 8);
}

static void read_type(const char *p, const char *end) {
    if (!p || end - p < 5 || *p != '\'') refuse_rows("got a .npy file of a type with fields", -1);
    input.kind = p[2];
    input.size = p[3] - '0';
    int is_little = p[1] == '<' || p[1] == '|' || p[1] == '=';
    if (!is_little || p[4] != '\'' || !is_known_type(input.kind, input.size))
        refuse_rows("got a .npy file of another type than float32, float64 or integers; use astype(np.float64)", -1);
}

static int64_t count_of_shape(void) {
    int64_t count = input.dimensions ? input.shape[0] : 0, width = 1;
    if (input.dimensions == 0) refuse_rows("got a .npy file with a single number; use reshape(1, -1)", -1);
    for (int64_t axis = 1; axis < input.dimensions; axis++)
        if (__builtin_mul_overflow(width, input.shape[axis], &width))
            refuse_rows("got a .npy file whose shape is too large", -1);
    if (input.dimensions == 1 && input.features != 1)
        refuse_rows("got a .npy file with one dimension; for one row use reshape(1, -1); its length is", count);
    if (width != input.features) refuse_rows("got a .npy file with rows of this many numbers:", width);
    return count;
}

static int64_t open_npy(const uint8_t *content, size_t size) {
    if (size < 12) refuse_rows("got a .npy file that breaks off", -1);
    int is_long = content[6] > 1;
    size_t start = is_long ? 12 : 10;
    size_t header_size = (size_t)content[8] | (size_t)content[9] << 8;
    if (is_long) header_size |= (size_t)content[10] << 16 | (size_t)content[11] << 24;
    if (header_size > size - start) refuse_rows("got a .npy file whose header breaks off", -1);
    const char *header = (const char *)content + start, *end = header + header_size;
    read_type(value_of(header, end, "'descr'"), end);
    read_shape(value_of(header, end, "'shape'"), end);
    const char *order = value_of(header, end, "'fortran_order'");
    input.is_fortran = order && *order == 'T';
    int64_t count = count_of_shape(), items, size_bytes;
    if (__builtin_mul_overflow(count, input.features, &items) ||
        __builtin_mul_overflow(items, input.size, &size_bytes) || (size_t)size_bytes != size - start - header_size)
        refuse_rows("got a .npy file with more or fewer bytes than its shape says", -1);
    input.at = (const uint8_t *)end;
    return count;
}

static double item_at(int64_t index) {
    const uint8_t *p = input.at + index * input.size;
    uint64_t word = 0;
    memcpy(&word, p, (size_t)input.size);
    if (input.kind == 'f') {
        double value;
        float single;
        if (input.size == 8) return memcpy(&value, p, sizeof value), value;
        return memcpy(&single, p, sizeof single), (double)single;
    }
    int unused = 64 - 8 * input.size;
    return input.kind == 'i' ? (double)((int64_t)(word << unused) >> unused) : (double)word;
}

/* Where the item that is `column` in C order lies in a row of a file in Fortran order. */
static int64_t fortran_index(int64_t row, int64_t column) {
    int64_t position = row, step = input.shape[0], places[ROWS_DIMENSIONS];
    for (int64_t axis = input.dimensions; axis-- > 1;) {
        places[axis] = column % input.shape[axis];
        column /= input.shape[axis];
    }
    for (int64_t axis = 1; axis < input.dimensions; axis++) {
        position += places[axis] * step;
        step *= input.shape[axis];
    }
    return position;
}

static void read_npy(double *to, int64_t count) {
    int64_t items = count * input.features, first = input.next * input.features;
    if (input.is_fortran) {
        for (int64_t row = 0; row < count; row++)
            for (int64_t column = 0; column < input.features; column++)
                *to++ = item_at(fortran_index(input.next + row, column));
    } else if (input.kind == 'f' && input.size == 8) {
        memcpy(to, input.at + first * 8, (size_t)items * 8);
    } else if (input.kind == 'f') {
        const uint8_t *p = input.at + first * 4;
        for (int64_t i = 0; i < items; i++) {
            float single;
            memcpy(&single, p + 4 * i, sizeof single);
            to[i] = (double)single;
        }
    } else {
        for (int64_t i = 0; i < items; i++) to[i] = item_at(first + i);
    }
    input.next += count;
}

/* --- text ------------------------------------------------------------------------------------------------- */

static int is_blank(uint8_t c) { return c == ' ' || c == '\t' || c == '\r'; }

static const uint8_t *end_of_line(const uint8_t *p) {
    const uint8_t *found = memchr(p, '\n', (size_t)(input.end - p));
    return found ? found : input.end;
}

static int is_empty_line(const uint8_t *p, const uint8_t *end) {
    while (p < end && is_blank(*p)) p++;
    return p == end;
}

/* Moves to the next line that is not empty; its end, or NULL after the last. */
static const uint8_t *next_line(void) {
    while (input.at < input.end) {
        const uint8_t *end = end_of_line(input.at);
        input.line++;
        if (!is_empty_line(input.at, end)) return end;
        input.at = end + (end < input.end);
    }
    return NULL;
}

static const uint8_t *field_end(const uint8_t *p, const uint8_t *end) {
    const uint8_t *found = memchr(p, input.separator, (size_t)(end - p));
    return found ? found : end;
}

/* The number in a field; an empty field is a missing value. */
static int number_in(const uint8_t *p, const uint8_t *end, double *value) {
    while (p < end && is_blank(*p)) p++;
    while (p < end && is_blank(end[-1])) end--;
    if (end - p >= 2 && *p == '"' && end[-1] == '"') p++, end--;
    if (p == end) return *value = NAN, 1;
    return parse_number(p, end, value);
}

static int has_words(const uint8_t *p, const uint8_t *end) {
    double ignored;
    for (;;) {
        const uint8_t *after = field_end(p, end);
        if (!number_in(p, after, &ignored)) return 1;
        if (after == end) return 0;
        p = after + 1;
    }
}

static int64_t open_text(const uint8_t *content, size_t size) {
    static const char separators[] = ",;\t";
    int64_t count = 0;
    input.at = content;
    input.end = content + size;
    if (size >= 3 && memcmp(content, "\xEF\xBB\xBF", 3) == 0) input.at += 3;
    const uint8_t *end = next_line();
    input.separator = ',';
    for (const char *s = separators; end && *s; s++)
        if (memchr(input.at, *s, (size_t)(end - input.at))) {
            input.separator = *s;
            break;
        }
    if (end && has_words(input.at, end)) input.at = end + (end < input.end); /* names of columns */
    const uint8_t *first = input.at;
    int64_t line = input.line = first == content ? 0 : input.line - (end && first < end);
    for (; (end = next_line()); count++) input.at = end + (end < input.end);
    input.at = first;
    input.line = line;
    return count;
}

static void skip_lines(int64_t count) {
    for (; count > 0; count--) {
        const uint8_t *end = next_line();
        input.at = end + (end < input.end);
    }
}

static void read_line(double *to) {
    const uint8_t *end = next_line(), *p = input.at;
    for (int64_t column = 0; column < input.features; column++) {
        const uint8_t *after = field_end(p, end);
        if (!number_in(p, after, &to[column])) {
            debug_printf("input: expected numbers in line %ld, got %.*s\n", input.line, (int)(after - p), (const char *)p);
            exit(TRUESTEP_EXIT_INPUT);
        }
        if ((after == end) != (column + 1 == input.features)) refuse_rows("got more or fewer in line", input.line);
        p = after + 1;
    }
    input.at = end + (end < input.end);
}

/* --- both ------------------------------------------------------------------------------------------------- */

rows open_rows(int64_t features) {
    const uint8_t *content;
    size_t size;
    rows all;
    read_input(&content, &size);
    input.features = features;
    all.is_text = size < MAGIC_SIZE || memcmp(content, MAGIC, MAGIC_SIZE) != 0;
    take_share(&all, all.is_text ? open_text(content, size) : open_npy(content, size));
    input.next = all.first;
    if (all.is_text) skip_lines(all.first);
    return all;
}

void read_rows(const rows *all, double *to, int64_t count) {
    if (!all->is_text) read_npy(to, count);
    else
        for (int64_t row = 0; row < count; row++) read_line(to + row * input.features);
}
