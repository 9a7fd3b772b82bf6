/* A Python guest's main: run the compiled function, tell what it raised. */
#include "runtime.h"

typedef struct {
    const char *text;
    int32_t size;
    void *unused_pointers[2];
    int32_t unused_flag;
} exception_text;

/* The compiled program (guest/python/compiler/program.py). */
int32_t truestep_guest(void **result, const exception_text **raised);

enum { RETURNED = 0, RETURNED_NONE = -2, RAISED_TEXT = 1, STOP_ITERATION = 2 };

int main(void) {
    void *nothing = NULL;
    const exception_text *raised = NULL;
    int32_t status = truestep_guest(&nothing, &raised);
    if (status == RETURNED || status == RETURNED_NONE) return 0;
    if (raised && raised->size > 0) {
        debug_write(raised->text, (size_t)raised->size);
        debug_write("\n", 1);
    } else {
        debug_printf("the guest raised an exception without a text (status %d)\n", status);
    }
    return TRUESTEP_EXIT_EXCEPTION;
}

static struct {
    const char *text;
    int32_t size;
    void *unused_pointers[2];
    int32_t unused_flag;
} last_exception;

void truestep_begin_exception(void) { truestep_begin_line(); }

const void *truestep_exception(void) {
    size_t size;
    last_exception.text = truestep_take_text(&size);
    last_exception.size = (int32_t)size;
    return &last_exception;
}
