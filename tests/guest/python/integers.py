"""Integers: widths, signs, shifts, division, powers, 32-bit arguments to functions."""

import numpy as np

import truestep


def mixed(a: np.int32, b: np.uint32, c: np.int8) -> np.int64:
    return np.int64(a) * 3 + np.int64(b) - np.int64(c)


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


@truestep.guest
def main(input):
    out = np.zeros(12, np.int64)
    first, second = int(input[0]) + 7, int(input[1]) + 1
    out[0] = mixed(np.int32(-first), np.uint32(4_000_000_000), np.int8(-100))
    out[1] = -first // second
    out[2] = -first % second
    out[3] = first**5
    out[4] = (first << 20) ^ (second >> 1)
    out[5] = gcd(first * 84, second * 36)
    out[6] = ~first & 0xFFFF
    out[7] = np.int16(first * 300 % 30000)
    total = 0
    for value in input:
        total = (total * 31 + int(value)) % 1_000_003
    out[8] = total
    out[9] = divmod(first * 1000, second)[1]
    out[10] = abs(-first) + min(first, second) + max(1, second)
    out[11] = int(2.9) + round(3.7) + bool(first)
    return out
