/* The ways for a guest to give up. They do not call exit, which a program may define itself. */
#include <assert.h>
#include <truestep.h>

void abort(void) {
    debug_print("abort");
    _Exit(TRUESTEP_EXIT_ABORT);
}

void __truestep_assert_failed(const char *expression, const char *file, int line) {
    debug_printf("%s:%d: assertion failed: %s\n", file, line, expression);
    _Exit(TRUESTEP_EXIT_ASSERT);
}
