/* The end of a program: first what has thread storage duration (C++, [basic.start.term]), then the rest. */
#include <stdlib.h>

typedef void destructor(void);
extern destructor *const __fini_array_start[] __attribute__((__weak__, __visibility__("hidden")));
extern destructor *const __fini_array_end[] __attribute__((__weak__, __visibility__("hidden")));
/* Each is in the program if the program registers or opens something. */
extern void __truestep_end_thread(void) __attribute__((__weak__));
extern void __funcs_on_exit(void) __attribute__((__weak__));
extern void __stdio_exit(void) __attribute__((__weak__));

_Noreturn void exit(int code) {
    if (__truestep_end_thread) __truestep_end_thread();
    if (__funcs_on_exit) __funcs_on_exit();
    for (destructor *const *each = __fini_array_end; each > __fini_array_start;) (*--each)();
    if (__stdio_exit) __stdio_exit();
    _Exit(code);
}
