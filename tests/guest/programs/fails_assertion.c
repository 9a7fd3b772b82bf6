/* Asserts that the input is empty, and says so if it is. */
#include <assert.h>
#include <truestep.h>

static_assert(sizeof(long) == 8, "RV64");

int main(void) {
    const uint8_t *input;
    size_t size;
    read_input(&input, &size);
    assert(size == 0);
    debug_print("no input");
    return 0;
}
