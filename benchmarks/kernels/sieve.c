/* The primes below parameter(0) by the sieve of Eratosthenes, a byte for each number; parameter(1) times. */
#include "kernel.h"

static uint64_t sieve(uint64_t limit, uint8_t *is_composite) {
    uint64_t digest = 0, count = 0;
    memset(is_composite, 0, limit);
    for (uint64_t number = 2; number * number < limit; number++)
        if (!is_composite[number])
            for (uint64_t multiple = number * number; multiple < limit; multiple += number)
                is_composite[multiple] = 1;
    for (uint64_t number = 2; number < limit; number++)
        if (!is_composite[number]) {
            count++;
            digest += number * count;
        }
    return absorb(digest, count);
}

int main(void) {
    uint64_t limit = parameter(0), digest = 0;
    uint8_t *is_composite = allocate(limit);
    for (uint64_t repeat = parameter(1); repeat > 0; repeat--)
        digest = absorb(digest, sieve(limit - repeat, is_composite));
    output_digest(digest);
    return 0;
}
