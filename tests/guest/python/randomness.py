"""Seeded np.random gives what NumPy's legacy generator gives."""

import numpy as np

import truestep


@truestep.guest
def main(task, input):
    np.random.seed(int(task.seed[31]) + 1000 * int(input[0]))
    out = np.empty(60)
    for i in range(20):
        out[i] = np.random.random()
    for i in range(20, 30):
        out[i] = np.random.uniform(-2.0, 5.0)
    out[30:40] = np.random.random(10)
    for i in range(40, 50):
        out[i] = np.random.rand()
    out[50:60] = np.random.random_sample(10) * 3
    return out
