/* Sorts parameter(0) random 32-bit integers, parameter(1) times, by a quicksort of its own. */
#include "kernel.h"

enum { SMALL = 16 };

static void insertion_sort(int32_t *low, int32_t *high) {
    for (int32_t *next = low + 1; next <= high; next++) {
        int32_t value = *next, *at = next;
        for (; at > low && at[-1] > value; at--) *at = at[-1];
        *at = value;
    }
}

static inline int32_t median(int32_t a, int32_t b, int32_t c) {
    if (a > b) return b > c ? b : a > c ? c : a;
    return a > c ? a : b > c ? c : b;
}

/* Hoare's partition around a median of three; recursion into the smaller part, so that the stack stays small. */
static void quicksort(int32_t *low, int32_t *high) {
    while (high - low >= SMALL) {
        int32_t pivot = median(*low, low[(high - low) / 2], *high), *left = low, *right = high;
        do {
            while (*left < pivot) left++;
            while (pivot < *right) right--;
            if (left <= right) {
                int32_t swapped = *left;
                *left++ = *right;
                *right-- = swapped;
            }
        } while (left <= right);
        if (right - low < high - left) {
            quicksort(low, right);
            low = left;
        } else {
            quicksort(left, high);
            high = right;
        }
    }
    insertion_sort(low, high);
}

int main(void) {
    size_t count = parameter(0);
    uint64_t random = 1, digest = 0;
    int32_t *numbers = allocate(count * sizeof *numbers);
    for (uint64_t repeat = parameter(1); repeat > 0; repeat--) {
        for (size_t i = 0; i < count; i++) numbers[i] = (int32_t)(next_random(&random) >> 32);
        quicksort(numbers, numbers + count - 1);
        for (size_t i = 1; i < count; i++)
            if (numbers[i - 1] > numbers[i]) return EXIT_WRONG_RESULT;
        for (size_t i = 0; i < count; i += 64) digest = absorb(digest, (uint64_t)numbers[i]);
    }
    output_digest(digest);
    return 0;
}
