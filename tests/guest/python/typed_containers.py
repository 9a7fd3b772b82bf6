"""numba.typed lists and dictionaries, also nested."""

import numba
import numpy as np
from numba.typed import Dict, List

import truestep

values = numba.types.ListType(numba.float64)


@truestep.guest
def main(input):
    groups = Dict.empty(numba.int64, values)
    for i in range(input.size):
        key = numba.int64(input[i]) % 5
        if key not in groups:
            groups[key] = List.empty_list(numba.float64)
        groups[key].append(i * 0.5)
    out = List()
    for key in groups:
        total = 0.0
        for item in groups[key]:
            total += item
        out.append(total * key)
    return np.array([x for x in out])
