/* Transforms signals of several lengths forwards and back. */
#include <math.h>
#include <stdio.h>

#include "generated.h"
#include "kiss_fft.h"

enum { LONGEST = 4096 };
static kiss_fft_cpx values[LONGEST], transformed[LONGEST];

int main(void) {
    const int lengths[] = {1024, 4096, 960, 1000};
    for (int i = 0; i < 4; i++) {
        int length = lengths[i];
        for (int j = 0; j < length; j++) {
            values[j].r = (float)random_below(2000) / 1000 - 1;
            values[j].i = 0;
        }
        kiss_fft_cfg forwards = kiss_fft_alloc(length, 0, 0, 0), back = kiss_fft_alloc(length, 1, 0, 0);
        for (int round = 0; round < 16000000 / length; round++) {
            kiss_fft(forwards, values, transformed);
            kiss_fft(back, transformed, values);
            for (int j = 0; j < length; j++) {
                values[j].r /= (float)length;
                values[j].i /= (float)length;
            }
        }
        double energy = 0;
        for (int j = 0; j < length; j++) energy += (double)values[j].r * values[j].r;
        printf("%d: %.7g %.7g %.9g\n", length, transformed[1].r, transformed[2].i, energy);
        kiss_fft_free(forwards);
        kiss_fft_free(back);
    }
    return 0;
}
