/* musl finds its thread here. There is one, and tp points to the thread-local variables alone. */
extern struct __pthread __truestep_thread;
static inline uintptr_t __get_tp(void) { return (uintptr_t)&__truestep_thread; }
