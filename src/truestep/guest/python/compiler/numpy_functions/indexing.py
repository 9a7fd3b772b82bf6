"""Lists, and masks of any number of dimensions, as indices of arrays."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import operator
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.core.typing import arraydecl

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array

_numba_index_type: Any = arraydecl.get_array_index_type


def install_indexing() -> None:
    """Add them to what Numba takes as indices."""
    arraydecl.get_array_index_type = _index_type
    overload(operator.getitem, strict=False)(_getitem)
    overload(operator.setitem, strict=False)(_setitem)


def _index_type(array: Any, index: Any) -> Any:
    """Numba's answer, but none for masks that it would compile wrongly or not at all."""
    members = list(index) if isinstance(index, types.BaseTuple) else [index]
    arrays = [member for member in members if _is_indices(member)]
    masks = [member for member in arrays if isinstance(member.dtype, types.Boolean)]
    if any(mask.ndim > 1 for mask in masks) or (masks and len(arrays) > 1):
        raise errors.TypingError("a mask of several dimensions, or beside another array")
    return _numba_index_type(array, index)


def _is_indices(kind: Any) -> bool:
    return isinstance(kind, types.Array) and kind.ndim > 0


def _is_mask(kind: Any) -> bool:
    array = array_of(kind)
    return array is not None and isinstance(array.dtype, types.Boolean)


def _is_listed(kind: Any) -> bool:
    """Whether it is a list that stands for an array of indices, or a mask."""
    array = None if isinstance(kind, types.BaseTuple) else array_of(kind)
    return array is not None and isinstance(array.dtype, types.Integer | types.Boolean)


def _is_new(index: Any) -> bool:
    """Whether an index is of a kind that is added here."""
    members = list(index) if isinstance(index, types.BaseTuple) else [index]
    return any(_is_listed(member) and (not _is_indices(member) or _is_mask(member)) for member in members)


def _getitem(array: Any, index: Any) -> Any:
    if not isinstance(array, types.Array) or not _is_new(index):
        return None
    if _is_mask(index) and array_of(index).ndim == array.ndim:
        return lambda array, index: _items_of_mask(array, as_array(index))
    return lambda array, index: array[as_index(index)]


def _items_of_mask(array: Any, mask: Any) -> Any:
    check_mask(array, mask)
    out = np.empty(np.count_nonzero(mask), array.dtype)
    count = 0
    for place in np.ndindex(array.shape):
        if mask[place]:
            out[count] = array[place]
            count += 1
    return out


def check_mask(array: Any, mask: Any) -> None:
    """Raise IndexError for a mask that does not have the array's shape."""
    for axis in range(mask.ndim):
        if array.shape[axis] != mask.shape[axis]:
            raise IndexError("boolean index did not match indexed array")


def as_index(index: Any) -> Any:
    """The index as a tuple of what Numba takes. Compiled only."""
    raise NotImplementedError


@overload(as_index, strict=False)
def _as_index(index: Any) -> Any:
    if isinstance(index, types.BaseTuple):
        if len(index) == 1:
            return lambda index: as_index(index[0])
        return lambda index: as_index(index[0]) + as_index(index[1:])
    if _is_mask(index):
        return lambda index: as_array(index).nonzero()
    if _is_listed(index):
        return lambda index: (as_array(index),)
    return lambda index: (index,)


def _setitem(array: Any, index: Any, value: Any) -> Any:
    if not isinstance(array, types.Array):
        return None
    if not array.mutable:
        return None
    if _is_new(index) and _is_mask(index) and array_of(index).ndim == array.ndim:
        if array_of(value) is None:
            return lambda array, index, value: _fill_mask(array, as_array(index), value)
        return lambda array, index, value: _put_mask(array, as_array(index), as_array(value))
    if _is_new(index):
        if array_of(value) is None:
            return lambda array, index, value: _set(array, as_index(index), value)
        return lambda array, index, value: _set(array, as_index(index), as_array(value))
    if isinstance(value, types.Array) or array_of(value) is None:
        return None
    return lambda array, index, value: _set(array, index, as_array(value))


def _set(array: Any, index: Any, value: Any) -> None:
    array[index] = value


def _fill_mask(array: Any, mask: Any, value: Any) -> None:
    check_mask(array, mask)
    for place in np.ndindex(array.shape):
        if mask[place]:
            array[place] = value


def _put_mask(array: Any, mask: Any, values: Any) -> None:
    check_mask(array, mask)
    items = values.ravel()
    if len(items) != 1 and len(items) != np.count_nonzero(mask):
        raise ValueError("cannot assign the values: there are not as many as the mask has True")
    count = 0
    for place in np.ndindex(array.shape):
        if mask[place]:
            array[place] = items[count]
            if len(items) > 1:
                count += 1
