"""What a guest does with numbers that are ints at one time and floats at another; compared with CPython."""

PAIRS = '''
import math


def number(code):
    """Odd codes are floats, even ones ints; some are large."""
    if code == 99:
        return math.inf
    if code == 98:
        return (1 << 53) + 1
    if code == 97:
        return float(1 << 53)
    return code / 4 if code % 2 else code


class Pair:
    def __init__(self):
        self.a = 0
        self.b = 0.5

    def choose(self, one, other):
        self.a = number(one)
        self.b = number(other)
        self.b += 0

    def compute(self):
        a, b = self.a, self.b
        print(a, b, a + b, a - b, -a, abs(b), +a)
        if abs(a) < 1 << 53 or abs(b) < 1 << 10:  # a product of ints has 64 bits in a guest
            print(a * b)
        print(a < b, a <= b, a == b, a != b, a >= b, a > b, bool(a), not b)
        print(f"{a} {b!r} {a:.3f} {b:>12} {a:+}", str(a) + repr(b), [a, b], (a, 1))
        print(min(a, b), max(a, b), max(a, b, 2), min(0.5, a), round(b, 1), hash(a) == hash(float(a)))
        print(isinstance(a, int), isinstance(b, float), type(a) is int, isinstance(a, (int, float)), float(b))

    def divide(self):
        a, b = self.a, self.b
        try:
            if max(abs(a), abs(b)) <= 1 << 53:  # where ints become the same floats as in Python
                print(a / b)
            print(a // b, a % b, divmod(a, b))
        except ZeroDivisionError as error:
            print("zero:", error)
        try:
            print(a // b)
        except ZeroDivisionError as error:
            print("zero:", error)

    def convert(self):
        try:
            print(int(self.a), round(self.b), math.floor(self.a), math.ceil(self.b), math.trunc(self.a))
        except OverflowError as error:
            print(error)
        if abs(self.a) < 40 and abs(self.b) < 5:
            try:
                print(self.a ** 2, self.b ** 3, 2 ** self.b, abs(self.a) ** self.b)
            except ZeroDivisionError:
                print("no power of zero")
        if self.a >= 0:
            print(math.sqrt(self.a), math.hypot(self.a, 1.5), f"{math.log(self.a + 1):.9f}")


'''

PAIRS_MAIN = """def main(codes):
    pair = Pair()
    for index in range(0, len(codes), 2):
        pair.choose(int(codes[index]), int(codes[index + 1]))
        pair.compute()
        pair.divide()
        pair.convert()
    return codes
"""

CONTAINERS = """
import heapq
from collections import deque


class Window:
    def __init__(self, n):
        self.items = deque([0] * n, maxlen=n)
        self.total = 0

    def push(self, x):
        self.total += x - self.items[0]
        self.items.append(x)
        return self.total / len(self.items)


class Grid:
    def __init__(self, n):
        self.cells = [0] * n
        self.rows = [[0] * n for _ in range(n)]
        self.order = list(range(n))

    def put(self, i, x):
        self.cells[i] = x * 0.5
        self.rows[i][i] = x / 4
        self.order[i] = x / 8


def dijkstra(graph, start):
    dist = {start: 0}
    heap = [(0, start)]
    while heap:
        d, v = heapq.heappop(heap)
        for u, w in graph[v]:
            if d + w < dist.get(u, 1e9):
                dist[u] = d + w
                heapq.heappush(heap, (d + w, u))
    return dist


def share(total, count):
    return total / count if count else 0


def sum_up(items):
    total = 0
    for price, quantity in items:
        total += price * quantity
    return total


def describe(x):
    y = x / 2 if x > 3 else 0
    return f"{y} {y + 1} {y * 2.5}"


def lists():
    a = [0] * 4
    print(a)
    a[1] = 1.5
    print(a, a[0], a[1], sum(a), max(a), min(a), sorted(a), a.index(1.5), 1.5 in a, a == [0, 1.5, 0, 0])
    b = list(range(4))
    b[2] = b[1] / 4
    print(b, sum(b), b[::-1], b + [1], [x * 2 for x in b])
    m = [[0, 0], [0, 0]]
    m[0][1] = 2.5
    print(m)
    xs = []
    xs.append(0)
    xs.append(1.5)
    print(xs)
    for v in (1, 2.5, 3):
        print(v, v * 2)


"""

CONTAINERS_MAIN = """def main(codes):
    window = Window(3)
    for x in [1.5, 2, 4, 8.25]:
        print(window.push(x), window.total)
    grid = Grid(3)
    print(grid.cells, grid.rows, grid.order)
    grid.put(1, 3)
    print(grid.cells, grid.rows, grid.order)
    print(dijkstra({"a": [("b", 1.5), ("c", 4.0)], "b": [("c", 2.0)], "c": []}, "a"))
    print(share(3, 2), share(3, 0), sum_up([(1.5, 2)]), sum_up([(1.5, 2)][1:]), describe(2), describe(5))
    lists()
    return codes
"""
