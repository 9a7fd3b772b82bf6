/* Signs messages and verifies the signatures; every eighth is forged. */
#include <secp256k1.h>
#include <stdio.h>

#include "generated.h"

enum { COUNT = 7500 };

int main(void) {
    secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    unsigned char secret[32], message[32], compact[64];
    uint64_t sum = 0;
    int good = 0;
    for (int i = 0; i < COUNT; i++) {
        secp256k1_pubkey key;
        secp256k1_ecdsa_signature signature;
        for (int j = 0; j < 32; j++) {
            secret[j] = (unsigned char)random_word();
            message[j] = (unsigned char)random_word();
        }
        if (!secp256k1_ec_pubkey_create(context, &key, secret)) return 1;
        if (!secp256k1_ecdsa_sign(context, &signature, message, secret, NULL, NULL)) return 1;
        secp256k1_ecdsa_signature_serialize_compact(context, compact, &signature);
        sum ^= checksum(compact, sizeof compact) + (uint64_t)i;
        if (i % 8 == 0) message[i % 32] ^= 1;
        for (int round = 0; round < 3; round++) good += secp256k1_ecdsa_verify(context, &signature, message, &key);
    }
    printf("%d of %d verified, %016llx\n", good, 3 * COUNT, (unsigned long long)sum);
    secp256k1_context_destroy(context);
    return 0;
}
