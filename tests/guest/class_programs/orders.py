"""Instances that are compared, sorted and kept in heaps."""

import heapq
from functools import total_ordering


class P:
    def __init__(self, v):
        self.v = v

    def __lt__(self, o):
        return self.v < o.v

    def __gt__(self, o):
        return self.v > o.v


def max_two():
    a, b = P(1), P(2)
    print(max(a, b).v, min(a, b).v)
    print(max([a, b], key=lambda p: -p.v).v)
    print(max(a, b, key=lambda p: -p.v).v)


@total_ordering
class V:
    def __init__(self, a, b):
        self.a = a
        self.b = b

    def __eq__(self, o):
        return (self.a, self.b) == (o.a, o.b)

    def __lt__(self, o):
        return (self.a, self.b) < (o.a, o.b)

    def __str__(self):
        return f"{self.a}.{self.b}"


def versions():
    vs = [V(1, 2), V(0, 9), V(1, 0)]
    print([str(v) for v in sorted(vs)], str(max(vs)), V(1, 2) >= V(1, 0), V(1, 0) <= V(0, 9))
    vs.sort(reverse=True)
    print(" ".join(str(v) for v in vs))
    vs.sort(key=lambda v: v.b)
    print(" ".join(map(str, vs)))


class Task:
    def __init__(self, pri, name):
        self.pri = pri
        self.name = name

    def __lt__(self, other):
        return self.pri < other.pri

    def __repr__(self):
        return f"Task({self.name!r})"


def heap_lt():
    h = []
    for p, n in [(3, "c"), (1, "a"), (2, "b")]:
        heapq.heappush(h, Task(p, n))
    print(heapq.heappop(h), h[0])
    h2 = [(2, Task(9, "z")), (1, Task(8, "y"))]
    heapq.heapify(h2)
    print(heapq.heappop(h2)[1])
    ts = [Task(5, "e"), Task(4, "d")]
    print(sorted(ts), min(ts), max(ts), max(ts[0], ts[1]))
    print(sorted(ts, key=lambda t: t.name), min(ts, key=lambda t: t.pri))


def program():
    max_two()
    versions()
    heap_lt()
