"""Functions of `math` that Numba lacks, with Python's errors where a result has more than 64 bits."""

import math
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, register_jitable

_LARGEST = (1 << 63) - 1
_OVERFLOW = "an integer of a guest has 64 bits, and this one has more"


def install_mathematics() -> None:
    """Add the implementations to Numba's."""
    for function, implementation in (
        (math.comb, _comb),
        (math.perm, _perm),
        (math.factorial, _factorial),
        (math.isqrt, _isqrt),
        (math.lcm, _lcm),
        (math.gcd, _gcd),
        (math.prod, _prod),
        (math.fsum, _fsum),
        (math.modf, _modf),
        (math.log, _log),
        (math.cbrt, _cbrt),
        (math.fmod, _fmod),
        (math.remainder, _remainder),
        (math.ulp, _ulp),
        (math.isclose, _isclose),
        (math.dist, _dist),
        (math.hypot, _hypot),
    ):
        overload(function)(implementation)
    if hasattr(math, "sumprod"):  # since Python 3.12
        overload(getattr(math, "sumprod"))(_sumprod)  # noqa: B009 - pyright looks at Python 3.11


def _is_integer(*kinds: Any) -> bool:
    return all(isinstance(kind, types.Integer | types.Boolean) for kind in kinds)


@register_jitable
def _times(product: int, factor: int) -> int:
    """The product of two numbers that are not negative, if it fits."""
    if factor and product > _LARGEST // factor:
        raise OverflowError(_OVERFLOW)
    return product * factor


@register_jitable
def _divisor(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return abs(a)


def _comb(n: Any, k: Any) -> Any:
    if not _is_integer(n, k):
        return None

    def comb(n: Any, k: Any) -> int:
        if n < 0:
            raise ValueError("n must be a non-negative integer")
        if k < 0:
            raise ValueError("k must be a non-negative integer")
        if k > n:
            return 0
        total = 1
        for step in range(1, min(k, n - k) + 1):
            shared = _divisor(total, step)
            total = _times(total // shared, (n - step + 1) // (step // shared))
        return total

    return comb


def _perm(n: Any, k: Any = None) -> Any:
    if not _is_integer(n):
        return None

    def perm(n: Any, k: Any = None) -> int:
        count = n if k is None else k
        if n < 0:
            raise ValueError("n must be a non-negative integer")
        if count < 0:
            raise ValueError("k must be a non-negative integer")
        if count > n:
            return 0
        total = 1
        for step in range(count):
            total = _times(total, n - step)
        return total

    return perm


def _factorial(n: Any) -> Any:
    if not _is_integer(n):
        return None

    def factorial(n: Any) -> int:
        if n < 0:
            raise ValueError("factorial() not defined for negative values")
        total = 1
        for step in range(2, n + 1):
            total = _times(total, step)
        return total

    return factorial


def _isqrt(n: Any) -> Any:
    if not _is_integer(n):
        return None

    def isqrt(n: Any) -> Any:
        if n < 0:
            raise ValueError("isqrt() argument must be nonnegative")
        root = np.uint64(math.sqrt(n))
        while root and root > np.uint64(n) // root:
            root -= np.uint64(1)
        while root + np.uint64(1) <= np.uint64(n) // (root + np.uint64(1)):
            root += np.uint64(1)
        return np.int64(root)

    return isqrt


def _lcm(*numbers: Any) -> Any:
    if not _is_integer(*numbers):
        return None

    def lcm(*numbers: Any) -> int:
        total = 1
        for number in numbers:
            if number == 0:
                return 0
            total = _times(total // _divisor(total, number), abs(number))
        return total

    def of_none(*numbers: Any) -> int:
        return 1

    return lcm if numbers else of_none


def _gcd(*numbers: Any) -> Any:
    if len(numbers) == 2 or not _is_integer(*numbers):
        return None

    def gcd(*numbers: Any) -> int:
        total = 0
        for number in numbers:
            total = _divisor(total, number)
        return total

    def of_none(*numbers: Any) -> int:
        return 0

    return gcd if numbers else of_none


def _item_kind(iterable: Any) -> Any:
    return getattr(iterable, "dtype", None) or getattr(
        getattr(iterable, "iterator_type", None), "yield_type", None
    )


def _prod(iterable: Any, start: Any = 1) -> Any:
    if not isinstance(iterable, types.IterableType):
        return None
    is_of_integers = _is_integer(_item_kind(iterable)) and (
        _is_integer(start) or isinstance(start, int | types.Omitted)
    )

    def product_of_integers(iterable: Any, start: Any = 1) -> Any:
        total = start
        for item in iterable:
            if total and item:
                size = _times(abs(total), abs(item))
                total = size if (total < 0) == (item < 0) else -size
            else:
                total = 0
        return total

    def product(iterable: Any, start: Any = 1) -> Any:
        total = start
        for item in iterable:
            total = total * item
        return total

    return product_of_integers if is_of_integers else product


def _fsum(iterable: Any) -> Any:
    """The sum rounded once (Shewchuk 1997): parts that do not overlap, the smallest first."""
    if not isinstance(iterable, types.IterableType):
        return None

    def fsum(iterable: Any) -> float:
        parts = [0.0]
        special = 0.0
        for item in iterable:
            x = float(item)
            if not math.isfinite(x):
                special += x
                continue
            kept = 0
            for part in parts:
                larger, smaller = (part, x) if abs(x) < abs(part) else (x, part)
                total = larger + smaller
                rest = smaller - (total - larger)
                if rest != 0.0:
                    parts[kept] = rest
                    kept += 1
                x = total
            if not math.isfinite(x):
                raise OverflowError("intermediate overflow in fsum")
            while len(parts) > kept:
                parts.pop()
            parts.append(x)
        return special if special != 0.0 or math.isnan(special) else _rounded(parts)

    return fsum


@register_jitable
def _rounded(parts: Any) -> float:
    """The sum of parts that do not overlap; a tie is broken by the next smaller part."""
    total = rest = 0.0
    place = len(parts) - 1
    while place >= 0:
        previous = total
        total = previous + parts[place]
        rest = parts[place] - (total - previous)
        place -= 1
        if rest != 0.0:
            break
    if place >= 0 and ((rest < 0.0 and parts[place] < 0.0) or (rest > 0.0 and parts[place] > 0.0)):
        twice = rest * 2.0
        further = total + twice
        if twice == further - total:
            total = further
    return total


def _modf(x: Any) -> Any:
    def modf(x: Any) -> Any:
        number = float(x)
        if math.isinf(number):
            return math.copysign(0.0, number), number
        whole = float(np.trunc(number))
        return math.copysign(number - whole, number), whole

    return modf


def _log(x: Any, base: Any) -> Any:
    def log(x: Any, base: Any) -> float:
        return math.log(float(x)) / math.log(float(base))

    return log


def _fmod(x: Any, y: Any) -> Any:
    def fmod(x: Any, y: Any) -> float:
        dividend, divisor = float(x), float(y)
        rest = np.fmod(dividend, divisor)
        if math.isnan(rest) and not math.isnan(dividend) and not math.isnan(divisor):
            raise ValueError("math domain error")
        return rest

    return fmod


def _cbrt(x: Any) -> Any:
    def cbrt(x: Any) -> Any:
        return np.cbrt(float(x))

    return cbrt


def _remainder(x: Any, y: Any) -> Any:
    def remainder(x: Any, y: Any) -> float:
        """What is left of x without the nearest multiple of y, the even one of two."""
        number, divisor = float(x), abs(float(y))
        if math.isnan(number) or math.isnan(divisor):
            return number + divisor
        if math.isinf(number) or divisor == 0.0:
            raise ValueError("math domain error")
        if math.isinf(divisor):
            return number
        left = math.fmod(abs(number), divisor)
        missing = divisor - left
        if left > missing or (left == missing and math.fmod(0.5 * (abs(number) - left), divisor) != 0.0):
            left = -missing
        return math.copysign(1.0, number) * left

    return remainder


def _ulp(x: Any) -> Any:
    def ulp(x: Any) -> float:
        size = abs(float(x))
        if math.isinf(size) or math.isnan(size):
            return size
        following = np.nextafter(size, np.inf)
        return following - size if not math.isinf(following) else size - np.nextafter(size, -np.inf)

    return ulp


def _isclose(a: Any, b: Any, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> Any:
    if not isinstance(a, types.Number) or not isinstance(b, types.Number):
        return None

    def isclose(a: Any, b: Any, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> bool:
        if rel_tol < 0.0 or abs_tol < 0.0:
            raise ValueError("tolerances must be non-negative")
        if a == b:
            return True
        if math.isinf(a) or math.isinf(b):
            return False
        difference = abs(b - a)
        return difference <= abs(rel_tol * b) or difference <= abs(rel_tol * a) or difference <= abs_tol

    return isclose


@register_jitable
def _product_exactly(a: float, b: float) -> tuple[float, float]:
    """(product, what its rounding lost), by splitting the factors (Dekker 1971)."""
    splitter = 134217729.0
    high_a = splitter * a - (splitter * a - a)
    high_b = splitter * b - (splitter * b - b)
    low_a, low_b = a - high_a, b - high_b
    product = a * b
    return product, ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@register_jitable
def _norm(coordinates: Any) -> float:
    """The length of a vector, from squares that are added with what their rounding lost."""
    largest = 0.0
    for coordinate in coordinates:
        if math.isinf(coordinate):
            return math.inf
        if math.isnan(coordinate) or abs(coordinate) > largest:
            largest = abs(coordinate)
    if math.isnan(largest) or largest == 0.0:
        return largest
    exponent = math.frexp(largest)[1]
    high, low = 0.0, 0.0
    for coordinate in coordinates:
        scaled = math.ldexp(coordinate, -exponent)
        square, lost = _product_exactly(scaled, scaled)
        total = high + square
        low += (square - (total - high) if high >= square else high - (total - square)) + lost
        high = total
    root = math.sqrt(high + low)
    square, lost = _product_exactly(root, root)
    root += ((high - square) - lost + low) / (2.0 * root)
    return math.ldexp(root, exponent)


def _dist(p: Any, q: Any) -> Any:
    def dist(p: Any, q: Any) -> float:
        if len(p) != len(q):
            raise ValueError("both points must have the same number of dimensions")
        return _norm([float(p[axis]) - float(q[axis]) for axis in range(len(p))])

    return dist


def _hypot(*coordinates: Any) -> Any:
    if len(coordinates) == 2 or not all(
        isinstance(kind, types.Integer | types.Float) for kind in coordinates
    ):
        return None

    def hypot(*coordinates: Any) -> float:
        return _norm([float(coordinate) for coordinate in coordinates])

    return hypot


def _sumprod(p: Any, q: Any) -> Any:
    if not (_is_integer(_item_kind(p)) and _is_integer(_item_kind(q))):
        raise errors.TypingError("a guest's math.sumprod takes integers; use np.dot for floats")

    def sumprod(p: Any, q: Any) -> Any:
        if len(p) != len(q):
            raise ValueError("Inputs are not the same length")
        total = 0
        for left, right in zip(p, q):  # noqa: B905 - Numba has no strict=
            total += left * right
        return total

    return sumprod
