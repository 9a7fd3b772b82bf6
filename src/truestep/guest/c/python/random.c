/* np.random and random: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998). A generator that the
   program does not seed is seeded with the job's seed and the shard's number: the same in every run of a shard,
   another one in each.                                                                                        */
#include <math.h>

#include "random.h"
#include "runtime.h"

enum { MIDDLE = 397 };

static uint32_t twist(uint32_t high, uint32_t low) {
    uint32_t word = (high & 0x80000000u) | (low & 0x7FFFFFFFu);
    return (word >> 1) ^ (-(low & 1) & 0x9908B0DFu);
}

void numba_rnd_shuffle(generator *g) {
    uint32_t *words = g->words;
    int i = 0;
    for (; i < WORDS - MIDDLE; i++) words[i] = words[i + MIDDLE] ^ twist(words[i], words[i + 1]);
    for (; i < WORDS - 1; i++) words[i] = words[i + MIDDLE - WORDS] ^ twist(words[i], words[i + 1]);
    words[i] = words[MIDDLE - 1] ^ twist(words[i], words[0]);
}

static void reset(generator *g) {
    g->position = WORDS;
    g->has_spare_normal = 0;
    g->spare_normal = 0;
    g->is_seeded = 1;
}

void numba_rnd_init(generator *g, uint64_t seed_word) {
    uint32_t word = (uint32_t)seed_word;
    for (uint32_t i = 0; i < WORDS; i++) {
        g->words[i] = word;
        word = 1812433253u * (word ^ (word >> 30)) + i + 1;
    }
    reset(g);
}

void truestep_seed_with(generator *g, const uint32_t *key, uint32_t key_size) {
    numba_rnd_init(g, 19650218);
    uint32_t *words = g->words, i = 1;
    for (uint32_t step = 0, j = 0; step < WORDS; step++, j = (j + 1) % key_size) {
        words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30)) * 1664525u)) + key[j] + j;
        if (++i == WORDS) words[0] = words[WORDS - 1], i = 1;
    }
    for (int step = 1; step < WORDS; step++) {
        words[i] = (words[i] ^ ((words[i - 1] ^ (words[i - 1] >> 30)) * 1566083941u)) - i;
        if (++i == WORDS) words[0] = words[WORDS - 1], i = 1;
    }
    words[0] = 0x80000000u;
}

/* random's, np.random's and Numba's own. Compiled code reads is_seeded itself. */
generator truestep_random_generators[3];
_Static_assert(sizeof(generator) == 2520 && offsetof(generator, is_seeded) == 2512, "known to compiled code");

/* The job's seed and the shard's number as words. */
void truestep_job_key(uint32_t *key) {
    enum { SEED_WORDS = 8 };
    const uint8_t *seed = job_seed();
    for (int i = 0; i < SEED_WORDS; i++)
        key[i] = (uint32_t)seed[4 * i] | (uint32_t)seed[4 * i + 1] << 8 | (uint32_t)seed[4 * i + 2] << 16 |
                 (uint32_t)seed[4 * i + 3] << 24;
    key[SEED_WORDS] = (uint32_t)shard_index();
    key[SEED_WORDS + 1] = (uint32_t)(shard_index() >> 32);
}

static void seed_generator(int64_t index) {
    uint32_t key[JOB_KEY_WORDS + 1];
    truestep_job_key(key);
    key[JOB_KEY_WORDS] = (uint32_t)index;
    truestep_seed_with(&truestep_random_generators[index], key, JOB_KEY_WORDS + 1);
}

/* Called on first use. Those that a module seeded when it was imported are started by compiled code instead. */
__attribute__((weak)) void truestep_start_generator_0(void) { seed_generator(0); }
__attribute__((weak)) void truestep_start_generator_1(void) { seed_generator(1); }
__attribute__((weak)) void truestep_start_generator_2(void) { seed_generator(2); }

/* Python's random.seed(n): the 32-bit digits of n's magnitude. */
void truestep_seed_python_random(uint64_t magnitude) {
    uint32_t key[2] = {(uint32_t)magnitude, (uint32_t)(magnitude >> 32)};
    truestep_seed_with(&truestep_random_generators[0], key, key[1] ? 2 : 1);
}

static uint32_t next_word(generator *g) {
    if (g->position == WORDS) {
        numba_rnd_shuffle(g);
        g->position = 0;
    }
    uint32_t word = g->words[g->position++];
    word ^= word >> 11;
    word ^= (word << 7) & 0x9D2C5680u;
    word ^= (word << 15) & 0xEFC60000u;
    return word ^ (word >> 18);
}

static double next_unit(generator *g) {
    uint32_t high = next_word(g) >> 5, low = next_word(g) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
}

/* Python's random.gauss(0, 1): pairs by Box and Muller (1958), the sine kept for the next call. */
double truestep_python_gauss(void) {
    generator *g = &truestep_random_generators[0];
    if (!g->is_seeded) truestep_start_generator_0();
    if (g->has_spare_normal) {
        g->has_spare_normal = 0;
        return g->spare_normal;
    }
    double angle = next_unit(g) * (2 * M_PI), radius = sqrt(-2 * log(1 - next_unit(g)));
    g->spare_normal = sin(angle) * radius;
    g->has_spare_normal = 1;
    return cos(angle) * radius;
}
