/* Recurses for ever, each frame writing to the stack. */
#include <truestep.h>

static volatile unsigned depth;

__attribute__((noinline)) static int recurse(volatile int *above) {
    volatile int frame[256] = {above[0] + 1};
    depth++;
    return recurse(frame) + frame[0];
}

int main(void) {
    volatile int start = 0;
    return recurse(&start);
}
