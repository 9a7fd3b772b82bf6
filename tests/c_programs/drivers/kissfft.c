/* Transforms the numbers on standard input forwards and back. */
#include <stdio.h>

#include "kiss_fft.h"

enum { SIZE = 576 };

int main(void) {
    static kiss_fft_cpx values[SIZE], transformed[SIZE], restored[SIZE];
    if (scanf("%*d") == EOF) return 1;
    for (int i = 0; i < SIZE; i++)
        if (scanf("%f", &values[i].r) != 1) return 1;
    for (int inverse = 0; inverse < 2; inverse++) {
        kiss_fft_cfg plan = kiss_fft_alloc(SIZE, inverse, 0, 0);
        kiss_fft(plan, inverse ? transformed : values, inverse ? restored : transformed);
        kiss_fft_free(plan);
    }
    for (int i = 0; i < SIZE; i++)
        printf("%.9g %.9g %.6f\n", transformed[i].r, transformed[i].i, restored[i].r / SIZE);
    return 0;
}
