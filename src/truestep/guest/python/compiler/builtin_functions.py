"""Functions of Python that Numba lacks: any, all, reversed, pow of three, min and max of nothing."""

import functools
from typing import Any

from numba.core import errors, types
from numba.core.extending import overload, register_jitable
from numba.cpython import builtins
from numba.misc.special import literal_unroll
from numba.np.types import datetime_registry

from truestep.guest.python.compiler.texts import forget_overload


def install_builtin_functions() -> None:
    """Add the implementations to Numba's."""
    overload(any)(_any)
    overload(all)(_all)
    overload(reversed)(_reversed)
    overload(pow)(_power_modulo)
    for function, numbas, ours, of_several in (
        (min, builtins.iterable_min, _min, (builtins.ol_min, datetime_registry.ol_min_datetime)),
        (max, builtins.iterable_max, _max, (builtins.ol_max, datetime_registry.ol_max_datetime)),
    ):
        forget_overload(function, numbas)
        overload(function)(ours)
        for implementation in of_several:
            forget_overload(function, implementation)
            overload(function)(_of_several(function.__name__, implementation))


def _of_several(name: str, numbas: Any) -> Any:
    """Numba's own, which takes a single number as well."""

    @functools.wraps(numbas)  # Numba compares the parameters with those of its own
    def implementation(*x: Any) -> Any:
        if len(x) == 1 and isinstance(x[0], types.Number | types.Boolean):
            raise errors.TypingError(f"a guest's {name}() takes two numbers or more: write {name}(x, y)")
        return numbas(*x)

    return implementation


def _any(iterable: Any) -> Any:
    if isinstance(iterable, types.Tuple):

        def any_member(iterable: Any) -> bool:
            found = False
            for member in literal_unroll(iterable):
                found = found or bool(member)
            return found

        return any_member

    def any_item(iterable: Any) -> bool:
        for item in iterable:  # noqa: SIM110 - compiled by Numba, which has no generator expressions
            if item:
                return True
        return False

    return any_item


def _all(iterable: Any) -> Any:
    if isinstance(iterable, types.Tuple):

        def all_members(iterable: Any) -> bool:
            found = True
            for member in literal_unroll(iterable):
                found = found and bool(member)
            return found

        return all_members

    def all_items(iterable: Any) -> bool:
        for item in iterable:  # noqa: SIM110 - compiled by Numba, which has no generator expressions
            if not item:
                return False
        return True

    return all_items


def _reversed(sequence: Any) -> Any:
    if isinstance(sequence, types.RangeType):

        def reverse_range(sequence: Any) -> Any:
            step = sequence.step
            last = sequence.start + (len(sequence) - 1) * step
            for index in range(len(sequence)):
                yield last - index * step

        return reverse_range
    if not isinstance(sequence, types.Sequence | types.Array | types.UnicodeType | types.ListType):
        return None

    def reverse(sequence: Any) -> Any:
        for index in range(len(sequence) - 1, -1, -1):
            yield sequence[index]

    return reverse


_MULTIPLIED_AT_ONCE = 1 << 31
"""Numbers below it have products that fit into 64 bits."""


@register_jitable
def _inverse_modulo(number: Any, modulus: Any) -> Any:
    """The number whose product with another one is 1, by Euclid's algorithm."""
    left, right = number, modulus
    factor, following = 1, 0
    while right:
        quotient = left // right
        left, right = right, left - quotient * right
        factor, following = following, factor - quotient * following
    if left != 1:
        raise ValueError("base is not invertible for the given modulus")
    return factor % modulus


def _power_modulo(base: Any, exponent: Any, modulus: Any) -> Any:
    if not all(isinstance(kind, types.Integer) for kind in (base, exponent, modulus)):
        return None

    def power(base: Any, exponent: Any, modulus: Any) -> Any:
        if modulus == 0:
            raise ValueError("pow() 3rd argument cannot be 0")
        size = abs(modulus)
        result = 1 % size
        factor = base % size
        if exponent < 0:
            factor = _inverse_modulo(factor, size)
            exponent = -exponent
        while exponent:
            if exponent & 1:
                result = _product_modulo(result, factor, size)
            factor = _product_modulo(factor, factor, size)
            exponent >>= 1
        return result + modulus if modulus < 0 and result else result

    return power


def _product_modulo(left: int, right: int, modulus: int) -> int:
    """The product of two numbers below the modulus. Compiled only."""
    raise NotImplementedError


@overload(_product_modulo)
def _product_modulo_of(left: Any, right: Any, modulus: Any) -> Any:
    def product(left: Any, right: Any, modulus: Any) -> int:
        if modulus <= _MULTIPLIED_AT_ONCE:
            return left * right % modulus
        total = 0
        while right:
            if right & 1:
                total = total - (modulus - left) if total >= modulus - left else total + left
            left = left - (modulus - left) if left >= modulus - left else left + left
            right >>= 1
        return total

    return product


def _min(iterable: Any) -> Any:
    if not isinstance(iterable, types.IterableType):
        return None

    def least(iterable: Any) -> Any:
        rest = iter(iterable)
        for first in rest:
            found = first
            for item in rest:
                found = min(found, item)
            return found
        raise ValueError("min() arg is an empty sequence")

    return least


def _max(iterable: Any) -> Any:
    if not isinstance(iterable, types.IterableType):
        return None

    def greatest(iterable: Any) -> Any:
        rest = iter(iterable)
        for first in rest:
            found = first
            for item in rest:
                found = max(found, item)
            return found
        raise ValueError("max() arg is an empty sequence")

    return greatest


def least_or(items: Any, default: Any) -> Any:
    """`min(items, default=default)`. Compiled only."""
    raise NotImplementedError


def greatest_or(items: Any, default: Any) -> Any:
    """`max(items, default=default)`. Compiled only."""
    raise NotImplementedError


def least_by_or(items: Any, key: Any, default: Any) -> Any:
    """`min(items, key=key, default=default)`. Compiled only."""
    raise NotImplementedError


def greatest_by_or(items: Any, key: Any, default: Any) -> Any:
    """`max(items, key=key, default=default)`. Compiled only."""
    raise NotImplementedError


@overload(least_or)
def _least_or(items: Any, default: Any) -> Any:
    def least(items: Any, default: Any) -> Any:
        for _ in items:
            return min(items)
        return default

    return least


@overload(greatest_or)
def _greatest_or(items: Any, default: Any) -> Any:
    def greatest(items: Any, default: Any) -> Any:
        for _ in items:
            return max(items)
        return default

    return greatest


@overload(least_by_or)
def _least_by_or(items: Any, key: Any, default: Any) -> Any:
    def least(items: Any, key: Any, default: Any) -> Any:
        for _ in items:
            return least_by(items, key)
        return default

    return least


@overload(greatest_by_or)
def _greatest_by_or(items: Any, key: Any, default: Any) -> Any:
    def greatest(items: Any, key: Any, default: Any) -> Any:
        for _ in items:
            return greatest_by(items, key)
        return default

    return greatest


def least_by(items: Any, key: Any) -> Any:
    """`min(items, key=key)`. Compiled only."""
    raise NotImplementedError


def greatest_by(items: Any, key: Any) -> Any:
    """`max(items, key=key)`. Compiled only."""
    raise NotImplementedError


@overload(least_by)
def _least_by(items: Any, key: Any) -> Any:
    def least(items: Any, key: Any) -> Any:
        rest = iter(items)
        for first in rest:
            found = first
            limit = key(first)
            for item in rest:
                weight = key(item)
                if weight < limit:
                    found = item
                    limit = weight
            return found
        raise ValueError("min() arg is an empty sequence")

    return least


@overload(greatest_by)
def _greatest_by(items: Any, key: Any) -> Any:
    def greatest(items: Any, key: Any) -> Any:
        rest = iter(items)
        for first in rest:
            found = first
            limit = key(first)
            for item in rest:
                weight = key(item)
                if weight > limit:
                    found = item
                    limit = weight
            return found
        raise ValueError("max() arg is an empty sequence")

    return greatest
