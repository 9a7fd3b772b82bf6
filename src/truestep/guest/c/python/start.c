/* A Python guest's main: run the compiled function, tell what it raised. */
#include <string.h>

#include "runtime.h"

/* Numba's layout of an exception, with our own contents. */
typedef struct {
    const char *text;
    int32_t size;
    const char *kinds; /* ";ValueError;Exception;…", the class and those above it */
    void *unused;
    int32_t message_start;
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

/* Ends the run in a branch that could not be compiled: no exception, which the guest might catch. */
void truestep_refuse(const char *reason) {
    debug_write(reason, strlen(reason));
    debug_write("\n", 1);
    exit(TRUESTEP_EXIT_EXCEPTION);
}

enum { KEPT = 8 };

/* Exceptions whose texts were composed. One that is caught is needed until its handler ends, and in that time few
   others are raised: so the last ones are kept.                                                                */
static exception_text composed[KEPT];
static int next;

void truestep_begin_exception(void) { truestep_begin_line(); }

const void *truestep_exception(const char *kinds, int32_t message_start) {
    size_t size;
    exception_text *raised = &composed[next++ % KEPT];
    free((char *)raised->text);
    *raised = (exception_text){truestep_take_text(&size), 0, kinds, NULL, message_start};
    raised->size = (int32_t)size;
    return raised;
}

/* What `finally` keeps while its statements run, in which any number of exceptions may be raised and caught. It is a
   copy of its own, which stays until the guest ends. Texts that are constants need none.                        */
const void *truestep_keep_exception(const exception_text *raised) {
    if (raised < composed || raised >= composed + KEPT) return raised;
    exception_text *kept = truestep_allocate(sizeof *kept);
    char *text = truestep_allocate((size_t)raised->size + 1);
    memcpy(text, raised->text, (size_t)raised->size);
    text[raised->size] = 0;
    *kept = *raised;
    kept->text = text;
    return kept;
}

/* The exception with the caller's line before it, if it was raised by code that is not the user's: then its text
   begins with its class.                                                                                       */
const void *truestep_at_place(const exception_text *raised, const char *place, int64_t status) {
    if ((int32_t)status != RAISED_TEXT || !raised || !raised->kinds) return raised;
    const char *end = raised->kinds + 1;
    while (*end != ';') end++;
    const char *name = end;
    while (name > raised->kinds + 1 && name[-1] != '.') name--;
    if (strncmp(raised->text, name, (size_t)(end - name)) != 0) return raised;
    truestep_begin_exception();
    truestep_put(place, strlen(place));
    truestep_put(raised->text, (size_t)raised->size);
    return truestep_exception(raised->kinds, raised->message_start + (int32_t)strlen(place));
}

int64_t truestep_is_of_kind(const exception_text *caught, const char *name) {
    return caught && caught->kinds && strstr(caught->kinds, name) != NULL;
}

void truestep_put_message(const exception_text *caught) {
    if (caught) truestep_put(caught->text + caught->message_start, (size_t)(caught->size - caught->message_start));
}

const char *truestep_kinds_of(const exception_text *caught) { return caught && caught->kinds ? caught->kinds : ";;"; }

/* Whether the first of the classes is this one. */
int64_t truestep_is_kind(const char *kinds, const char *name) { return strncmp(kinds, name, strlen(name)) == 0; }

int64_t truestep_is_below(const char *kinds, const char *name) { return strstr(kinds, name) != NULL; }

/* The name of the first of the classes, without its module. */
void truestep_put_name(const char *kinds) {
    const char *end = kinds + 1, *name;
    while (*end && *end != ';') end++;
    for (name = end; name > kinds + 1 && name[-1] != '.';) name--;
    truestep_put(name, (size_t)(end - name));
}
