/* Numba's runtime: memory with a reference count, freed through a destructor. One thread, so no atomics. */
#include <string.h>

#include "runtime.h"

typedef void destructor(void *memory, size_t size, void *information);

/* Numba's compiled code knows this layout. */
typedef struct {
    size_t references;
    destructor *destroy;
    void *information;
    void *memory;
    size_t size;
    void *allocator; /* unused: there is one */
} counted;

enum { ALIGNMENT = 16 };

void *truestep_allocate(size_t size) {
    void *memory = malloc(size);
    if (!memory) {
        debug_printf("out of memory: no block of %lu bytes is left of the guest's 1.5 GiB\n", size);
        exit(TRUESTEP_EXIT_OUT_OF_MEMORY);
    }
    return memory;
}

void *NRT_Allocate(size_t size) { return truestep_allocate(size); }
void *NRT_Allocate_External(size_t size, void *allocator) { return (void)allocator, truestep_allocate(size); }
void NRT_Free(void *memory) { free(memory); }

void *NRT_Reallocate(void *memory, size_t size) {
    void *moved = realloc(memory, size);
    if (!moved) truestep_allocate(SIZE_MAX);
    return moved;
}

void NRT_MemInfo_init(counted *object, void *memory, size_t size, destructor *destroy, void *information,
                      void *allocator) {
    *object = (counted){1, destroy, information, memory, size, allocator};
}

counted *NRT_MemInfo_new(void *memory, size_t size, destructor *destroy, void *information) {
    counted *object = truestep_allocate(sizeof *object);
    NRT_MemInfo_init(object, memory, size, destroy, information, NULL);
    return object;
}

/* Numba passes the alignment in 32 bits, whatever the register holds above them. */
counted *NRT_MemInfo_alloc_aligned(size_t size, uint64_t alignment_word) {
    size_t alignment = (uint32_t)alignment_word;
    if (alignment < ALIGNMENT) alignment = ALIGNMENT;
    size_t room = sizeof(counted) + alignment;
    counted *object = truestep_allocate(size > SIZE_MAX - room ? SIZE_MAX : size + room);
    uintptr_t first = (uintptr_t)object + sizeof(counted) + alignment - 1;
    NRT_MemInfo_init(object, (void *)(first - first % alignment), size, NULL, NULL, NULL);
    return object;
}

counted *NRT_MemInfo_alloc(size_t size) { return NRT_MemInfo_alloc_aligned(size, ALIGNMENT); }
counted *NRT_MemInfo_alloc_safe(size_t size) { return NRT_MemInfo_alloc(size); }

counted *NRT_MemInfo_alloc_safe_aligned(size_t size, uint64_t alignment_word) {
    return NRT_MemInfo_alloc_aligned(size, alignment_word);
}

static void call_own_destructor(void *memory, size_t size, void *information) {
    destructor *destroy = (destructor *)information;
    if (destroy) destroy(memory, size, NULL);
}

counted *NRT_MemInfo_alloc_dtor(size_t size, destructor *destroy) {
    counted *object = NRT_MemInfo_alloc(size);
    object->destroy = call_own_destructor;
    object->information = (void *)destroy;
    return object;
}

counted *NRT_MemInfo_alloc_dtor_safe(size_t size, destructor *destroy) {
    return NRT_MemInfo_alloc_dtor(size, destroy);
}

/* Memory that can move while the object that counts its references stays. */
static void free_variable(void *memory, size_t size, void *information) {
    (void)size;
    if (information) ((void (*)(void *))information)(memory);
    free(memory);
}

counted *NRT_MemInfo_new_varsize(size_t size) {
    return NRT_MemInfo_new(truestep_allocate(size), size, free_variable, NULL);
}

counted *NRT_MemInfo_new_varsize_dtor(size_t size, destructor *destroy) {
    return NRT_MemInfo_new(truestep_allocate(size), size, free_variable, (void *)destroy);
}

void *NRT_MemInfo_varsize_alloc(counted *object, size_t size) {
    object->size = size;
    return object->memory = truestep_allocate(size);
}

void *NRT_MemInfo_varsize_realloc(counted *object, size_t size) {
    object->size = size;
    return object->memory = NRT_Reallocate(object->memory, size);
}

void NRT_MemInfo_varsize_free(counted *object, void *memory) {
    free(memory);
    if (memory == object->memory) object->memory = NULL;
}

void NRT_MemInfo_call_dtor(counted *object) {
    if (object->destroy) object->destroy(object->memory, object->size, object->information);
    free(object);
}

void *NRT_MemInfo_data_fast(counted *object) { return object->memory; }
void *NRT_MemInfo_data(counted *object) { return object->memory; }
size_t NRT_MemInfo_size(counted *object) { return object->size; }
size_t NRT_MemInfo_refcount(counted *object) { return object ? object->references : (size_t)-1; }

void NRT_incref(counted *object) {
    if (object) object->references++;
}

void NRT_decref(counted *object) {
    if (object && --object->references == 0) NRT_MemInfo_call_dtor(object);
}
