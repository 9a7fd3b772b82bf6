/* The smallest useful guest: the input in capitals. */
#include <ctype.h>
#include <stdlib.h>
#include <truestep.h>

int main(void) {
    const uint8_t *text;
    size_t size;
    read_input(&text, &size);
    uint8_t *capitals = malloc(size);
    if (!capitals) return 1;
    for (size_t i = 0; i < size; i++) capitals[i] = (uint8_t)toupper(text[i]);
    write_output(capitals, size);
    return 0;
}
