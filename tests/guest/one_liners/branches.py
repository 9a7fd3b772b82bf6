"""Functions with branches that no guest can do, for one-liners that do not come to them."""

# pyright: basic

import fractions
import multiprocessing
import numbers

import numpy as np

MISSING = object()


class _Unset:
    """The class of a value that stands for itself."""


UNSET = _Unset()


def workers(count):
    """How many processes there are."""
    if count < 0:
        count = multiprocessing.cpu_count()
    elif count == 0:
        raise ValueError("no workers")
    return count


def inverse(matrix):
    """The inverse of a matrix of two rows, or a sentinel."""
    determinant = matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0]
    if determinant == 0:
        return fractions.Fraction(1, 3)
    return [[matrix[1][1] / determinant, -matrix[0][1] / determinant]]


def first_item(items, default=MISSING):
    """The first item that is a number, or the default."""
    for item in items:
        if item is UNSET:
            continue
        if isinstance(item, numbers.Real):
            return item
    if default is MISSING:
        raise ValueError("no items")
    return default


def chosen(name, value):
    """What a function of this module gives, by its name."""
    method = globals()["_by_" + name]
    return method(value) if "_by_" + name in globals() else value


def _by_half(value):
    return value / 2


def without_warnings(x):
    """A quotient, with NumPy's warnings off."""
    old = np.seterr(all="ignore")
    result = x / x.sum()
    np.seterr(**old)
    return result


def put_last(items, value):
    """The last item after another one is put there."""

    def put(others, last):
        others.append(last)

    put(items, value)
    return len(items), items[-1]


class Shifted:
    """Some items, of which the last ones stay."""

    def __init__(self, items):
        self.items = items

    def append(self, item):
        """Add an item, and drop the first."""
        self.items.append(item)
        self.items.pop(0)


class Chooser:
    """Something that calls a method which is chosen when it is made."""

    def __init__(self, how="double", scale=2.0):
        methods = {"double": self._double, "square": self._square, "plus": self._plus}
        if how not in methods:
            raise ValueError("one of " + ", ".join(methods.keys()))
        self._method = methods[how]
        self.weights = np.arange(3)
        self.weights = self.weights * scale
        self.then = None or self._plus

    def _double(self, value):
        return 2 * value

    def _square(self, value):
        return value * value

    def _plus(self, value):
        return value + self.weights.sum()

    def call(self, value):
        """What the method gives."""
        return self._method(value)
