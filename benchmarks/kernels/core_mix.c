/* What embedded programs do, in the mix that CoreMark made customary, written anew: a linked list is searched,
   reversed and sorted, small matrices are multiplied, a state machine reads numbers, a CRC covers it all.
   parameter(0) rounds. */
#include "kernel.h"

enum { ITEMS = 96, SEARCHES = 24, ROWS = 12, TEXT_BYTES = 256 };

static uint16_t crc16(uint16_t crc, uint32_t value) {
    for (int bit = 0; bit < 32; bit++, value >>= 1) {
        int carry = (crc ^ value) & 1;
        crc >>= 1;
        if (carry) crc ^= 0xA001;
    }
    return crc;
}

/* --- the list --- */

typedef struct item item;

struct item {
    item *next;
    int16_t key, order;
};

static item items[ITEMS];

static item *make_list(uint64_t *random) {
    for (int i = 0; i < ITEMS; i++) {
        items[i].next = i + 1 < ITEMS ? &items[i + 1] : NULL;
        items[i].key = (int16_t)(next_random(random) >> 54);
        items[i].order = (int16_t)i;
    }
    return items;
}

static item *reverse(item *list) {
    item *reversed = NULL;
    while (list) {
        item *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static const item *find(const item *list, int16_t key) {
    while (list && list->key != key) list = list->next;
    return list;
}

static int by_key(const item *left, const item *right) { return left->key - right->key; }
static int by_order(const item *left, const item *right) { return left->order - right->order; }

typedef int comparison(const item *, const item *);

static item *merge(item *left, item *right, comparison *compare) {
    item *merged = NULL, **end = &merged;
    while (left && right) {
        item **lesser = compare(left, right) <= 0 ? &left : &right;
        *end = *lesser;
        end = &(*lesser)->next;
        *lesser = *end;
    }
    *end = left ? left : right;
    return merged;
}

static item *sort(item *list, int count, comparison *compare) {
    if (count == 1) {
        list->next = NULL;
        return list;
    }
    item *middle = list;
    for (int i = 0; i < count / 2; i++) middle = middle->next;
    item *right = sort(middle, count - count / 2, compare);
    return merge(sort(list, count / 2, compare), right, compare);
}

static uint16_t use_list(uint16_t crc, uint64_t *random) {
    item *list = make_list(random);
    for (int i = 0; i < SEARCHES; i++) {
        const item *found = find(list, (int16_t)(next_random(random) >> 54));
        crc = crc16(crc, found ? (uint32_t)found->order : ITEMS);
        list = reverse(list);
    }
    list = sort(list, ITEMS, by_key);
    for (const item *each = list; each; each = each->next) crc = crc16(crc, (uint16_t)each->order);
    return crc16(crc, (uint32_t)sort(list, ITEMS, by_order)->key);
}

/* --- the matrices --- */

static int16_t left[ROWS][ROWS], right[ROWS][ROWS];
static int32_t product[ROWS][ROWS];

static uint16_t use_matrices(uint16_t crc, uint64_t *random) {
    int32_t sum = 0;
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) {
            uint64_t drawn = next_random(random);
            left[i][j] = (int16_t)(drawn >> 52);
            right[i][j] = (int16_t)(drawn >> 40 & 0xFFF);
        }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) {
            int32_t cell = 0;
            for (int k = 0; k < ROWS; k++) cell += left[i][k] * right[k][j];
            product[i][j] = cell;
        }
    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < ROWS; j++) {
            int32_t bits = (product[i][j] >> 2 & 0xF) * (product[i][j] >> 5 & 0x7F);
            sum += bits > 500 ? 10 : product[i][j] > sum;
        }
    return crc16(crc, (uint32_t)sum);
}

/* --- the state machine --- */

typedef enum { BLANK, SIGN, WHOLE, POINT, FRACTION, EXPONENT, SCALE, INVALID, STATES } state;

static state next_state(state current, uint8_t c) {
    int is_digit = c >= '0' && c <= '9';
    if (c == ',') return BLANK;
    switch (current) {
        case BLANK: return is_digit ? WHOLE : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : INVALID;
        case SIGN: return is_digit ? WHOLE : c == '.' ? POINT : INVALID;
        case WHOLE: return is_digit ? WHOLE : c == '.' ? POINT : c == 'e' ? EXPONENT : INVALID;
        case POINT:
        case FRACTION: return is_digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
        case EXPONENT: return is_digit || c == '-' ? SCALE : INVALID;
        case SCALE: return is_digit ? SCALE : INVALID;
        default: return INVALID;
    }
}

static uint16_t use_states(uint16_t crc, uint64_t *random) {
    static const uint8_t alphabet[16] = "0123456789.,,+-e";
    uint8_t text[TEXT_BYTES];
    uint32_t visits[STATES] = {0};
    state current = BLANK;
    for (int i = 0; i < TEXT_BYTES; i++) text[i] = alphabet[next_random(random) >> 60];
    for (int i = 0; i < TEXT_BYTES; i++) visits[current = next_state(current, text[i])]++;
    for (int i = 0; i < STATES; i++) crc = crc16(crc, visits[i]);
    return crc;
}

int main(void) {
    uint64_t random = 1;
    uint16_t crc = 0;
    for (uint64_t round = parameter(0); round > 0; round--) {
        crc = use_list(crc, &random);
        crc = use_matrices(crc, &random);
        crc = use_states(crc, &random);
    }
    output_digest(crc);
    return 0;
}
