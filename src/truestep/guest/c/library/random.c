/* rand, random and the 48-bit generators, with the numbers of Linux: a seed gives what it gives in a native run.

   rand and random are an additive feedback generator, x(i) = x(i-3) + x(i-31) modulo 2^32, of which the high 31 bits
   are used. It starts with 31 numbers of x(i) = 16807 x(i-1) modulo 2^31 - 1, and its first 310 results are dropped
   (P. Selinger, "The GLIBC random number generator", 2007). The 48-bit generators are POSIX's.                     */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEGREE = 31, SEPARATION = 3, DROPPED = 310 };

static uint32_t terms[DEGREE];
static unsigned oldest; /* the place of x(i-31), where x(i) goes */
static int is_seeded;

static uint32_t next_term(void) {
    uint32_t term = terms[oldest] += terms[(oldest + DEGREE - SEPARATION) % DEGREE];
    oldest = (oldest + 1) % DEGREE;
    return term;
}

void srandom(unsigned seed) {
    int64_t term = (int32_t)(seed ? seed : 1);
    for (int i = 0; i < DEGREE; i++) {
        terms[i] = (uint32_t)term;
        term = 16807 * term % INT32_MAX;
        if (term < 0) term += INT32_MAX;
    }
    oldest = SEPARATION; /* the first three are used twice */
    for (int i = 0; i < DROPPED; i++) next_term();
    is_seeded = 1;
}

long random(void) {
    if (!is_seeded) srandom(1);
    return next_term() >> 1;
}

void srand(unsigned seed) { srandom(seed); }
int rand(void) { return (int)random(); }

/* Three steps of a linear congruential generator: 11, 10 and 10 bits from the middle of each. */
int rand_r(unsigned *seed) {
    unsigned result = 0;
    for (int step = 0; step < 3; step++) {
        *seed = *seed * 1103515245u + 12345u;
        result = result << 10 ^ (*seed >> 16) % (step ? 1024 : 2048);
    }
    return (int)result;
}

enum { MULTIPLIER, ADDEND = 3 };

static const unsigned short standard[4] = {0xE66D, 0xDEEC, 0x5, 0xB};
static unsigned short factors[4] = {0xE66D, 0xDEEC, 0x5, 0xB}, current[3];

static uint64_t joined(const unsigned short parts[3]) {
    return parts[0] | (uint64_t)parts[1] << 16 | (uint64_t)parts[2] << 32;
}

/* The next 48 bits: X = a X + c modulo 2^48. */
static uint64_t advance(unsigned short x[3]) {
    uint64_t next = joined(factors + MULTIPLIER) * joined(x) + factors[ADDEND];
    for (int i = 0; i < 3; i++) x[i] = (unsigned short)(next >> 16 * i);
    return next & (((uint64_t)1 << 48) - 1);
}

double erand48(unsigned short x[3]) { return (double)advance(x) * 0x1p-48; }
long nrand48(unsigned short x[3]) { return (long)(advance(x) >> 17); }
long jrand48(unsigned short x[3]) { return (int32_t)(advance(x) >> 16); }
double drand48(void) { return erand48(current); }
long lrand48(void) { return nrand48(current); }
long mrand48(void) { return jrand48(current); }

void lcong48(unsigned short parameters[7]) {
    memcpy(current, parameters, sizeof current);
    memcpy(factors, parameters + 3, sizeof factors);
}

unsigned short *seed48(unsigned short *seed) {
    static unsigned short before[3];
    memcpy(before, current, sizeof before);
    memcpy(current, seed, sizeof current);
    memcpy(factors, standard, sizeof factors);
    return before;
}

void srand48(long seed) { seed48((unsigned short[3]){0x330E, (unsigned short)seed, (unsigned short)(seed >> 16)}); }
