/* Copies the input to the output in pieces of 1, 2, 3 … bytes. */
#include <truestep.h>

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    for (size_t at = 0, piece = 1; at < size; at += piece, piece++) {
        if (piece > size - at) piece = size - at;
        write_output(input + at, piece);
    }
    return 0;
}
