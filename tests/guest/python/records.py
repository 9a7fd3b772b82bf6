"""Structured arrays."""

import numpy as np

import truestep

point = np.dtype([("x", np.float64), ("y", np.float32), ("label", np.int16)])


@truestep.guest
def main(input):
    points = np.zeros(10, point)
    for i in range(10):
        points[i]["x"] = input[i] * 0.5
        points[i]["y"] = np.float32(input[i + 10])
        points[i]["label"] = i - 5
    points["x"][3:5] = 1.0
    order = np.argsort(points["x"])
    return points[order]
