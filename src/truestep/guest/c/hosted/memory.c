/* mmap as an allocator: its memory comes from the heap. There are no rights to change. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "features.h"

enum { PAGE_SIZE_BYTES = 4096 };

/* A mapped file is a copy: what is written to it stays in memory. */
static int filled(void *memory, size_t size, int flags, int descriptor, off_t offset) {
    if (flags & MAP_ANONYMOUS) return 1;
    if (flags & MAP_SHARED) {
        errno = ENODEV;
        return 0;
    }
    return pread(descriptor, memory, size, offset) >= 0;
}

void *__mmap(void *wanted, size_t size, int rights, int flags, int descriptor, off_t offset) {
    (void)wanted, (void)rights;
    if (!size) {
        errno = EINVAL;
    } else if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) || size > PTRDIFF_MAX) {
        errno = ENOMEM;
    } else {
        void *memory = aligned_alloc(PAGE_SIZE_BYTES, size);
        if (memory && filled(memset(memory, 0, size), size, flags, descriptor, offset)) return memory;
        free(memory);
    }
    return MAP_FAILED;
}

/* A part of a mapping stays: the heap takes back whole ones only. */
int __munmap(void *memory, size_t size) {
    if (!size || (uintptr_t)memory % PAGE_SIZE_BYTES) {
        errno = EINVAL;
        return -1;
    }
    free(memory);
    return 0;
}

int __mprotect(void *memory, size_t size, int rights) { return (void)memory, (void)size, (void)rights, 0; }
int __madvise(void *memory, size_t size, int advice) { return (void)memory, (void)size, (void)advice, 0; }
int msync(void *memory, size_t size, int flags) { return (void)memory, (void)size, (void)flags, 0; }
int mlock(const void *memory, size_t size) { return (void)memory, (void)size, 0; }
int munlock(const void *memory, size_t size) { return (void)memory, (void)size, 0; }

weak_alias(__mmap, mmap);
weak_alias(__munmap, munmap);
weak_alias(__mprotect, mprotect);
weak_alias(__madvise, madvise);

void *__mremap(void *memory, size_t size, size_t wanted, int flags, ...) {
    if (wanted <= size) return memory;
    void *moved = flags & MREMAP_MAYMOVE ? __mmap(NULL, wanted, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    if (moved == MAP_FAILED) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    memcpy(moved, memory, size);
    free(memory);
    return moved;
}
weak_alias(__mremap, mremap);

/* The heap is malloc's alone. */
int brk(void *end) {
    (void)end;
    errno = ENOMEM;
    return -1;
}

void *sbrk(intptr_t size) {
    (void)size;
    errno = ENOMEM;
    return (void *)-1;
}
