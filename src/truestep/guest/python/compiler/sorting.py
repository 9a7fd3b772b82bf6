"""Sorts that keep equal items in their order, as Python's do and NumPy's with kind="stable".

NumPy's own default order of equal items depends on the processor.
"""

from typing import Any

from numba.core.extending import register_jitable
from numba.cpython import listobj
from numba.np import arrayobj

_RUN = 8
"""Items that are put in order by insertion before runs are merged."""

_sort_function: Any = arrayobj.get_sort_func


def install_sorting() -> None:
    """Let every argsort and every sort of a list be stable."""
    arrayobj.get_sort_func = _stable_sort_function
    listobj.sort_forwards, listobj.arg_sort_forwards = _sorts(is_reversed=False)
    listobj.sort_backwards, listobj.arg_sort_backwards = _sorts(is_reversed=True)


def _stable_sort_function(kind: str, lt_impl: Any, is_argsort: bool = False) -> Any:
    return _sort_function("mergesort" if is_argsort else kind, lt_impl, is_argsort)


def _sorts(*, is_reversed: bool) -> tuple[Any, Any]:
    """(sorts a list in place, lists the places of a list's items in their order). Both return a list."""

    @register_jitable
    def is_before(keys: Any, one: Any, other: Any) -> Any:
        del keys
        return other < one if is_reversed else one < other

    @register_jitable
    def is_place_before(keys: Any, one: Any, other: Any) -> Any:
        return keys[other] < keys[one] if is_reversed else keys[one] < keys[other]

    sort_items, sort_places = _sort_by(is_before), _sort_by(is_place_before)

    @register_jitable
    def sort(items: Any) -> Any:
        return sort_items(items, items)

    @register_jitable
    def places(keys: Any) -> Any:
        return sort_places(keys, list(range(len(keys))))

    return sort, places


def _sort_by(is_before: Any) -> Any:
    """A function that sorts items in place by `is_before(keys, one, other)`, and returns them."""

    @register_jitable
    def sort(keys: Any, items: Any) -> Any:
        count = len(items)
        for start in range(0, count, _RUN):
            for place in range(start + 1, min(start + _RUN, count)):
                item, hole = items[place], place
                while hole > start and is_before(keys, item, items[hole - 1]):
                    items[hole] = items[hole - 1]
                    hole -= 1
                items[hole] = item
        if count <= _RUN:
            return items
        earlier = items[:count]
        width = _RUN
        while width < count:
            for start in range(0, count - width, 2 * width):
                # The earlier run is copied, and both are merged from its start on.
                for place in range(width):
                    earlier[place] = items[start + place]
                one, other, end = 0, start + width, min(start + 2 * width, count)
                for target in range(start, end):
                    if one == width:
                        break
                    if other < end and is_before(keys, items[other], earlier[one]):
                        items[target] = items[other]
                        other += 1
                    else:
                        items[target] = earlier[one]
                        one += 1
            width *= 2
        return items

    return sort
