/* One-year value at risk of an equally weighted portfolio of five stocks, by bootstrap.

   Input: a CSV file `symbol,date,price` of monthly prices ("MSFT,Jan 1 2000,39.81"), in any order.
   Model: the portfolio is rebalanced to equal weights each month. A path is PATH_MONTHS months drawn
   with replacement from the months in which all five stocks have a return, so that what the stocks did
   together stays together. Its value is what one unit of money becomes.
   Arithmetic: integers only. A factor (return + 1) and a value are fixed point with 32 fraction bits
   (Q32), rounded down.
   Randomness: xoshiro256** (Blackman and Vigna), its state from the job's seed and the shard's index
   through splitmix64, so that each shard walks other paths and each run of a shard the same ones.

   Output, 4,136 bytes, little-endian:

     0         8              16           24           32       36     40
     ┌─────────┬──────────────┬────────────┬────────────┬────────┬──────┬────────────────────┐
     │ paths   │ sum of final │ least      │ greatest   │ months │ bins │ count of paths in  │
     │ u64     │ values, Q32  │ value, Q32 │ value, Q32 │ u32    │ u32  │ each bin, u32 each │
     └─────────┴──────────────┴────────────┴────────────┴────────┴──────┴────────────────────┘

   Bin i counts final values in [i / 256, (i + 1) / 256), the last bin everything above too. The records
   of all shards add up field by field (least and greatest by comparison) to the record of the job. Sums
   are modulo 2^64, far above what prices of this world reach.                                           */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <truestep.h>

#ifndef PATHS
#define PATHS 650000 /* for each shard: 413 instructions each */
#endif

enum { STOCKS = 5, PATH_MONTHS = 12, BINS = 1024, BINS_PER_UNIT = 256, FRACTION_BITS = 32 };
enum { FIRST_YEAR = 1990, MONTHS = 12 * 40 };
enum { EXIT_BAD_INPUT = 2 };

static const char symbols[STOCKS][8] = {"MSFT", "AMZN", "IBM", "GOOG", "AAPL"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

typedef struct {
    uint64_t paths, sum, least, greatest;
    uint32_t months, bins;
    uint32_t counts[BINS];
} record;

static uint64_t cents[MONTHS][STOCKS]; /* 0: no price */
static uint64_t factors[MONTHS];       /* Q32, of the portfolio, one for each month with a return */
static record result;

/* --- the input --- */

typedef struct {
    const char *at, *end;
    unsigned line;
} reader;

static void refuse(const reader *r, const char *expected) {
    debug_printf("line %u: expected %s\n", r->line, expected);
    exit(EXIT_BAD_INPUT);
}

static int take(reader *r, char c) {
    if (r->at == r->end || *r->at != c) return 0;
    r->at++;
    return 1;
}

/* The index of the name that stands here, or -1. */
static int take_name(reader *r, const char *names, int count, size_t stride) {
    for (int i = 0; i < count; i++) {
        const char *name = names + (size_t)i * stride;
        size_t length = strlen(name);
        if ((size_t)(r->end - r->at) < length || memcmp(r->at, name, length)) continue;
        r->at += length;
        return i;
    }
    return -1;
}

static uint64_t take_number(reader *r, uint64_t limit, const char *expected) {
    uint64_t number = 0;
    const char *start = r->at;
    for (; r->at < r->end && isdigit(*r->at); r->at++) {
        number = 10 * number + (uint64_t)(*r->at - '0');
        if (number > limit) refuse(r, expected);
    }
    if (r->at == start) refuse(r, expected);
    return number;
}

/* "39.81" is 3981; up to two decimals. The limit keeps a month's five factors within 64 bits. */
static uint64_t take_cents(reader *r) {
    uint64_t price = 100 * take_number(r, 1000000, "a price of at most a million");
    if (!take(r, '.')) return price;
    for (uint64_t unit = 10; unit > 0 && r->at < r->end && isdigit(*r->at); unit /= 10)
        price += unit * (uint64_t)(*r->at++ - '0');
    return price;
}

/* "Jan 1 2000" as months since FIRST_YEAR. */
static unsigned take_date(reader *r) {
    int month = take_name(r, month_names[0], 12, sizeof month_names[0]);
    if (month < 0 || !take(r, ' ')) refuse(r, "a date like Jan 1 2000");
    take_number(r, 31, "a day of the month");
    if (!take(r, ' ')) refuse(r, "a blank between day and year");
    uint64_t year = take_number(r, FIRST_YEAR + MONTHS / 12 - 1, "a year before 2030");
    if (year < FIRST_YEAR) refuse(r, "a year from 1990 on");
    return (unsigned)(12 * (year - FIRST_YEAR)) + (unsigned)month;
}

static void take_row(reader *r) {
    int stock = take_name(r, symbols[0], STOCKS, sizeof symbols[0]);
    if (stock < 0 || !take(r, ',')) refuse(r, "one of MSFT, AMZN, IBM, GOOG, AAPL and a comma");
    unsigned month = take_date(r);
    if (!take(r, ',')) refuse(r, "a comma between date and price");
    cents[month][stock] = take_cents(r);
    if (cents[month][stock] == 0) refuse(r, "a price above 0");
    take(r, '\r');
    if (r->at < r->end && !take(r, '\n')) refuse(r, "the end of the line");
}

static void read_prices(void) {
    const uint8_t *text;
    size_t size;
    read_input(&text, &size);
    reader r = {.at = (const char *)text, .end = (const char *)text + size, .line = 1};
    const char header[][20] = {"symbol,date,price"};
    if (take_name(&r, header[0], 1, sizeof header[0]) < 0) refuse(&r, "the header symbol,date,price");
    take(&r, '\r');
    if (!take(&r, '\n')) refuse(&r, "the end of the line");
    for (r.line = 2; r.at < r.end; r.line++) take_row(&r);
}

/* --- the model --- */

static int is_complete(unsigned month) {
    for (int stock = 0; stock < STOCKS; stock++)
        if (!cents[month][stock]) return 0;
    return 1;
}

/* What the portfolio became in a month, Q32: the mean of its stocks' factors. */
static uint64_t portfolio_factor(unsigned month) {
    uint64_t sum = 0;
    for (int stock = 0; stock < STOCKS; stock++)
        sum += (cents[month][stock] << FRACTION_BITS) / cents[month - 1][stock];
    return sum / STOCKS;
}

static uint32_t find_factors(void) {
    uint32_t count = 0;
    for (unsigned month = 1; month < MONTHS; month++)
        if (is_complete(month - 1) && is_complete(month)) factors[count++] = portfolio_factor(month);
    return count;
}

/* --- randomness --- */

typedef struct {
    uint64_t s[4];
} generator;

static uint64_t rotate_left(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

/* Each word of the seed is hashed with the shard's index and the words before it. */
static generator seeded(const uint8_t *seed, uint64_t shard) {
    generator g;
    uint64_t state = shard;
    for (int i = 0; i < 4; i++) {
        uint64_t word;
        memcpy(&word, seed + 8 * i, sizeof word);
        state = splitmix64(&state) ^ word;
        g.s[i] = splitmix64(&state);
    }
    g.s[0] |= 1; /* the generator must not start with zeros alone */
    return g;
}

static inline uint64_t next_random(generator *g) {
    uint64_t result = rotate_left(g->s[1] * 5, 7) * 9, t = g->s[1] << 17;
    g->s[2] ^= g->s[0];
    g->s[3] ^= g->s[1];
    g->s[1] ^= g->s[2];
    g->s[0] ^= g->s[3];
    g->s[2] ^= t;
    g->s[3] = rotate_left(g->s[3], 45);
    return result;
}

/* A number below `count`; no number's chance differs from another's by more than 1 in 2^64. */
static inline uint32_t draw_below(generator *g, uint32_t count) {
    return (uint32_t)((unsigned __int128)next_random(g) * count >> 64);
}

/* --- the simulation --- */

/* Q32 times Q32, rounded down, at most 2^64 - 1: some 4 billion times the stake. */
static inline uint64_t multiply(uint64_t value, uint64_t factor) {
    unsigned __int128 product = (unsigned __int128)value * factor >> FRACTION_BITS;
    return product > UINT64_MAX ? UINT64_MAX : (uint64_t)product;
}

static inline uint64_t walk(generator *g, uint32_t months) {
    uint64_t value = (uint64_t)1 << FRACTION_BITS;
    for (int month = 0; month < PATH_MONTHS; month++) value = multiply(value, factors[draw_below(g, months)]);
    return value;
}

static void count(record *r, uint64_t value) {
    uint64_t bin = value / (((uint64_t)1 << FRACTION_BITS) / BINS_PER_UNIT);
    r->counts[bin < BINS ? bin : BINS - 1]++;
    r->sum += value;
    if (value < r->least) r->least = value;
    if (value > r->greatest) r->greatest = value;
}

int main(void) {
    read_prices();
    uint32_t months = find_factors();
    if (months == 0) {
        debug_print("expected two successive months with prices of all five stocks, found none");
        return EXIT_BAD_INPUT;
    }
    generator g = seeded(job_seed(), shard_index());
    result = (record){.paths = PATHS, .least = UINT64_MAX, .months = months, .bins = BINS};
    for (uint64_t path = 0; path < PATHS; path++) count(&result, walk(&g, months));
    write_output((const uint8_t *)&result, sizeof result);
    return 0;
}
