"""Methods and attributes of arrays and of NumPy's numbers that Numba lacks."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, overload_attribute, overload_method
from numba.core.typing.npydecl import parse_dtype
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, literal
from truestep.guest.python.compiler.numpy_functions.axes import (
    is_axis,
    is_none,
    place_of,
    rows_of,
    rows_put_back,
)
from truestep.guest.python.compiler.numpy_functions.creation import array_with_options
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_method
from truestep.guest.python.compiler.python_numbers import python_kind

_NUMBERS = (types.Integer, types.Float, types.Complex, types.Boolean)


def install_array_methods() -> None:
    """Add them to Numba's."""
    for name, implementation in (
        ("tolist", _tolist),
        ("round", _round),
        ("searchsorted", _searchsorted),
        ("partition", _partition),
        ("argpartition", _argpartition),
        ("swapaxes", _swapaxes),
        ("trace", _trace),
        ("conjugate", _conjugate),
        ("copy", _copy),
        ("astype", _astype),
    ):
        extend_method(name, implementation)
    # Numba's own gives NumPy's numbers.
    extend_method("item", _item, lambda array: isinstance(array.dtype, _NUMBERS))
    extend(np.partition, _along_axis(np.partition))
    extend(np.argpartition, _along_axis(np.argpartition))
    for kind in _NUMBERS:
        for name, implementation in (("item", _number), ("tolist", _number), ("round", _rounded_number)):
            overload_method(kind, name, strict=False)(implementation)
        for name in ("dtype", "itemsize", "nbytes", "ndim", "size", "shape"):
            overload_attribute(kind, name, strict=False)(_attribute_of_number(name))


def _tolist(a: Any) -> Any:
    if not isinstance(a.dtype, _NUMBERS):
        return None
    return lambda a: _listed(a)


def _listed(a: Any) -> Any:
    """A number of Python, or a list of what the array's first axis has. Compiled only."""
    raise NotImplementedError


@overload(_listed, strict=False)
def _listed_of(a: Any) -> Any:
    if not isinstance(a, types.Array):
        return lambda a: as_python(a)
    if a.ndim == 0:
        return lambda a: as_python(a[()])
    if a.ndim == 1:
        return lambda a: [as_python(item) for item in a]
    return lambda a: [_listed(a[index]) for index in range(len(a))]


def as_python(number: Any) -> Any:
    """The number as int, float, complex or bool. Compiled only."""
    raise NotImplementedError


@overload(as_python, strict=False)
def _as_python(number: Any) -> Any:
    if isinstance(number, types.Boolean):
        return lambda number: number
    if isinstance(number, types.Integer):
        return lambda number: np.int64(number)
    if isinstance(number, types.Float):
        return lambda number: np.float64(number)
    return lambda number: np.complex128(number)


def _item(a: Any, index: Any = None, second: Any = None, third: Any = None) -> Any:
    given = [kind for kind in (index, second, third) if not is_none(kind)]
    if not isinstance(a.dtype, _NUMBERS) or not all(map(is_axis, given)):
        return None
    if not given:
        return lambda a, index=None, second=None, third=None: as_python(_only_item(a))
    if len(given) == 1 and isinstance(index, types.BaseTuple):
        if len(index) != a.ndim:
            raise errors.TypingError("item() takes as many indices as the array has dimensions")
        return lambda a, index=None, second=None, third=None: as_python(_checked_item(a, index))
    if len(given) == 1:
        return lambda a, index=None, second=None, third=None: as_python(_item_in_order(a, index))
    if len(given) != a.ndim:
        raise errors.TypingError("item() takes as many indices as the array has dimensions")
    if len(given) == 2:
        return lambda a, index=None, second=None, third=None: as_python(_checked_item(a, (index, second)))
    return lambda a, index=None, second=None, third=None: as_python(_checked_item(a, (index, second, third)))


def _only_item(a: Any) -> Any:
    if a.size != 1:
        raise ValueError("can only convert an array of size 1 to a Python scalar")
    return a.flat[0]


def _checked_item(a: Any, indices: Any) -> Any:
    for axis in range(a.ndim):
        if not -a.shape[axis] <= indices[axis] < a.shape[axis]:
            raise IndexError("index is out of bounds for the axis")
    return a[indices]


def _item_in_order(a: Any, index: Any) -> Any:
    if not -a.size <= index < a.size:
        raise IndexError("index is out of bounds for the size of the array")
    return a.flat[index + a.size if index < 0 else index]


def _round(a: Any, decimals: Any = 0, out: Any = None) -> Any:
    return lambda a, decimals=0, out=None: np.round(a, decimals, out)


def _searchsorted(a: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    if is_none(sorter):
        return lambda a, v, side="left", sorter=None: np.searchsorted(a, v, side)
    return lambda a, v, side="left", sorter=None: np.searchsorted(a[sorter], v, side)


def _partition(a: Any, kth: Any, axis: Any = -1) -> Any:
    if not a.mutable:
        return None

    def partition(a: Any, kth: Any, axis: Any = -1) -> None:
        a[...] = np.partition(a, kth, axis)

    return partition


def _argpartition(a: Any, kth: Any, axis: Any = -1) -> Any:
    return lambda a, kth, axis=-1: np.argpartition(a, kth, axis)


def _along_axis(function: Any) -> Any:
    """np.partition or np.argpartition along an axis, or of all items; Numba has the last axis."""

    def of_axis(a: Any, kth: Any, axis: Any = -1) -> Any:
        if array_of(a) is None or array_of(a).ndim < 1:
            return None
        if not isinstance(getattr(kth, "dtype", kth), types.Integer):
            raise errors.TypingError(f"a guest's {function.__name__} takes integers as kth: write int(kth)")
        if isinstance(axis, types.NoneType):
            return lambda a, kth, axis=-1: function(as_array(a).ravel(), kth)

        def partitioned(a: Any, kth: Any, axis: Any = -1) -> Any:
            items = as_array(a)
            place = place_of(axis, items.ndim)
            return rows_put_back(function(rows_of(items, (place,)), kth), items, place)

        return partitioned

    return of_axis


def _swapaxes(a: Any, axis1: Any, axis2: Any) -> Any:
    return lambda a, axis1, axis2: np.swapaxes(a, axis1, axis2)


def _trace(a: Any, offset: Any = 0) -> Any:
    return lambda a, offset=0: np.trace(a, offset)


def _conjugate(a: Any) -> Any:
    return lambda a: np.conj(a)


def _copy(a: Any, order: Any = "C") -> Any:
    chosen = literal(order, "order")
    if chosen not in {"C", "F", "K", "A"}:
        return None
    return lambda a, order="C": array_with_options(a, None, True, chosen)


def _astype(
    a: Any, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: Any = True, copy: Any = True
) -> Any:
    found = parse_dtype(dtype)
    if found is None:
        raise errors.TypingError("a guest must know the dtype when it is compiled; write np.float64")
    if literal(casting, "casting") != "unsafe" and not np.can_cast(
        numpy_support.as_dtype(a.dtype), numpy_support.as_dtype(found), literal(casting, "casting")
    ):
        raise errors.TypingError(f"Cannot cast array data from {a.dtype} to {found} by this rule")
    if literal(copy, "copy"):
        return lambda a, dtype, order="K", casting="unsafe", subok=True, copy=True: a.astype(dtype)
    if found == a.dtype:
        return lambda a, dtype, order="K", casting="unsafe", subok=True, copy=True: a
    return lambda a, dtype, order="K", casting="unsafe", subok=True, copy=True: a.astype(dtype)


def _number(number: Any) -> Any:
    return None if python_kind(number) else lambda number: as_python(number)


def _rounded_number(number: Any, ndigits: Any = 0) -> Any:
    if python_kind(number) or isinstance(number, types.Boolean):
        return None
    return lambda number, ndigits=0: np.round(number, ndigits)


def _attribute_of_number(name: str) -> Any:
    def attribute(number: Any) -> Any:
        if python_kind(number):
            return None
        value = getattr(numpy_support.as_dtype(types.unliteral(number)).type(0), name)
        return lambda number: value

    return attribute
