/* Trains a network to tell points inside a ring from those outside. */
#include <stdio.h>

#include "genann.h"
#include "generated.h"

enum { POINTS = 400, ROUNDS = 4800, HIDDEN = 16 };

int main(void) {
    static double points[POINTS][2], wanted[POINTS];
    for (int i = 0; i < POINTS; i++) {
        points[i][0] = random_below(2001) / 1000.0 - 1;
        points[i][1] = random_below(2001) / 1000.0 - 1;
        double square = points[i][0] * points[i][0] + points[i][1] * points[i][1];
        wanted[i] = square > 0.2 && square < 0.7;
    }
    genann *network = genann_init(2, 2, HIDDEN, 1);
    for (int i = 0; i < network->total_weights; i++) network->weight[i] = random_below(2001) / 1000.0 - 1;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < POINTS; i++) genann_train(network, points[i], &wanted[i], 1);
    int right = 0;
    for (int i = 0; i < POINTS; i++) right += (*genann_run(network, points[i]) > 0.5) == (wanted[i] > 0.5);
    printf("%d of %d right\n", right, POINTS);
    for (int i = 0; i < network->total_weights; i += 20) printf("%.9g\n", network->weight[i]);
    genann_free(network);
    return 0;
}
