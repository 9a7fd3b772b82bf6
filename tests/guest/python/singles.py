"""float32 stays float32."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    x = input.astype(np.float32) * np.float32(0.37)
    y = np.sqrt(x + np.float32(1.5))
    total = np.float32(0)
    for value in y:
        total += value * np.float32(1.0001)
    out = np.empty(x.size + 1, np.float32)
    out[:-1] = x * y - x / y
    out[-1] = total
    return out
