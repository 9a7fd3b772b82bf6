/* The guest's side of docs/machine.md: the windows of memory and the two environment calls. */
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

#define JOB_SEED ((const uint8_t *)0x80000000UL)                /* M3.5 */
#define INPUT_SIZE (*(const volatile uint64_t *)0x80000020UL)   /* M3.5 */
#define SHARD_INDEX (*(const volatile uint64_t *)0x80000028UL)  /* M3.5 */
#define SHARD_COUNT (*(const volatile uint64_t *)0x80000030UL)  /* M3.5 */
#define INPUT ((const uint8_t *)0xA0000000UL)                   /* M3.3 */
#define OUTPUT_SIZE (*(volatile uint64_t *)0xC0000000UL)        /* M3.6 */
#define OUTPUT ((uint8_t *)0xE0000000UL)                        /* M3.6 */

enum { CALL_WRITE = 64, CALL_EXIT = 93 }; /* M4.4 */
enum { DEBUG_STREAM = 2 };

static void environment_call(uint64_t number, uint64_t first, uint64_t second, uint64_t third) {
    register uint64_t a0 __asm__("a0") = first;
    register uint64_t a1 __asm__("a1") = second;
    register uint64_t a2 __asm__("a2") = third;
    register uint64_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
}

void _Exit(int code) {
    environment_call(CALL_EXIT, (uint32_t)code, 0, 0);
    __builtin_trap();
}

void read_input(const uint8_t **buf, size_t *size) {
    *buf = INPUT;
    *size = INPUT_SIZE;
}

void write_output(const uint8_t *buf, size_t size) {
    uint64_t written = OUTPUT_SIZE;
    if (written > TRUESTEP_OUTPUT_LIMIT || size > TRUESTEP_OUTPUT_LIMIT - written) {
        debug_print("write_output: the output would exceed 512 MiB");
        _Exit(TRUESTEP_EXIT_OUTPUT_TOO_LARGE);
    }
    memcpy(OUTPUT + written, buf, size);
    OUTPUT_SIZE = written + size;
}

const uint8_t *job_seed(void) { return JOB_SEED; }

uint64_t shard_index(void) { return SHARD_INDEX; }

uint64_t shard_count(void) { return SHARD_COUNT; }

void debug_write(const char *text, size_t size) {
    environment_call(CALL_WRITE, DEBUG_STREAM, (uint64_t)text, size);
}

void debug_print(const char *text) {
    debug_write(text, strlen(text));
    debug_write("\n", 1);
}
