/* Keeps code, constants and variables in sections of its own; fills the heap and looks at them again. */
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

enum { COUNT = 5000 };
__attribute__((section("own_code"), noinline)) static int increment(int x) { return x + 1; }
__attribute__((section("own_constants"))) const volatile int constants[COUNT] = {1, 2};
__attribute__((section("own variables"))) volatile int variables[COUNT] = {3};
__attribute__((section("own_zeroes"))) volatile int zeroes[COUNT];
#ifdef ALSO_USUAL
static volatile int usual[COUNT] = {9}, usual_zeroes[COUNT];
#endif

int main(void) {
    uint8_t *volatile block = malloc(1 << 20);
    memset(block, 0xFF, 1 << 20);
#ifdef ALSO_USUAL
    variables[1] = usual[0] - 9 + usual_zeroes[COUNT - 1];
#endif
    int seen[] = {increment(constants[1]), variables[0], variables[1], zeroes[0], zeroes[COUNT - 1]};
    write_output((const uint8_t *)seen, sizeof seen);
    return 0;
}
