"""Tuples whose length is not known when the guest is compiled, as of `tuple(items)` and `zip(*rows)`.

Numba's tuples have a type for each length. These hold a list that nobody else has; all items have one type.
"""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import operator
from typing import Any

import numpy as np
from numba.core import cgutils, errors, imputils, types, typing
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.extending import intrinsic, overload, overload_method

from truestep.guest.python.compiler.numpy_functions.extending import extend

_LISTED: Any = (
    *(types.List, types.ListType, types.Set, types.DictType, types.RangeType, types.UnicodeType, types.Bytes),
    *(types.IteratorType, types.DictKeysIterableType, types.DictValuesIterableType),
    types.DictItemsIterableType,
)
_of_python: Any = operator

_HASH_FACTOR = 1_000_003
_HASH_START = 0x345678


class ItemTuple(types.IterableType, types.Hashable):
    """A tuple of any number of items."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        kind: Any = super()
        kind.__init__(f"tuple of {dtype}")

    @property
    def held(self) -> Any:
        """The type of the list."""
        return types.List(self.dtype)

    @property
    def iterator_type(self) -> Any:
        """That of a list."""
        return types.ListIter(self.held)

    def is_precise(self) -> bool:
        """Whether the type of the items is known."""
        return self.dtype.is_precise()

    def unify(self, typingctx: Any, other: Any) -> Any:
        """One of these with items of both types."""
        if not isinstance(other, ItemTuple):
            return None
        dtype = typingctx.unify_pairs(self.dtype, other.dtype)
        return None if dtype is None else ItemTuple(dtype)


@register_default(ItemTuple)
class _ItemTupleModel(models.StructModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        models.StructModel.__init__(self, dmm, fe_type, [("held", fe_type.held)])


def install_item_tuples() -> None:
    """Add what Python does with tuples."""
    registry: Any = imputils.builtin_registry
    registry.lower("getiter", ItemTuple)(_get_iterator)
    overload(tuple, strict=False)(_tuple)
    overload(len, strict=False)(_length)
    overload(bool, strict=False)(_is_filled)
    overload(operator.not_, strict=False)(_is_empty)
    overload(operator.getitem, strict=False)(_item)
    overload(operator.contains, strict=False)(_contains)
    for add in (_of_python.add, _of_python.iadd):
        overload(add, strict=False)(_sum_of_two)
    for multiply in (_of_python.mul, _of_python.imul):
        overload(multiply, strict=False)(_repeated)
    overload(sum, strict=False)(_total)
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        overload(compare, strict=False)(_comparison(compare))
    for make in (np.array, np.asarray):
        extend(make, _as_array)
    overload_method(ItemTuple, "__hash__", strict=False)(_hash)
    overload_method(ItemTuple, "index", strict=False)(_index)
    overload_method(ItemTuple, "count", strict=False)(_count)


def _get_iterator(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.args[0]
    items = cgutils.create_struct_proxy(kind)(context, builder, value=arguments[0]).held
    inner = typing.signature(kind.iterator_type, kind.held)
    return context.get_function("getiter", inner)(builder, [items])


@intrinsic
def items_of(typing_context: Any, items: Any) -> Any:
    """The list in a tuple."""
    del typing_context
    if not isinstance(items, ItemTuple):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0]).held
        return imputils.impl_ret_borrowed(context, builder, signature.return_type, held)

    return items.held(items), generate


@intrinsic
def tuple_of(typing_context: Any, items: Any) -> Any:
    """A tuple that holds a list, which nobody else may have."""
    del typing_context
    kind = ItemTuple(types.unliteral(items.dtype))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        made.held = context.cast(builder, arguments[0], signature.args[0], kind.held)
        return imputils.impl_ret_borrowed(context, builder, signature.return_type, made._getvalue())

    return kind(items), generate


def _tuple(iterable: Any) -> Any:
    if isinstance(iterable, ItemTuple):
        return lambda iterable: iterable
    is_vector = isinstance(iterable, types.Array) and iterable.ndim == 1
    if not is_vector and not isinstance(iterable, _LISTED):
        return None
    return lambda iterable: tuple_of([item for item in iterable])  # noqa: C416 - as Numba compiles it


def _length(items: Any) -> Any:
    return (lambda items: len(items_of(items))) if isinstance(items, ItemTuple) else None


def _is_filled(items: Any) -> Any:
    return (lambda items: len(items_of(items)) > 0) if isinstance(items, ItemTuple) else None


def _is_empty(items: Any) -> Any:
    return (lambda items: len(items_of(items)) == 0) if isinstance(items, ItemTuple) else None


def _item(items: Any, place: Any) -> Any:
    if not isinstance(items, ItemTuple):
        return None
    if isinstance(place, types.SliceType):
        return lambda items, place: tuple_of(items_of(items)[place])
    return lambda items, place: items_of(items)[place]


def _contains(items: Any, item: Any) -> Any:
    return (lambda items, item: item in items_of(items)) if isinstance(items, ItemTuple) else None


def listed(items: Any) -> Any:
    """The items of a tuple of either kind as a list. Compiled only."""
    raise NotImplementedError


@overload(listed, strict=False)
def _listed(items: Any) -> Any:
    if isinstance(items, ItemTuple):
        return lambda items: items_of(items)  # noqa: PLW0108 - Numba asks for a function
    return lambda items: [item for item in items]  # noqa: C416 - as Numba compiles it


def _are_tuples(left: Any, right: Any) -> bool:
    """Whether one is of this module, and the other one, too, or one of Numba that is not empty."""
    kinds = left, right
    has_own = any(isinstance(kind, ItemTuple) for kind in kinds)
    return has_own and all(isinstance(kind, ItemTuple | types.UniTuple) for kind in kinds)


def _comparison(compare: Any) -> Any:
    def comparison(left: Any, right: Any) -> Any:
        if isinstance(left, ItemTuple) != isinstance(right, ItemTuple) and not _are_tuples(left, right):
            if compare in {operator.eq, operator.ne} and isinstance(left, ItemTuple):
                raise errors.TypingError(f"a guest cannot compare {left} and {right}")
            return None
        if not _are_tuples(left, right):
            return None
        return lambda left, right: compare(listed(left), listed(right))

    return comparison


def _sum_of_two(left: Any, right: Any) -> Any:
    if not _are_tuples(left, right):
        return None
    return lambda left, right: tuple_of(listed(left) + listed(right))


def _repeated(items: Any, times: Any) -> Any:
    if not isinstance(items, ItemTuple) or not isinstance(times, types.Integer):
        return None
    return lambda items, times: tuple_of(items_of(items) * times)


def _total(items: Any, start: Any = 0) -> Any:
    if not isinstance(items, ItemTuple):
        return None
    return lambda items, start=0: sum(items_of(items), start)


def _as_array(object: Any, dtype: Any = None) -> Any:  # noqa: A002 - NumPy's names
    """An array of numbers, or of rows that are all as long as the first."""
    is_given = dtype is not None and not isinstance(dtype, types.NoneType | types.Omitted)
    if isinstance(object, ItemTuple) and not is_given:
        return lambda object, dtype=None: np.array(items_of(object))  # noqa: A006
    if isinstance(object, ItemTuple):
        return lambda object, dtype=None: np.array(items_of(object), dtype)  # noqa: A006
    row = getattr(object, "dtype", None) if isinstance(object, types.List) else None
    if not isinstance(row, ItemTuple) or not isinstance(row.dtype, types.Number | types.Boolean) or is_given:
        return None

    def rows(object: Any, dtype: Any = None) -> Any:  # noqa: A002
        if len(object) == 0:
            raise ValueError("a guest's array of rows needs a row, because the number of axes is fixed")
        size = len(object[0])
        made = np.array([item for row in object for item in row])
        for row in object:
            if len(row) != size:
                raise ValueError("setting an array element with a sequence: the rows have different lengths")
        return made.reshape(len(object), size)

    return rows


def _hash(items: Any) -> Any:
    def hashed(items: Any) -> int:
        found = _HASH_START
        for item in items_of(items):
            found = (found ^ hash(item)) * _HASH_FACTOR
        return found + len(items)

    return hashed


def _index(items: Any, item: Any) -> Any:
    return lambda items, item: items_of(items).index(item)


def _count(items: Any, item: Any) -> Any:
    return lambda items, item: items_of(items).count(item)


def transposed(rows: Any) -> Any:
    """`zip(*rows)`, as a list or, for rows that are tuples, a tuple. Compiled only."""
    raise NotImplementedError


@overload(transposed, strict=False)
def _transposed(rows: Any) -> Any:
    if isinstance(rows, types.BaseTuple):
        return lambda rows: zip(*rows)  # noqa: B905 - Numba has no strict=
    row = getattr(rows, "dtype", None)
    if isinstance(row, types.BaseTuple) and 1 <= len(row) <= len(_COLUMNS):
        return _COLUMNS[len(row) - 1]

    def columns(rows: Any) -> Any:
        kept = [row for row in rows]  # noqa: C416 - as Numba compiles it
        size = 0
        if kept:
            size = min([len(row) for row in kept])
        return [tuple_of([row[place] for row in kept]) for place in range(size)]

    return columns


def _columns_1(rows: Any) -> Any:
    _check_rows(rows)
    return (tuple_of([row[0] for row in rows]),)


def _columns_2(rows: Any) -> Any:
    _check_rows(rows)
    return tuple_of([row[0] for row in rows]), tuple_of([row[1] for row in rows])


def _columns_3(rows: Any) -> Any:
    _check_rows(rows)
    first, second = tuple_of([row[0] for row in rows]), tuple_of([row[1] for row in rows])
    return first, second, tuple_of([row[2] for row in rows])


def _columns_4(rows: Any) -> Any:
    _check_rows(rows)
    first, second = tuple_of([row[0] for row in rows]), tuple_of([row[1] for row in rows])
    return first, second, tuple_of([row[2] for row in rows]), tuple_of([row[3] for row in rows])


_COLUMNS: tuple[Any, ...] = (_columns_1, _columns_2, _columns_3, _columns_4)


def _check_rows(rows: Any) -> None:
    """Refuse no rows, of which Python makes no columns. Compiled only."""
    raise NotImplementedError


@overload(_check_rows, strict=False)
def _check_rows_of(rows: Any) -> Any:
    def check(rows: Any) -> None:
        if len(rows) == 0:
            raise ValueError("a guest's zip(*rows) needs a row, because the number of columns is fixed")

    return check
