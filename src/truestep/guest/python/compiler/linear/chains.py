"""np.linalg.multi_dot and matrix_power."""

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, register_jitable
from numba.np import numpy_support

from truestep.guest.python.compiler.linear.routines import replaces
from truestep.guest.python.compiler.sums import forget

_linalg: Any = np.linalg


def install_chains() -> None:
    """Replace Numba's own functions."""
    replaces(_linalg.matrix_power)(_matrix_power)
    forget(_linalg.multi_dot, "")
    overload(_linalg.multi_dot)(_multi_dot)


def _matrix_power(a: Any, n: Any) -> Any:
    if not isinstance(n, types.Integer):
        raise errors.TypingError(
            "a guest cannot use np.linalg.matrix_power with an exponent that is no integer"
        )
    is_float = isinstance(a.dtype, types.Float | types.Complex)
    number = numpy_support.as_dtype(a.dtype)

    @register_jitable
    def power(a: Any, n: Any) -> Any:
        result, square, is_first = a, a, True
        while True:
            if n & 1:
                result = square if is_first else result @ square
                is_first = False
            n >>= 1
            if n == 0:
                return result
            square = square @ square

    def matrix_power(a: Any, n: Any) -> Any:
        if a.shape[-1] != a.shape[-2]:
            raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
        if n == 0:
            one = np.zeros(a.shape, number)
            for i in range(a.shape[-1]):
                one[..., i, i] = 1
            return one
        if n < 0:
            return power(np.linalg.inv(a), -n)
        return power(a.copy(), n)

    def matrix_power_of_integers(a: Any, n: Any) -> Any:
        if a.shape[-1] != a.shape[-2]:
            raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
        if n < 0:
            raise ValueError("a negative power of a matrix of integers has floats: use a.astype(np.float64)")
        if n == 0:
            one = np.zeros(a.shape, number)
            for i in range(a.shape[-1]):
                one[..., i, i] = 1
            return one
        return power(a.copy(), n)

    return matrix_power if is_float else matrix_power_of_integers


def _multi_dot(arrays: Any) -> Any:
    if isinstance(arrays, types.List):
        return _multi_dot_of_list if arrays.dtype.ndim == 2 else None
    if not isinstance(arrays, types.BaseTuple) or not all(isinstance(array, types.Array) for array in arrays):
        return None
    if len(set(arrays)) == 1 and arrays[0].ndim == 2:

        def multi_dot_of_equals(arrays: Any) -> Any:
            return np.linalg.multi_dot(list(arrays))

        return multi_dot_of_equals
    count = len(arrays)
    if count < 2:
        raise errors.TypingError("a guest cannot use np.linalg.multi_dot of fewer than two arrays")

    def multi_dot_of_two(arrays: Any) -> Any:
        return np.dot(arrays[0], arrays[1])

    def multi_dot_from_left(arrays: Any) -> Any:
        return np.linalg.multi_dot((np.dot(arrays[0], arrays[1]), *arrays[2:]))

    def multi_dot_from_right(arrays: Any) -> Any:
        return np.dot(arrays[0], np.linalg.multi_dot(arrays[1:]))

    if count == 2:
        return multi_dot_of_two
    return multi_dot_from_right if arrays[-1].ndim == 1 else multi_dot_from_left


def _multi_dot_of_list(arrays: Any) -> Any:
    """In the order with the fewest multiplications (Cormen et al., Introduction to Algorithms, ch. 15)."""
    count = len(arrays)
    if count < 2:
        raise ValueError("Expecting at least two arrays.")
    costs, splits = np.zeros((count, count)), np.zeros((count, count), np.int64)
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            costs[first, last] = np.inf
            for split in range(first, last):
                own = float(arrays[first].shape[0]) * arrays[split].shape[1] * arrays[last].shape[1]
                cost = costs[first, split] + costs[split + 1, last] + own
                if cost < costs[first, last]:
                    costs[first, last], splits[first, last] = cost, split
    return _dot_in_order(arrays, splits)


@register_jitable
def _dot_in_order(arrays: Any, splits: Any) -> Any:
    """The product of the arrays; `splits` says after which array a run of them is split."""
    count = len(arrays)
    is_made = np.zeros((count, count), np.bool_)
    is_made[0, count - 1] = True
    for length in range(count - 1, 0, -1):
        for first in range(count - length):
            if is_made[first, first + length]:
                split = splits[first, first + length]
                is_made[first, split] = is_made[split + 1, first + length] = True
    parts = [array.copy() for array in arrays]
    ends = list(range(count))
    while len(parts) > 1:
        first = 0
        for index in range(len(parts) - 1):
            if is_made[first, ends[index + 1]] and splits[first, ends[index + 1]] == ends[index]:
                parts[index] = np.dot(parts[index], parts[index + 1])
                parts.pop(index + 1)
                ends.pop(index)
                break
            first = ends[index] + 1
    return parts[0]
