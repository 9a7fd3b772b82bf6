/* Prints by every way there is, one line each. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <truestep.h>

int main(void) {
    char line[8];
    debug_print("plain");
    debug_write("written\nand more", 8);
    puts("put");
    putchar('c');
    putchar('\n');
    printf("%d %i %u %x %X %o %c %s %%\n", -5, 6, 7u, 0xBEEFu, 0xBEEFu, 8u, 'z', "text");
    printf("[%5d] [%-5d] [%05d] [%+d] [% d] [%.3d] [%8.3d] [%*d] [%-*d] [%0*d]\n",
           42, 42, -42, 42, 42, 7, 7, 4, 1, 4, 1, -5, 42);
    printf("[%10s] [%-10s] [%.2s] [%5.1s] [%3c]\n", "right", "left", "cut", "one", 'x');
    printf("%#x %#o %#x %hhd %hd %hu\n", 255u, 8u, 0u, 300, 70000, 70000);
    printf("%ld %lld %zu %" PRIu64 " %jx %td\n",
           LONG_MIN, LLONG_MAX, SIZE_MAX, UINT64_MAX, INTMAX_MAX, (ptrdiff_t)-1);
    printf("%p %s\n", (void *)0x1234, (char *)NULL);
    int length = snprintf(line, sizeof line, "%s", "longer than that");
    debug_printf("%d %s %d\n", length, line, snprintf(NULL, 0, "%d", 12345));
    for (int i = 0; i < 60; i++) printf("%d", i % 10);
    printf("%300d|\n", 1);
    return 0;
}
