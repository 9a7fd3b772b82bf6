/* Takes 64 MiB blocks until there are no more; outputs how many. Then shows that nothing is lost. */
#include <assert.h>
#include <stdlib.h>
#include <truestep.h>

enum { BLOCK = 64 << 20, MOST = 64 };

static void *blocks[MOST];

/* Not inlined: the compiler takes it for granted that a block which nobody looks into can be had. */
__attribute__((noinline)) static int is_refused(void *volatile block) { return block == NULL; }

static uint32_t take_all(void) {
    uint32_t count = 0;
    while (count < MOST && (blocks[count] = malloc(BLOCK))) count++;
    return count;
}

/* Takes ever smaller blocks until nothing is left; frees them. */
static void take_crumbs(void) {
    void *crumbs[64];
    int count = 0;
    for (size_t size = BLOCK; size >= 16; size /= 2)
        for (uint8_t *each; count < 64 && (each = malloc(size)); crumbs[count++] = each)
            assert((uintptr_t)each + size <= 0x7FFFF000);
    assert(is_refused(malloc(1)));
    while (count-- > 0) free(crumbs[count]);
}

int main(void) {
    volatile size_t odd = 24, huge = (size_t)1 << 63; /* volatile: or the compiler warns of them */
    assert(is_refused(malloc(SIZE_MAX)) && is_refused(malloc((size_t)3 << 29)));
    assert(is_refused(malloc(PTRDIFF_MAX)));
    assert(is_refused(calloc(SIZE_MAX / 2, 4)) && is_refused(aligned_alloc(odd, 1)));
    assert(is_refused(aligned_alloc(huge, 1)));
    uint32_t count = take_all();
    write_output((const uint8_t *)&count, sizeof count);
    assert(count < MOST && is_refused(realloc(blocks[0], 2 * (size_t)BLOCK)));
    take_crumbs();
    for (uint32_t i = 1; i < count; i += 2) free(blocks[i]);
    assert(is_refused(malloc(BLOCK + (BLOCK >> 1))));
    assert((blocks[1] = malloc(BLOCK)));
    free(blocks[1]);
    for (uint32_t i = 0; i < count; i += 2) free(blocks[i]);
    void *volatile whole = malloc((size_t)count * BLOCK);
    assert(whole == blocks[0]);
    free(whole);
    free(NULL);
    assert(take_all() == count);
    return 0;
}
