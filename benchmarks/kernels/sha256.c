/* SHA-256 (FIPS 180-4) of parameter(0) bytes, a multiple of 64: chunks of 64 KiB that differ in their number. */
#include "kernel.h"

enum { BLOCK_BYTES = 64, CHUNK_BYTES = 1 << 16 };

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static inline uint32_t rotate_right(uint32_t x, int bits) { return x >> bits | x << (32 - bits); }

static inline uint32_t load_big_endian(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void store_big_endian(uint8_t *at, uint32_t word) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(word >> (24 - 8 * i));
}

static void compress(uint32_t hash[8], const uint8_t *block) {
    uint32_t w[64];
    for (int i = 0; i < 16; i++) w[i] = load_big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t before = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t after = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + before + w[i - 7] + after;
    }
    uint32_t a = hash[0], b = hash[1], c = hash[2], d = hash[3];
    uint32_t e = hash[4], f = hash[5], g = hash[6], h = hash[7];
    for (int i = 0; i < 64; i++) {
        uint32_t mixed = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
        uint32_t first = h + mixed + ((e & f) ^ (~e & g)) + round_constants[i] + w[i];
        mixed = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
        uint32_t second = mixed + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + first;
        d = c, c = b, b = a, a = first + second;
    }
    hash[0] += a, hash[1] += b, hash[2] += c, hash[3] += d;
    hash[4] += e, hash[5] += f, hash[6] += g, hash[7] += h;
}

/* The padding after a message of whole blocks. */
static void finish(uint32_t hash[8], uint64_t message_bytes) {
    uint8_t block[BLOCK_BYTES] = {0x80};
    store_big_endian(block + BLOCK_BYTES - 8, (uint32_t)(message_bytes >> 29));
    store_big_endian(block + BLOCK_BYTES - 4, (uint32_t)(message_bytes << 3));
    compress(hash, block);
}

int main(void) {
    static uint8_t chunk[CHUNK_BYTES];
    uint32_t hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint64_t size = parameter(0), random = 1, left = size;
    if (size % BLOCK_BYTES) return EXIT_BAD_INPUT;
    for (uint64_t at = 0; at < CHUNK_BYTES && at < size; at++) chunk[at] = (uint8_t)(next_random(&random) >> 56);
    for (uint64_t number = 0; left > 0; number++) {
        size_t taken = left < CHUNK_BYTES ? left : CHUNK_BYTES;
        memcpy(chunk, &number, sizeof number);
        for (size_t at = 0; at < taken; at += BLOCK_BYTES) compress(hash, chunk + at);
        left -= taken;
    }
    finish(hash, size);
    uint8_t digest[32];
    for (int i = 0; i < 8; i++) store_big_endian(digest + 4 * i, hash[i]);
    write_output(digest, sizeof digest);
    return 0;
}
