/* What surrounds main. It stands alone, so that a program's own exit is the one that is called. */
#include <stddef.h>
#include <stdlib.h>

typedef void constructor(void);
extern constructor *const __init_array_start[], *const __init_array_end[];
int main(int argument_count, char **arguments);

void __truestep_start(void) {
    for (constructor *const *each = __init_array_start; each < __init_array_end; each++) (*each)();
    exit(main(0, NULL));
}
