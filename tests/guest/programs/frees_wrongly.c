/* Misuses the heap in the way that the first input byte names. */
#include <stdlib.h>
#include <truestep.h>

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    char *volatile first = malloc(100), *volatile second = malloc(100);
    void *volatile on_stack = &size;
    switch (input[0]) {
    case 'd': free(first); free(first); break;
    case 'm': free(second); free(first); free(second); break;
    case 'i': free(first + 1); break;
    case 's': free(on_stack); break;
    case 'r': free(first); first = realloc(first, 10); break;
    }
    return 0;
}
