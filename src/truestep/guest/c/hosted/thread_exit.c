/* The destructors of C++ objects of the thread, which the compiler registers as it constructs them (Itanium C++ ABI). */
#include <stdlib.h>

struct registered {
    void (*destroy)(void *);
    void *object;
    struct registered *before;
};

static struct registered *latest;

int __cxa_thread_atexit(void (*destroy)(void *), void *object, void *library) {
    (void)library;
    struct registered *added = malloc(sizeof *added);
    if (!added) return -1;
    *added = (struct registered){destroy, object, latest};
    latest = added;
    return 0;
}

void __truestep_end_thread(void) {
    /* A destructor may use, and so construct, another object. */
    for (struct registered *each; (each = latest);) {
        latest = each->before;
        each->destroy(each->object);
        free(each);
    }
}
