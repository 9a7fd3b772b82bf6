/* Prints a number with a format that the build cannot see, as the first input byte says. */
#include <stdio.h>
#include <truestep.h>

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    char format[] = {'%', (char)input[0], 0}, text[20];
    snprintf(text, sizeof text, format, 7);
    debug_print(text);
    return 0;
}
