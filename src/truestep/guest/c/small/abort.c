/* abort for programs without signal handlers. */
#include <stdlib.h>
#include <truestep.h>

void abort(void) {
    debug_print("abort");
    _Exit(TRUESTEP_EXIT_ABORT);
}
