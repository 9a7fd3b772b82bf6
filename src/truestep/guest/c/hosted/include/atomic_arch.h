/* One hart and no interrupts: plain loads and stores are atomic. */
#define a_barrier a_barrier
static inline void a_barrier(void) { __asm__ volatile("" : : : "memory"); }

#define a_cas a_cas
static inline int a_cas(volatile int *at, int expected, int wanted) {
    int before = *at;
    if (before == expected) *at = wanted;
    return before;
}

#define a_cas_p a_cas_p
static inline void *a_cas_p(volatile void *at, void *expected, void *wanted) {
    void *volatile *place = (void *volatile *)at, *before = *place;
    if (before == expected) *place = wanted;
    return before;
}
