/* For each line of the input, outputs what strtod and strtof make of it (8 bytes each) and how far they read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    char *text = calloc(1, size + 1), *line = text, *end;
    memcpy(text, input, size);
    for (char *stop; (stop = strchr(line, '\n')); line = stop + 1) {
        *stop = 0;
        struct {
            double value, single;
            int64_t length;
        } found = {strtod(line, &end), 0, 0};
        found.single = strtof(line, NULL);
        found.length = end - line;
        write_output((const uint8_t *)&found, sizeof found);
    }
    return 0;
}
