/* Key exchange, signatures, authenticated encryption, hashes and a password hash. */
#include <stdio.h>
#include <stdlib.h>

#include "generated.h"
#include "monocypher.h"

enum { SIZE = 1 << 20, BLOCKS = 4096, PASSES = 12 };
static uint8_t text[SIZE], packed[SIZE];

static void fill(uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)random_word();
}

int main(void) {
    uint8_t secret[32], public[32], shared[32], seed[32], signing[64], key[32], signature[64], nonce[24], mac[16], hash[64];
    int good = 0;
    for (int i = 0; i < 1600; i++) {
        fill(secret, 32);
        crypto_x25519_public_key(public, secret);
        crypto_x25519(shared, secret, public);
        fill(seed, 32);
        crypto_eddsa_key_pair(signing, key, seed);
        crypto_eddsa_sign(signature, signing, shared, 32);
        signature[3] ^= (uint8_t)(i % 5 == 0);
        good += crypto_eddsa_check(signature, key, shared, 32) == 0;
    }
    printf("%d good, %016llx\n", good, (unsigned long long)checksum(signature, 64));
    make_text((char *)text, SIZE);
    fill(nonce, 24);
    for (int i = 0; i < 96; i++) {
        crypto_aead_lock(packed, mac, shared, nonce, NULL, 0, text, SIZE);
        if (crypto_aead_unlock(text, mac, shared, nonce, NULL, 0, packed, SIZE)) return 1;
        crypto_blake2b(hash, 64, packed, SIZE);
        nonce[0] = hash[0];
    }
    printf("%016llx %016llx\n", (unsigned long long)checksum(mac, 16), (unsigned long long)checksum(hash, 64));
    void *work = malloc((size_t)BLOCKS * 1024);
    crypto_argon2_config config = {.algorithm = CRYPTO_ARGON2_I, .nb_blocks = BLOCKS, .nb_passes = PASSES, .nb_lanes = 1};
    crypto_argon2_inputs inputs = {.pass = text, .salt = nonce, .pass_size = 16, .salt_size = 16};
    crypto_argon2(hash, 32, work, config, inputs, crypto_argon2_no_extras);
    printf("%016llx\n", (unsigned long long)checksum(hash, 32));
    free(work);
    return 0;
}
