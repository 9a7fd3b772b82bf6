/* A guest of another toolchain: GCC with picolibc, its own start-up code and linker script (`make picolibc`). */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_SIZE (*(const volatile uint64_t *)0x80000020UL)
#define INPUT ((const char *)0xA0000000UL)
#define OUTPUT_SIZE (*(volatile uint64_t *)0xC0000000UL)
#define OUTPUT ((char *)0xE0000000UL)

enum { CALL_WRITE = 64, CALL_EXIT = 93, DEBUG_STREAM = 2 };

static long factors[] = {2, 3, 5};
static _Thread_local int seen = 7;

static void environment_call(long number, long first, long second, long third) {
    register long a0 __asm__("a0") = first;
    register long a1 __asm__("a1") = second;
    register long a2 __asm__("a2") = third;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
}

void _exit(int code) {
    environment_call(CALL_EXIT, code, 0, 0);
    __builtin_unreachable();
}

static int write_debug(char character, FILE *stream) {
    (void)stream;
    environment_call(CALL_WRITE, DEBUG_STREAM, (long)&character, 1);
    return character;
}

static FILE debug_stream = FDEV_SETUP_STREAM(write_debug, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdin = &debug_stream;
FILE *const stdout = &debug_stream;
FILE *const stderr = &debug_stream;

int main(void) {
    size_t size = INPUT_SIZE;
    char *copy = malloc(size + 1);
    if (!copy) return 1;
    memcpy(copy, INPUT, size);
    copy[size] = 0;
    long number = strtol(copy, NULL, 10), product = seen;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) product *= factors[i];
    printf("read %ld\n", number);
    OUTPUT_SIZE = sprintf(OUTPUT, "%ld %d", number * product, (int)(1e6 * sqrt((double)number)));
    return 0;
}
