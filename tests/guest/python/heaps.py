"""heapq, bisection, dynamic programming: the shortest paths and the longest common subsequence."""

import heapq

import numpy as np

import truestep


def distances(weights, start):
    count = weights.shape[0]
    out = np.full(count, 10**9)
    out[start] = 0
    queue = [(0, start)]
    while queue:
        distance, node = heapq.heappop(queue)
        if distance > out[node]:
            continue
        for other in range(count):
            if weights[node, other] and distance + weights[node, other] < out[other]:
                out[other] = distance + weights[node, other]
                heapq.heappush(queue, (int(out[other]), other))
    return out


def common(a, b):
    table = np.zeros((a.size + 1, b.size + 1), np.int64)
    for i in range(a.size):
        for j in range(b.size):
            table[i + 1, j + 1] = table[i, j] + 1 if a[i] == b[j] else max(table[i, j + 1], table[i + 1, j])
    return table[-1, -1]


@truestep.guest
def main(input):
    weights = input[:144].reshape(12, 12).astype(np.int64)
    return np.concatenate((distances(weights, 0), np.array([common(input[:40] % 4, input[40:80] % 4)])))
