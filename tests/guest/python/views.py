"""Bytes read as numbers and back."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    words = np.frombuffer(input, dtype=np.uint32)
    halves = input.view(np.int16)
    total = words.sum() + np.uint64(halves[3])
    mixed = (words ^ np.uint32(0xDEADBEEF)) >> np.uint32(3)
    out = np.empty(mixed.size + 2, np.uint64)
    out[:-2] = mixed
    out[-2] = total
    out[-1] = np.uint64(words[0]) * np.uint64(words[1])
    return out.view(np.uint8)
