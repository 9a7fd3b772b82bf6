/* For each line of the input, `base text`, outputs strtoll's and strtoull's value and how far each read. */
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

static void put(uint64_t number) { write_output((const uint8_t *)&number, sizeof number); }

static void parse(char *line) {
    char *text, *end;
    int base = (int)strtol(line, &text, 10);
    text++;
    put((uint64_t)strtoll(text, &end, base));
    put((uint64_t)(end - text));
    put(strtoull(text, &end, base));
    put((uint64_t)(end - text));
}

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    char *text = calloc(1, size + 1), *line = text;
    memcpy(text, input, size);
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        parse(line);
    }
    int is_right = atoi("-12") == -12 && atol(" 7x") == 7 && atoll("") == 0;
    return is_right && abs(-3) == 3 && labs(-4) == 4 && llabs(5) == 5 ? 0 : 1;
}
