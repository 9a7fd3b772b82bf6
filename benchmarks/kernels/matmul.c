/* Products of two i64 matrices of parameter(0) rows and columns, parameter(1) times. */
#include "kernel.h"

static void multiply(size_t n, const int64_t *left, const int64_t *right, int64_t *product) {
    memset(product, 0, n * n * sizeof *product);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            int64_t factor = left[i * n + k];
            for (size_t j = 0; j < n; j++) product[i * n + j] += factor * right[k * n + j];
        }
}

static int64_t *random_matrix(size_t n, uint64_t *random) {
    int64_t *matrix = allocate(n * n * sizeof *matrix);
    for (size_t i = 0; i < n * n; i++) matrix[i] = (int64_t)next_random(random) >> 40;
    return matrix;
}

int main(void) {
    size_t n = parameter(0);
    uint64_t random = 1, digest = 0;
    int64_t *left = random_matrix(n, &random), *right = random_matrix(n, &random);
    int64_t *product = allocate(n * n * sizeof *product);
    for (uint64_t repeat = parameter(1); repeat > 0; repeat--) {
        multiply(n, left, right, product);
        for (size_t i = 0; i < n * n; i++) digest = absorb(digest, (uint64_t)product[i]);
        left[repeat % (n * n)]++;
    }
    output_digest(digest);
    return 0;
}
