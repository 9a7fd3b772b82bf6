/* The hash of a string: SipHash with one round a word and three at the end (Aumasson and Bernstein), as in CPython.
   Its key is zero: hash() gives what it gives there with PYTHONHASHSEED=0. */
#include <stdint.h>
#include <string.h>

static uint64_t rotated(uint64_t word, int bits) {
    return word << bits | word >> (64 - bits);
}

static void mix(uint64_t v[4]) {
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotated(v[1], 13) ^ v[0];
    v[3] = rotated(v[3], 16) ^ v[2];
    v[0] = rotated(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotated(v[1], 17) ^ v[2];
    v[3] = rotated(v[3], 21) ^ v[0];
    v[2] = rotated(v[2], 32);
}

static void take(uint64_t v[4], uint64_t word) {
    v[3] ^= word;
    mix(v);
    v[0] ^= word;
}

int64_t truestep_hash(const char *bytes, int64_t size) {
    uint64_t v[4] = {0x736f6d6570736575, 0x646f72616e646f6d, 0x6c7967656e657261, 0x7465646279746573}, word;
    if (size == 0)
        return 0;
    int64_t place = 0;
    for (; place + 8 <= size; place += 8) {
        memcpy(&word, bytes + place, 8);
        take(v, word);
    }
    word = 0;
    memcpy(&word, bytes + place, (size_t)(size - place));
    take(v, word | (uint64_t)size << 56);
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        mix(v);
    int64_t hash = (int64_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
    /* -1 stands for an error there. */
    return hash == -1 ? -2 : hash;
}
