/* Takes, resizes and frees blocks at random (the seed is the job's), checking that no two overlap and
   that their contents stay; at the end the heap must be empty again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

enum { SLOTS = 64, ROUNDS = 1500 };

typedef struct {
    uint8_t *at;
    size_t size;
    uint8_t mark;
} slot;

static slot slots[SLOTS];
static uint64_t state;

static uint64_t draw(uint64_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % below;
}

static size_t draw_size(void) { return draw((uint64_t)1 << draw(12)); }

/* Only the ends of a block are marked: enough to see an overlap with a neighbour, and quick. */
static void check(const slot *s, size_t size) {
    for (size_t i = 0; i < size && i < 16; i++) assert(s->at[i] == s->mark && s->at[size - 1 - i] == s->mark);
}

static void mark(slot *s) {
    s->mark = (uint8_t)draw(256);
    for (size_t i = 0; i < s->size && i < 16; i++) s->at[i] = s->at[s->size - 1 - i] = s->mark;
}

static void resize(slot *s) {
    size_t size = draw_size();
    uint8_t *moved = realloc(s->at, size);
    assert(moved);
    s->at = moved;
    for (size_t i = 0; i < s->size && i < size && i < 16; i++) assert(moved[i] == s->mark);
    s->size = size;
    mark(s);
}

static void take(slot *s) {
    s->size = draw_size();
    size_t alignment = draw(4) ? 16 : (size_t)16 << draw(8);
    if (alignment > 16) {
        s->at = aligned_alloc(alignment, s->size);
    } else if (draw(2)) {
        s->at = calloc(1, s->size);
        for (size_t i = 0; i < s->size; i++) assert(s->at[i] == 0);
    } else {
        s->at = malloc(s->size);
    }
    assert(s->at && (uintptr_t)s->at % alignment == 0);
    mark(s);
}

int main(void) {
    memcpy(&state, job_seed(), sizeof state);
    void *volatile lowest = malloc(1); /* volatile: or the compiler drops a block that nobody uses */
    free(lowest);
    for (int round = 0; round < ROUNDS; round++) {
        slot *s = &slots[draw(SLOTS)];
        if (s->at) check(s, s->size);
        if (!s->at) {
            take(s);
        } else if (draw(3)) {
            free(s->at);
            s->at = NULL;
        } else {
            resize(s);
        }
    }
    for (int i = 0; i < SLOTS; i++) free(slots[i].at);
    assert(malloc((size_t)1 << 30) == lowest);
    return 0;
}
