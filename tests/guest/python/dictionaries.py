"""Dictionaries and sets: counting, order, deletion, tuples and strings as keys."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    counts = {0: 0}
    for value in input:
        key = int(value) % 17
        counts[key] = counts.get(key, 0) + 1
    del counts[next(iter(counts))]
    popped = counts.pop(3, -1) + 0
    by_pair = {(1, 2): 3.5, (2, 1): 1.25}
    by_pair[(5, 5)] = 9.0
    by_name = {"one": 1, "two": 2}
    by_name["three"] = 3
    out = []
    for key, count in counts.items():
        out.append(key * 1000 + count)
    for name in by_name:
        out.append(len(name) * by_name[name])
    for a, b in by_pair:
        out.append(a * 10 + b)
    unique = set([int(v) % 11 for v in input])
    unique.add(99)
    unique.discard(4)
    out.append(int(by_pair[5, 5] * 4))
    out.extend([popped, len(unique), int(99 in unique), int(4 in unique)])
    return np.array(out)
