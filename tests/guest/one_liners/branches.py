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
