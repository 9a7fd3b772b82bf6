/* Returns the input, a signed 32-bit number, as main's value; exits with it if a fifth byte follows. */
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

int main(void) {
    const uint8_t *input;
    size_t size;
    int32_t code;
    read_input(&input, &size);
    memcpy(&code, input, sizeof code);
    if (size > sizeof code) exit(code);
    return code;
}
