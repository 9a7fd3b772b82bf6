// The ROM's routines on the host, called for whole arrays; and the host's own fused multiply-add, likewise.

#include <stddef.h>
#include <stdint.h>

typedef uint64_t (*Routine)(uint64_t, uint64_t, uint64_t);

void apply(
    Routine routine, size_t count, const uint64_t *a, const uint64_t *b, const uint64_t *c, uint64_t *results
) {
    for (size_t i = 0; i < count; i++) results[i] = routine(a[i], b[i], c[i]);
}

void apply_double(
    double (*fma)(double, double, double), size_t count, const double *a, const double *b, const double *c,
    double *results
) {
    for (size_t i = 0; i < count; i++) results[i] = fma(a[i], b[i], c[i]);
}

void apply_single(
    float (*fma)(float, float, float), size_t count, const float *a, const float *b, const float *c,
    float *results
) {
    for (size_t i = 0; i < count; i++) results[i] = fma(a[i], b[i], c[i]);
}
