/* What a truestep guest can see of the world: its input, its place among the shards, a seed. What it
   can say: its output, and debugging text that no result depends on.

   A guest is an ordinary C program with `int main(void)`. It succeeds if main returns 0 (or calls
   exit(0)); any other exit code, and any trap, makes the run a failed one whose output is not used.

   float and double are the machine's own (docs/machine.md, M8): they run at about the speed of the computer's
   and give the same bits everywhere, those of <math.h> included.                                            */
#ifndef TRUESTEP_H
#define TRUESTEP_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The runtime's own exit codes; a guest's own are better kept below 128. */
enum {
    TRUESTEP_EXIT_ABORT = 134,            /* abort(), a corrupt heap */
    TRUESTEP_EXIT_ASSERT = 135,           /* assert() failed */
    TRUESTEP_EXIT_OUTPUT_TOO_LARGE = 136, /* more than TRUESTEP_OUTPUT_LIMIT bytes written */
    TRUESTEP_EXIT_OUT_OF_MEMORY = 137,    /* a Python guest's heap is full */
    TRUESTEP_EXIT_EXCEPTION = 138,        /* a Python guest raised an exception */
    TRUESTEP_EXIT_INPUT = 139             /* a Python guest's input is not the .npy file that it declares */
};

/* The output's window in memory is this many bytes: 512 MiB (M3.3). */
#define TRUESTEP_OUTPUT_LIMIT ((size_t)512 << 20)

/* The whole input, in place and read-only: nothing is copied. */
void read_input(const uint8_t **buf, size_t *size);

/* Appends to the output. */
void write_output(const uint8_t *buf, size_t size);

/* The job's 32 random bytes, the same for all its shards. Mix in shard_index() for a stream of one's own. */
const uint8_t *job_seed(void);

/* This shard is number shard_index() of shard_count(), counted from 0. */
uint64_t shard_index(void);
uint64_t shard_count(void);

/* Text for whoever debugs a local run; costs one step, is not part of the result. */
void debug_write(const char *text, size_t size);
void debug_print(const char *text); /* the text and a newline */
int debug_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

#ifdef __cplusplus
}
#endif
#endif
