/* Atomics and thread-local variables: there is one thread, but libraries use them. */
#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

static _Thread_local long initialised = 5;
static _Thread_local long zeroed;
static _Thread_local _Alignas(64) char aligned[64] = "kept";
static atomic_uchar byte = 250;
static _Atomic uint16_t half = 1;
static atomic_int word = -1;
static _Atomic uint64_t wide = 1;
static int plain = 6;
static atomic_flag flag = ATOMIC_FLAG_INIT;

int main(void) {
    assert(initialised == 5 && zeroed == 0 && (uintptr_t)aligned % 64 == 0 && aligned[0] == 'k');
    zeroed = initialised++;
    assert(zeroed == 5 && initialised == 6 && aligned[3] == 't');
    assert(atomic_fetch_add(&byte, 7) == 250 && byte == 1);
    assert(atomic_fetch_sub(&half, 2) == 1 && half == 65535);
    assert(atomic_fetch_xor(&word, 5) == -1 && word == -6 && atomic_fetch_or(&word, 4) == -6 && word == -2);
    assert(atomic_fetch_and(&word, 6) == -2 && word == 6);
    assert(__atomic_fetch_nand(&plain, 2, 0) == 6 && plain == -3);
    uint64_t expected = 2;
    assert(!atomic_compare_exchange_strong(&wide, &expected, 9) && expected == 1);
    assert(atomic_compare_exchange_strong(&wide, &expected, 9) && wide == 9);
    assert(atomic_exchange(&wide, 10) == 9 && wide == 10);
    assert(!atomic_flag_test_and_set(&flag) && atomic_flag_test_and_set(&flag));
    return 0;
}
