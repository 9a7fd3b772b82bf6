/* What surrounds main in a program that uses the whole library. It stands alone, so that a program's own exit wins. */
#include <stdlib.h>

#include "libc.h"
#include "pthread_impl.h"

typedef void constructor(void);
extern constructor *const __init_array_start[], *const __init_array_end[];
extern char **__environ;
extern const int __truestep_argument_count __attribute__((__weak__));
extern char *__truestep_arguments[] __attribute__((__weak__)); /* chosen for the build (guest/driver) */
int main(int argument_count, char **arguments, char **environment);

void __truestep_start(void) {
    static char name[] = "guest", *arguments[] = {name, NULL}, *environment[] = {NULL};
    __environ = environment;
    for (constructor *const *each = __init_array_start; each < __init_array_end; each++) (*each)();
    if (&__truestep_argument_count) exit(main(__truestep_argument_count, __truestep_arguments, environment));
    exit(main(1, arguments, environment));
}
