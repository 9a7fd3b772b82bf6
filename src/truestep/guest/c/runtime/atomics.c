/* What <stdatomic.h> compiles to where there are no atomic instructions. There is one hart and no
   interrupt, so plain loads and stores are atomic. */
#include <stdbool.h>
#include <stdint.h>

#define FETCH(operation, bits, bytes, expression) \
    uint##bits##_t __atomic_fetch_##operation##_##bytes(volatile void *at, uint##bits##_t value, \
                                                        int order) { \
        volatile uint##bits##_t *target = at; \
        uint##bits##_t before = *target; \
        (void)order; \
        *target = (uint##bits##_t)(expression); \
        return before; \
    }

#define ATOMICS(bits, bytes) \
    uint##bits##_t __atomic_load_##bytes(const volatile void *at, int order) { \
        (void)order; \
        return *(const volatile uint##bits##_t *)at; \
    } \
    void __atomic_store_##bytes(volatile void *at, uint##bits##_t value, int order) { \
        (void)order; \
        *(volatile uint##bits##_t *)at = value; \
    } \
    bool __atomic_compare_exchange_##bytes(volatile void *at, void *expected, uint##bits##_t wanted, \
                                           int success, int failure) { \
        volatile uint##bits##_t *target = at; \
        uint##bits##_t *seen = expected, before = *target; \
        (void)success, (void)failure; \
        if (before == *seen) { \
            *target = wanted; \
            return true; \
        } \
        *seen = before; \
        return false; \
    } \
    uint##bits##_t __atomic_exchange_##bytes(volatile void *at, uint##bits##_t value, int order) { \
        volatile uint##bits##_t *target = at; \
        uint##bits##_t before = *target; \
        (void)order; \
        *target = value; \
        return before; \
    } \
    FETCH(add, bits, bytes, before + value) \
    FETCH(sub, bits, bytes, before - value) \
    FETCH(and, bits, bytes, before & value) \
    FETCH(or, bits, bytes, before | value) \
    FETCH(xor, bits, bytes, before ^ value) \
    FETCH(nand, bits, bytes, ~(before & value))

ATOMICS(8, 1)
ATOMICS(16, 2)
ATOMICS(32, 4)
ATOMICS(64, 8)
