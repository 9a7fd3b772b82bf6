"""try, except, raise, assert."""

import numpy as np

import truestep


def checked(value):
    if value % 5 == 0:
        raise ValueError("a multiple of five")
    return value * 2


@truestep.guest
def main(input):
    out = []
    for value in input[:50]:
        try:
            out.append(checked(int(value)))
        except Exception:
            out.append(-1)
    assert len(out) == 50
    return np.array(out)
