"""The functions of `bisect`, for lists and arrays."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import bisect
from typing import Any

from numba.core import types
from numba.core.extending import overload


def install_bisecting() -> None:
    """Add the implementations."""
    for function, place in (
        (bisect.bisect_left, place_left),
        (bisect.bisect_right, place_right),
    ):
        overload(function, strict=False)(_bisection(place))
    for function, place in ((bisect.insort_left, place_left), (bisect.insort_right, place_right)):
        overload(function, strict=False)(_insertion(place))


def place_left(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> int:
    """Where `x` goes in front of what equals it. Compiled only."""
    raise NotImplementedError


def place_right(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> int:
    """Where `x` goes behind what equals it. Compiled only."""
    raise NotImplementedError


def _is_none(kind: Any) -> bool:
    return kind is None or isinstance(kind, types.NoneType) or getattr(kind, "value", 0) is None


@overload(place_left, strict=False)
def _place_left(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> Any:
    if _is_none(key):

        def place(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> int:
            first, end = lo, hi
            while first < end:
                middle = (first + end) // 2
                if a[middle] < x:
                    first = middle + 1
                else:
                    end = middle
            return first

        return place

    def place_by_key(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> int:
        first, end = lo, hi
        while first < end:
            middle = (first + end) // 2
            if key(a[middle]) < x:
                first = middle + 1
            else:
                end = middle
        return first

    return place_by_key


@overload(place_right, strict=False)
def _place_right(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> Any:
    if _is_none(key):

        def place(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> int:
            first, end = lo, hi
            while first < end:
                middle = (first + end) // 2
                if x < a[middle]:
                    end = middle
                else:
                    first = middle + 1
            return first

        return place

    def place_by_key(a: Any, x: Any, lo: Any, hi: Any, key: Any) -> int:
        first, end = lo, hi
        while first < end:
            middle = (first + end) // 2
            if x < key(a[middle]):
                end = middle
            else:
                first = middle + 1
        return first

    return place_by_key


def _bisection(place: Any) -> Any:
    def bisection(a: Any, x: Any, lo: Any = 0, hi: Any = None, key: Any = None) -> Any:
        del x, lo
        if not isinstance(a, types.List | types.ListType | types.Array | types.BaseTuple | types.UnicodeType):
            return None
        is_whole = _is_none(hi)

        def found(a: Any, x: Any, lo: Any = 0, hi: Any = None, key: Any = None) -> int:
            if lo < 0:
                raise ValueError("lo must be non-negative")
            end = len(a) if is_whole else hi
            return place(a, x, lo, end, key)

        return found

    return bisection


def _insertion(place: Any) -> Any:
    def insertion(a: Any, x: Any, lo: Any = 0, hi: Any = None, key: Any = None) -> Any:
        del x, lo
        if not isinstance(a, types.List | types.ListType):
            return None
        is_whole, has_key = _is_none(hi), not _is_none(key)

        def inserted(a: Any, x: Any, lo: Any = 0, hi: Any = None, key: Any = None) -> None:
            if lo < 0:
                raise ValueError("lo must be non-negative")
            end = len(a) if is_whole else hi
            a.insert(place(a, x, lo, end, key), x)

        def inserted_by_key(a: Any, x: Any, lo: Any = 0, hi: Any = None, key: Any = None) -> None:
            if lo < 0:
                raise ValueError("lo must be non-negative")
            end = len(a) if is_whole else hi
            a.insert(place(a, key(x), lo, end, key), x)

        return inserted_by_key if has_key else inserted

    return insertion
