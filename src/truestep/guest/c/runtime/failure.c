/* What a failed assert() calls. It does not call exit, which a program may define itself. */
#include <assert.h>
#include <truestep.h>

#include "format.h"

void __assert_fail(const char *expression, const char *file, int line, const char *function) {
    (void)function;
    __truestep_say("%s:%d: assertion failed: %s\n", file, line, expression);
    _Exit(TRUESTEP_EXIT_ASSERT);
}
