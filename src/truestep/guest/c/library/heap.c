/* malloc: good fit from segregated lists of free blocks, neighbours merged at once.

   The heap is a row of blocks without gaps, from __heap_start to `top`; above `top` nothing was ever
   used or everything was given back. A block, sizes in bytes, multiples of 16, header included:

     0                8               16
     ┌────────────────┬───────────────┬─────────────────────────────
     │ size of block  │ own size      │ free: next, previous in list
     │ before (or 0)  │ + 1 if in use │ in use: the caller's bytes
     └────────────────┴───────────────┴─────────────────────────────

   A small block that is freed is set aside first, in a list of its size: most programs soon want one like it. For
   its neighbours it is in use. Before the heap grows, what is set aside is released.                           */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

#include "../runtime/format.h"
#include "errors.h"

typedef struct block block;
struct block {
    size_t size_before;
    size_t size_and_use;
    block *next, *previous; /* only while free */
};

enum { HEADER = 16, SMALLEST = sizeof(block), USED = 1, ASIDE = 2, FLAGS = USED | ASIDE };
/* 4 lists for each doubling from 32 bytes to 2 GiB: a good fit wastes at most a quarter. */
enum { LISTS = 4 * 27, LIST_WORDS = (LISTS + 63) / 64 };
enum { ASIDE_LIMIT = 1024 }; /* the size of a block from which on it is released at once */

extern uint8_t __heap_start[], __heap_end[];

static block *free_lists[LISTS];
static uint64_t occupied[LIST_WORDS]; /* bit i: list i holds a block */
static block *aside[ASIDE_LIMIT / 16]; /* lists of blocks of one size, through `next` */
static int has_aside;
static uint8_t *top;
static size_t size_below_top; /* of the last block, 0 if there is none */

static size_t size_of(const block *b) { return b->size_and_use & ~(size_t)FLAGS; }
static int is_used(const block *b) { return b->size_and_use & USED; }
static void *payload(block *b) { return (uint8_t *)b + HEADER; }
static block *block_of(void *p) { return (block *)((uint8_t *)p - HEADER); }
static block *after(const block *b) { return (block *)((uint8_t *)b + size_of(b)); }

static unsigned floor_log2(size_t size) { return 63 - (unsigned)__builtin_clzll(size); }

/* The list whose blocks have sizes like this one. */
static unsigned list_of(size_t size) {
    unsigned log2 = floor_log2(size);
    return 4 * (log2 - 5) + (size >> (log2 - 2) & 3);
}

/* The first list all of whose blocks are at least this large. */
static unsigned list_for(size_t size) { return list_of(size + ((size_t)1 << (floor_log2(size) - 2)) - 1); }

static void unlink(block *b) {
    unsigned list = list_of(size_of(b));
    if (b->next) b->next->previous = b->previous;
    if (b->previous) {
        b->previous->next = b->next;
    } else {
        free_lists[list] = b->next;
        if (!b->next) occupied[list / 64] &= ~((uint64_t)1 << list % 64);
    }
}

static void link(block *b) {
    unsigned list = list_of(size_of(b));
    b->previous = NULL;
    b->next = free_lists[list];
    if (b->next) b->next->previous = b;
    free_lists[list] = b;
    occupied[list / 64] |= (uint64_t)1 << list % 64;
}

static void set_size(block *b, size_t size, size_t use) {
    b->size_and_use = size | use;
    if ((uint8_t *)b + size == top) {
        size_below_top = size;
    } else {
        after(b)->size_before = size;
    }
}

/* Makes a free block of b, merged with free neighbours and with the unused heap above. */
static void release(block *b) {
    size_t size = size_of(b);
    b->size_and_use = size; /* also if it is merged: freeing it again is then noticed */
    if ((uint8_t *)b + size != top && !is_used(after(b))) {
        unlink(after(b));
        size += size_of(after(b));
    }
    if (b->size_before) {
        block *before = (block *)((uint8_t *)b - b->size_before);
        if (!is_used(before)) {
            unlink(before);
            size += size_of(before);
            b = before;
        }
    }
    if ((uint8_t *)b + size == top) {
        b->size_and_use = size;
        top = (uint8_t *)b;
        size_below_top = b->size_before;
        return;
    }
    set_size(b, size, 0);
    link(b);
}

/* Shortens a used block to `size` if the rest can be a block. */
static void split(block *b, size_t size) {
    size_t rest = size_of(b) - size;
    if (rest < SMALLEST) return;
    block *second = (block *)((uint8_t *)b + size);
    set_size(second, rest, USED);
    set_size(b, size, USED);
    release(second);
}

static block *take_listed(size_t size) {
    unsigned list = list_for(size);
    for (unsigned word = list / 64; word < LIST_WORDS; word++) {
        uint64_t candidates = occupied[word];
        if (word == list / 64) candidates &= ~(uint64_t)0 << list % 64;
        if (candidates) return free_lists[64 * word + (unsigned)__builtin_ctzll(candidates)];
    }
    return NULL;
}

/* The list below list_for may hold a block that fits too: looked through only when nothing else is left. */
static block *search_listed(size_t size) {
    block *b = free_lists[list_of(size)];
    while (b && size_of(b) < size) b = b->next;
    return b;
}

static block *take_top(size_t size) {
    if (!top) top = __heap_start;
    if (size > (size_t)(__heap_end - top)) return NULL;
    block *b = (block *)top;
    b->size_before = size_below_top;
    top += size;
    set_size(b, size, USED);
    return b;
}

/* The block size for a request, or 0 if no heap could hold it. */
static size_t block_size(size_t request) {
    if (request > (size_t)(__heap_end - __heap_start)) return 0;
    size_t size = (request + HEADER + 15) & ~(size_t)15;
    return size < SMALLEST ? SMALLEST : size;
}

/* Releases what was set aside. Returns whether there was anything. */
static int release_aside(void) {
    if (!has_aside) return 0;
    has_aside = 0;
    for (size_t i = 0; i < ASIDE_LIMIT / 16; i++) {
        while (aside[i]) {
            block *b = aside[i];
            aside[i] = b->next;
            release(b);
        }
    }
    return 1;
}

static void *out_of_memory(void) {
    SET_ERRNO(ENOMEM);
    return NULL;
}

void *malloc(size_t request) {
    size_t size = block_size(request);
    if (!size) return out_of_memory();
    if (size < ASIDE_LIMIT && aside[size / 16]) {
        block *b = aside[size / 16];
        aside[size / 16] = b->next;
        b->size_and_use = size | USED;
        return payload(b);
    }
    block *b = take_listed(size);
    if (!b && release_aside()) b = take_listed(size);
    if (!b) {
        block *fresh = take_top(size);
        if (fresh) return payload(fresh);
        b = search_listed(size);
        if (!b) return out_of_memory();
    }
    unlink(b);
    set_size(b, size_of(b), USED);
    split(b, size);
    return payload(b);
}

static block *checked(void *p, const char *caller) {
    block *b = block_of(p);
    int inside = (uint8_t *)p >= __heap_start + HEADER && (uint8_t *)p < top && (uintptr_t)p % 16 == 0;
    if (!inside || (b->size_and_use & FLAGS) != USED) {
        __truestep_say("%s(%p): not a block in use\n", caller, p);
        abort();
    }
    return b;
}

void free(void *p) {
    if (!p) return;
    block *b = checked(p, "free");
    size_t size = size_of(b);
    if (size >= ASIDE_LIMIT) {
        release(b);
        return;
    }
    b->size_and_use = size | FLAGS;
    b->next = aside[size / 16];
    aside[size / 16] = b;
    has_aside = 1;
}

void *calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) return out_of_memory();
    void *p = malloc(total);
    return p ? memset(p, 0, total) : NULL;
}

/* Tries to make b at least `size` bytes where it stands. */
static int grow_in_place(block *b, size_t size) {
    block *next = after(b);
    if ((uint8_t *)next == top) {
        if (size > (size_t)(__heap_end - (uint8_t *)b)) return 0;
        top = (uint8_t *)b + size;
        set_size(b, size, USED);
        return 1;
    }
    if (is_used(next) || size_of(b) + size_of(next) < size) return 0;
    unlink(next);
    set_size(b, size_of(b) + size_of(next), USED);
    split(b, size);
    return 1;
}

void *realloc(void *p, size_t request) {
    if (!p) return malloc(request);
    block *b = checked(p, "realloc");
    size_t size = block_size(request);
    if (!size) return out_of_memory();
    if (size <= size_of(b)) {
        split(b, size);
        return p;
    }
    if (grow_in_place(b, size)) return p;
    void *moved = malloc(request);
    if (!moved) return NULL;
    memcpy(moved, p, size_of(b) - HEADER);
    release(b);
    return moved;
}

void *aligned_alloc(size_t alignment, size_t request) {
    if (!alignment || alignment & (alignment - 1)) {
        SET_ERRNO(EINVAL);
        return NULL;
    }
    if (alignment <= 16) return malloc(request);
    size_t size = block_size(request), room;
    if (!size || __builtin_add_overflow(size, alignment + SMALLEST, &room)) return out_of_memory();
    uint8_t *p = malloc(room);
    if (!p) return NULL;
    block *b = block_of(p);
    size_t skip = -(uintptr_t)p & (alignment - 1);
    if (skip) {
        if (skip < SMALLEST) skip += alignment;
        block *aligned = (block *)((uint8_t *)b + skip);
        set_size(aligned, size_of(b) - skip, USED);
        set_size(b, skip, USED);
        release(b);
        b = aligned;
    }
    split(b, size);
    return payload(b);
}

void *memalign(size_t alignment, size_t size) { return aligned_alloc(alignment, size); }

void *valloc(size_t size) { return aligned_alloc(4096, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    if (alignment < sizeof(void *) || alignment & (alignment - 1)) return EINVAL;
    void *p = aligned_alloc(alignment, size);
    if (!p) return ENOMEM;
    *result = p;
    return 0;
}

void *reallocarray(void *p, size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) return out_of_memory();
    return realloc(p, total);
}

size_t malloc_usable_size(void *p) { return p ? size_of(block_of(p)) - HEADER : 0; }
