/* Sums the input's doubles with the compiler's soft floats. */
#include <string.h>
#include <truestep.h>

int main(void) {
    const uint8_t *input;
    size_t size;
    double sum = 0;
    read_input(&input, &size);
    for (size_t i = 0; i < size; i += sizeof sum) {
        double value;
        memcpy(&value, input + i, sizeof value);
        sum += value;
    }
    write_output((const uint8_t *)&sum, sizeof sum);
    return 0;
}
