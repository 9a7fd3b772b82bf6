/* The state of MT19937, and keys from the job's seed. */
#ifndef TRUESTEP_RANDOM_H
#define TRUESTEP_RANDOM_H

#include <stdint.h>

enum { WORDS = 624 };

/* Numba's compiled code knows this layout. */
typedef struct {
    int32_t position;
    uint32_t words[WORDS];
    int32_t has_spare_normal;
    double spare_normal;
    int32_t is_seeded;
} generator;

/* The last word of an unseeded generator's key: 0 to 2 are random's, np.random's and Numba's own. */
enum { JOB_KEY_WORDS = 10, FIRST_OBJECT = 3 };

void numba_rnd_init(generator *g, uint64_t seed_word);
void truestep_seed_with(generator *g, const uint32_t *key, uint32_t key_size);
void truestep_job_key(uint32_t *key);

#endif
