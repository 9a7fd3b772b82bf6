"""What imported models compute, as somebody writes it for Numba: in plain loops, and by matrix products."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(error_model="numpy")
def boosted_trees(x, features, thresholds, left, right, values, roots):
    """Sums of trees, one row after the other; a leaf has no left child."""
    sums = np.zeros(len(x))
    for row in range(len(x)):
        for root in roots:
            node = root
            while left[node] >= 0:
                value = x[row, features[node]]
                # NaN goes to the right here, as in a model that has seen none.
                node = left[node] if value <= thresholds[node] else right[node]
            sums[row] += values[node, 0]
    return 1 / (1 + np.exp(-sums))


@numba.njit(error_model="numpy")
def forest(x, features, thresholds, left, right, values, roots):
    """Means of the classes' shares in leaves."""
    sums = np.zeros((len(x), values.shape[1]))
    for row in range(len(x)):
        for root in roots:
            node = root
            while left[node] >= 0:
                node = left[node] if x[row, features[node]] <= thresholds[node] else right[node]
            for place in range(values.shape[1]):
                sums[row, place] += values[node, place]
    return sums / len(roots)


@numba.njit(error_model="numpy")
def softmax(scores):
    """Shares, row by row."""
    for row in range(len(scores)):
        powers = np.exp(scores[row] - np.max(scores[row]))
        scores[row] = powers / np.sum(powers)
    return scores


@numba.njit(error_model="numpy")
def dense(x, weights, biases):
    """A layer, each sum in the order of the inputs; weights of (outputs, inputs)."""
    y = np.empty((len(x), len(weights)), np.float32)
    for row in range(len(x)):
        for unit in range(len(weights)):
            total = np.float32(0)
            for place in range(x.shape[1]):
                total += x[row, place] * weights[unit, place]
            y[row, unit] = total + biases[unit]
    return y


@numba.njit(error_model="numpy")
def network(x, w1, b1, w2, b2):
    """Two layers in loops."""
    return softmax(dense(np.maximum(dense(x, w1, b1), np.float32(0)), w2, b2))


@numba.njit(error_model="numpy")
def network_with_blas(x, w1, b1, w2, b2):
    """The same with matrix products of all rows."""
    return softmax(np.maximum(x @ w1.T + b1, np.float32(0)) @ w2.T + b2)


@numba.njit(error_model="numpy")
def convolution(x, weights, biases):
    """A rectified 3 by 3 convolution with a border of zeros."""
    channels, height, width = x.shape
    y = np.empty((len(weights), height, width), np.float32)
    for kernel in range(len(weights)):
        for i in range(height):
            for j in range(width):
                total = np.float32(0)
                for channel in range(channels):
                    for di in range(3):
                        for dj in range(3):
                            row, column = i + di - 1, j + dj - 1
                            if 0 <= row < height and 0 <= column < width:
                                total += x[channel, row, column] * weights[kernel, channel, di, dj]
                y[kernel, i, j] = max(total + biases[kernel], np.float32(0))
    return y


@numba.njit(error_model="numpy")
def patches(x):
    """What a 3 by 3 window sees at each place, as columns."""
    channels, height, width = x.shape
    found = np.zeros((channels * 9, height * width), np.float32)
    for channel in range(channels):
        for di in range(3):
            for dj in range(3):
                line = found[channel * 9 + di * 3 + dj]
                for i in range(max(0, 1 - di), min(height, height + 1 - di)):
                    for j in range(max(0, 1 - dj), min(width, width + 1 - dj)):
                        line[i * width + j] = x[channel, i + di - 1, j + dj - 1]
    return found


@numba.njit(error_model="numpy")
def convolution_with_blas(x, weights, biases):
    """The same as one matrix product for an image."""
    flat = weights.reshape(len(weights), -1)
    y = np.maximum(flat @ patches(x) + biases.reshape(-1, 1), np.float32(0))
    return y.reshape(len(weights), x.shape[1], x.shape[2])


@numba.njit(error_model="numpy")
def halved(x):
    """The largest of each 2 by 2 places."""
    channels, height, width = x.shape
    y = np.empty((channels, height // 2, width // 2), np.float32)
    for channel in range(channels):
        for i in range(height // 2):
            for j in range(width // 2):
                upper = max(x[channel, 2 * i, 2 * j], x[channel, 2 * i, 2 * j + 1])
                lower = max(x[channel, 2 * i + 1, 2 * j], x[channel, 2 * i + 1, 2 * j + 1])
                y[channel, i, j] = max(upper, lower)
    return y


@numba.njit(error_model="numpy")
def images(x, w1, b1, w2, b2, w3, b3):
    """Two convolutions, two pools and a layer, in loops."""
    flat = np.empty((len(x), w3.shape[1]), np.float32)
    for row in range(len(x)):
        flat[row] = halved(convolution(halved(convolution(x[row], w1, b1)), w2, b2)).ravel()
    return softmax(dense(flat, w3, b3))


@numba.njit(error_model="numpy")
def images_with_blas(x, w1, b1, w2, b2, w3, b3):
    """The same with matrix products."""
    flat = np.empty((len(x), w3.shape[1]), np.float32)
    for row in range(len(x)):
        first = halved(convolution_with_blas(x[row], w1, b1))
        flat[row] = halved(convolution_with_blas(first, w2, b2)).ravel()
    return softmax(flat @ w3.T + b3)
