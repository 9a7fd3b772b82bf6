/* NumPy's SeedSequence (O'Neill, "Developing a seed_seq alternative", 2015) and the states that it seeds.
   Arrays come as an address and a number of items. */
#include "random.h"
#include "runtime.h"

enum { POOL = 4 };

static uint32_t hash(uint32_t value, uint32_t *constant, uint32_t multiplier) {
    value ^= *constant;
    *constant *= multiplier;
    value *= *constant;
    return value ^ value >> 16;
}

static uint32_t mix(uint32_t x, uint32_t y) {
    uint32_t mixed = x * 0xCA01F9DDu - y * 0x4973F715u;
    return mixed ^ mixed >> 16;
}

static void fill_pool(uint32_t *pool, const uint32_t *entropy, int64_t count) {
    uint32_t constant = 0x43B0D7E5u;
    const uint32_t multiplier = 0x931E8875u;
    for (int64_t i = 0; i < POOL; i++) pool[i] = hash(i < count ? entropy[i] : 0, &constant, multiplier);
    for (int from = 0; from < POOL; from++)
        for (int to = 0; to < POOL; to++)
            if (from != to) pool[to] = mix(pool[to], hash(pool[from], &constant, multiplier));
    for (int64_t from = POOL; from < count; from++)
        for (int to = 0; to < POOL; to++) pool[to] = mix(pool[to], hash(entropy[from], &constant, multiplier));
}

void truestep_seed_sequence(const uint32_t *entropy, int64_t count, uint32_t *out, int64_t words) {
    uint32_t pool[POOL], constant = 0x8B51F9DDu;
    fill_pool(pool, entropy, count);
    for (int64_t i = 0; i < words; i++) out[i] = hash(pool[i % POOL], &constant, 0x58F38DEDu);
}

static void generate_words(const uint32_t *entropy, int64_t count, uint64_t *out, int64_t words) {
    truestep_seed_sequence(entropy, count, (uint32_t *)out, 2 * words);
}

static void put_wide(uint64_t *place, unsigned __int128 value) {
    place[0] = (uint64_t)value;
    place[1] = (uint64_t)(value >> 64);
}

/* PCG's seeding: a step from state 0, the seed added, another step. DXSM is seeded by the same steps. */
void truestep_seed_pcg64(const uint32_t *entropy, int64_t count, uint64_t *state) {
    const unsigned __int128 multiplier = (unsigned __int128)0x2360ED051FC65DA4u << 64 | 0x4385DF649FCCF645u;
    uint64_t words[4];
    generate_words(entropy, count, words, 4);
    unsigned __int128 seed = (unsigned __int128)words[0] << 64 | words[1];
    unsigned __int128 increment = ((unsigned __int128)words[2] << 64 | words[3]) << 1 | 1;
    put_wide(state, (increment + seed) * multiplier + increment);
    put_wide(state + 2, increment);
}

void truestep_seed_pcg64dxsm(const uint32_t *entropy, int64_t count, uint64_t *state) {
    truestep_seed_pcg64(entropy, count, state);
}

void truestep_seed_sfc64(const uint32_t *entropy, int64_t count, uint64_t *state) {
    enum { WARM_UP = 12 };
    generate_words(entropy, count, state, 3);
    state[3] = 1;
    for (int i = 0; i < WARM_UP; i++) {
        uint64_t out = state[0] + state[1] + state[3]++;
        state[0] = state[1] ^ state[1] >> 11;
        state[1] = state[2] + (state[2] << 3);
        state[2] = (state[2] << 24 | state[2] >> 40) + out;
    }
}

void truestep_seed_mt19937(const uint32_t *entropy, int64_t count, uint64_t *state) {
    generator *g = (generator *)state;
    truestep_seed_sequence(entropy, count, g->words, WORDS);
    g->words[0] = 0x80000000u;
    g->position = WORDS - 1;
}

void truestep_seed_random_state(uint64_t seed, uint64_t *state) {
    numba_rnd_init((generator *)state, seed);
}

void truestep_seed_random_state_with_words(const uint32_t *key, int64_t count, uint64_t *state) {
    truestep_seed_with((generator *)state, key, (uint32_t)count);
}

/* What an unseeded generator starts from: the job's seed, the shard's number, and how many there were before. */
void truestep_job_entropy(uint32_t *words, int64_t size) {
    static uint32_t number;
    (void)size;
    truestep_job_key(words);
    words[JOB_KEY_WORDS] = FIRST_OBJECT;
    words[JOB_KEY_WORDS + 1] = number++;
}
