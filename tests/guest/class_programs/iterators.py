"""Classes with `__iter__` and `__next__`, and generators as methods."""


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.n <= 0:
            raise StopIteration
        self.n -= 1
        return self.n + 1


def iter_next():
    for x in Countdown(3):
        print(x)
    print(list(Countdown(4)))
    print(sum(Countdown(5)))
    it = iter(Countdown(3))
    print(next(it), next(it))
    print([x * 2 for x in Countdown(3)])
    print(max(Countdown(7)))


class Range2:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return Range2Iter(self.n)


class Range2Iter:
    def __init__(self, n):
        self.i = 0
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if self.i >= self.n:
            raise StopIteration()
        v = self.i
        self.i += 1
        return v * v


def iter_separate():
    r = Range2(4)
    for x in r:
        print(x)
    for x, y in zip(r, r):
        print(x, y)
    for i, x in enumerate(r):
        print(i, x)
    print(sorted(r, reverse=True))
    a, b, c, d = r
    print(a + b + c + d)
    print(9 in r, 5 in r)


class Tree:
    def __init__(self, v, left=None, right=None):
        self.v = v
        self.left = left
        self.right = right

    def __iter__(self):
        if self.left is not None:
            yield from self.left
        yield self.v
        if self.right is not None:
            yield from self.right

    def leaves(self):
        stack = [self]
        while stack:
            node = stack.pop()
            if node.left is None and node.right is None:
                yield node.v
            if node.left is not None:
                stack.append(node.left)
            if node.right is not None:
                stack.append(node.right)


def gen_method():
    t = Tree(5, Tree(2, Tree(1), Tree(3)), Tree(8))
    print(list(t))
    for leaf in t.leaves():
        print(leaf)


def program():
    iter_next()
    iter_separate()
    gen_method()
