/* The functions that take a word at a time, compared with loops over bytes: at each place within a word, with zeros,
   differences and ends everywhere. The seed is the job's. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

enum { ROOM = 96, ROUNDS = 250 };

typedef unsigned char byte;

static uint64_t state;
static char left[ROOM], right[ROOM], before[ROOM];

static size_t draw(size_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (size_t)(state >> 33) % below;
}

/* Few different bytes, of which some differ in the highest bit alone; one near the end is 0. */
static void fill(char *text) {
    static const char bytes[] = {0, 1, 'a', 'a', 'a', 'b', (char)('a' + 128), (char)128};
    size_t different = 2 + draw(sizeof bytes - 1);
    for (size_t i = 0; i < ROOM; i++) text[i] = draw(8) ? 'a' : bytes[draw(different)];
    text[ROOM - 10] = 0;
}

static int sign(int value) { return (value > 0) - (value < 0); }

static int compared(const char *a, const char *b, size_t size, int ends) {
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i]) return (byte)a[i] < (byte)b[i] ? -1 : 1;
        if (ends && !a[i]) return 0;
    }
    return 0;
}

static size_t place_of(const char *text, char wanted, size_t size) {
    size_t place = 0;
    while (place < size && text[place] != wanted) place++;
    return place;
}

static void compare(const char *a, const char *b, size_t room) {
    size_t size = draw(room);
    assert(sign(memcmp(a, b, size)) == compared(a, b, size, 0));
    assert(sign(strncmp(a, b, size)) == compared(a, b, size, 1));
    assert(sign(strcmp(a, b)) == compared(a, b, room, 1));
}

static void search(const char *text, size_t room) {
    size_t size = draw(room), length = place_of(text, 0, room);
    char wanted = text[draw(room)];
    size_t place = place_of(text, wanted, size), first = place_of(text, wanted, length);
    assert(memchr(text, wanted, size) == (place < size ? text + place : NULL));
    assert(strlen(text) == length && strnlen(text, size) == (length < size ? length : size));
    assert(strchr(text, wanted) == (first < length || !wanted ? text + first : NULL));
    const char set[] = {wanted, (char)(wanted ? 'b' : 0), 0};
    size_t accepted = 0, rejected = 0;
    while (text[accepted] && (text[accepted] == set[0] || text[accepted] == set[1])) accepted++;
    while (text[rejected] && text[rejected] != set[0] && text[rejected] != set[1]) rejected++;
    assert(strspn(text, set) == accepted && strcspn(text, set) == rejected);
}

/* Copies of parts of `left` into itself and into `right`. */
static void copy(void) {
    size_t to = draw(ROOM), from = draw(ROOM), size = draw(ROOM - (to > from ? to : from));
    for (int is_inside = 0; is_inside < 2; is_inside++) {
        char *target = is_inside ? left : right;
        for (size_t i = 0; i < ROOM; i++) before[i] = target[i];
        for (size_t i = 0; i < size; i++) before[to + i] = left[from + i];
        assert((is_inside ? memmove : memcpy)(target + to, left + from, size) == target + to);
        assert(!compared(target, before, ROOM, 0));
    }
    for (size_t i = 0; i < size; i++) before[to + i] = (char)size;
    assert(memset(left + to, (int)(size + 512), size) == left + to && !compared(left, before, ROOM, 0));
}

int main(void) {
    memcpy(&state, job_seed(), sizeof state);
    for (int round = 0; round < ROUNDS; round++) {
        fill(left);
        fill(right);
        size_t a = draw(9), b = draw(9), common = draw(64);
        for (size_t i = 0; i < common; i++) right[b + i] = left[a + i];
        compare(left + a, right + b, ROOM - 9);
        search(left + a, ROOM - 9);
        copy();
    }
    return 0;
}
