/* Defines functions that the runtime has too, and uses what stands beside them there. */
#include <assert.h>
#include <stdlib.h>
#include <truestep.h>

static int calls;

int printf(const char *format, ...) { return (void)format, ++calls; }
int puts(const char *text) { return (void)text, ++calls; }
void exit(int code) { _Exit(code + calls); }
void free(void *block) { (void)block, calls++; }

int main(void) {
    int *volatile numbers = malloc(8 * sizeof(int));
    assert(numbers);
    numbers = realloc(numbers, 1 << 20);
    assert(numbers);
    free(numbers);
    const char *volatile text = "%d\n";
    printf(text, 1);
    puts(text);
    debug_printf("%d calls", calls);
    return 40;
}
