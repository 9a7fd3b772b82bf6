/* Main without a return statement is main that returns 0. */
#include <truestep.h>

static int constructed;

__attribute__((constructor)) static void construct(void) { constructed = 1; }

int main(void) {
    if (!constructed) abort();
}
