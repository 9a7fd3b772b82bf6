"""Context managers of all kinds, and `finally` in loops."""

import math
from contextlib import closing, contextmanager


class Timer:
    def __init__(self):
        self.steps = 0

    def __enter__(self):
        self.steps += 1
        return self

    def __exit__(self, *args):
        self.steps += 10


class Pool:
    def __init__(self):
        self.free = [1, 2, 3]
        self.log = []

    @contextmanager
    def take(self, why="none"):
        item = self.free.pop()
        try:
            yield item
        except ValueError as e:
            self.log.append("bad " + str(e))
            raise
        finally:
            self.free.append(item)
            self.log.append(why)

    def close(self):
        self.log.append("closed")


class Rollback(Exception):
    pass


class Transaction:
    def __init__(self, data):
        self.data = data
        self.saved = []

    def __enter__(self):
        self.saved = self.data[:]
        return self

    def __exit__(self, exc_type, exc_value, traceback):
        if exc_type is None:
            print("commit")
            return False
        print("rollback", exc_type.__name__, exc_value, issubclass(exc_type, ArithmeticError))
        self.data[:] = self.saved
        return exc_type is Rollback


def use(pool, n):
    with pool.take("n") as item:
        if n == 0:
            return item
        if n == 1:
            raise ValueError("one")
        for k in range(5):
            if k == n:
                return k * 100
    return -1


def nested(n):
    out = []
    for i in range(n):
        try:
            try:
                if i == 1:
                    raise KeyError("k")
                if i == 2:
                    continue
                if i == 4:
                    return out
                out.append(i)
            finally:
                out.append(-i)
        except KeyError:
            out.append(99)
        finally:
            out.append(1000)
    return out


def timed(x):
    with Timer() as t:
        return math.sqrt(x) + t.steps


def swallow():
    try:
        raise ValueError("x")
    finally:
        return 5  # noqa: B012 - what is tested


def program():
    p = Pool()
    print(use(p, 0), use(p, 2), use(p, 7))
    try:
        use(p, 1)
    except ValueError as e:
        print("caught", e)
    print(p.free, p.log)
    with closing(p):
        p.log.append("in")
    print(p.log[-2:])
    print(nested(6), timed(9.0), swallow())
    data = [1, 2]
    with Transaction(data) as t:
        t.data.append(3)
    with Transaction(data):
        data.append(4)
        raise Rollback("no")
    print(data)
    try:
        with Transaction(data):
            data.append(5)
            print(data[0] // (len(data) - 4))
    except ZeroDivisionError:
        print("zero", data)
    t = Timer()
    with t:
        pass
    print(t.steps)
    while True:
        with t:
            if t.steps > 40:
                break
    print(t.steps)
