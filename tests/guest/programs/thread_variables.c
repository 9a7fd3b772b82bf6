/* Writes thread-local and other variables, changes them, and writes them again. */
#include <truestep.h>

static _Thread_local volatile int zeroed;
#ifdef ALSO_SET
static _Thread_local volatile int set = 3;
#else
#define set zeroed
#endif
#ifdef ALSO_ALIGNED
static _Alignas(64) _Thread_local volatile int aligned;
#else
#define aligned zeroed
#endif
static volatile int plain = 7;
static volatile int plain_zeroed;

static void write_all(void) {
    int seen[] = {zeroed, set, aligned, plain, plain_zeroed};
    write_output((const uint8_t *)seen, sizeof seen);
}

int main(void) {
    write_all();
    plain = plain_zeroed = -1;
    write_all();
    zeroed = 1;
    set = 2;
    aligned = 4;
    write_all();
    return 0;
}
