"""Ufuncs and operators of lists and tuples, and ufuncs with `dtype=`, `out=` and `where=`."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import operator
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.core.typing.npydecl import NumpyRulesArrayOperator, parse_dtype
from numba.np import numpy_support, ufunc_db

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    converted,
    literal,
)
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.dtypes import take_python_dtypes
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.index_conversions import as_any_array
from truestep.guest.python.compiler.python_numbers import python_kind


def install_operands() -> None:
    """Add them to Numba's."""
    for ufunc in ufunc_db.get_ufuncs():
        if ufunc.nin <= 2:
            extend(ufunc, (_of_one, _of_two)[ufunc.nin - 1](ufunc))
    for function in NumpyRulesArrayOperator._op_map:
        extend(function, _beside_array(function))
    extend(operator.matmul, _beside_array(operator.matmul))
    extend(np.copyto, _copyto)
    extend(abs, _abs)
    extend(divmod, _divmod)
    take_python_dtypes(with_options)


def _is_listed(kind: Any) -> bool:
    return isinstance(kind, types.List | types.BaseTuple) and array_of(kind) is not None


def _of_one(ufunc: Any) -> Any:
    def of_list(x: Any) -> Any:
        return (lambda x: ufunc(as_array(x))) if _is_listed(x) else None

    return of_list


def _of_two(ufunc: Any) -> Any:
    def of_lists(x1: Any, x2: Any) -> Any:
        if _is_listed(x1) and _is_listed(x2):
            return lambda x1, x2: ufunc(as_array(x1), as_array(x2))
        if _is_listed(x1):
            return lambda x1, x2: ufunc(as_array(x1), x2)
        return (lambda x1, x2: ufunc(x1, as_array(x2))) if _is_listed(x2) else None

    return of_lists


def _beside_array(function: Any) -> Any:
    def of_array_and_list(left: Any, right: Any) -> Any:
        if isinstance(left, types.Array) and _is_listed(right):
            return lambda left, right: function(left, as_array(right))
        if isinstance(right, types.Array) and _is_listed(left):
            return lambda left, right: function(as_array(left), right)
        return None

    return of_array_and_list


def _abs(x: Any) -> Any:
    return (lambda x: np.absolute(x)) if isinstance(x, types.Array) else None


def _divmod(x: Any, y: Any) -> Any:
    is_wide = isinstance(x, types.Array) and x.dtype in {types.int64, types.float64}
    return (lambda x, y: np.divmod(x, y)) if is_wide else None


def with_options(ufunc: Any, dtype: Any, out: Any, where: Any, x1: Any, x2: Any = None) -> Any:
    """`ufunc(x1, x2, dtype=…, out=…, where=…)`, each of which may be None. Compiled only."""
    raise NotImplementedError


@overload(with_options, strict=False, prefer_literal=True)
def _with_options(ufunc: Any, dtype: Any, out: Any, where: Any, x1: Any, x2: Any = None) -> Any:
    function = ufunc.typing_key
    given = [x1] if is_none(x2) else [x1, x2]
    if len(given) != function.nin:
        return None
    if is_none(out) and not is_none(where):
        raise errors.TypingError(
            "a guest has where= of a ufunc together with out=: other items have no value"
        )
    if not (is_none(out) or isinstance(out, types.Array)):
        raise errors.TypingError("a guest has out= of a ufunc with one array")
    computed = _computed(function, given, dtype)
    if is_none(out):
        return lambda ufunc, dtype, out, where, x1, x2=None: computed(x1, x2)
    if is_none(where):

        def into_all(ufunc: Any, dtype: Any, out: Any, where: Any, x1: Any, x2: Any = None) -> Any:
            out[...] = computed(x1, x2)
            return out

        return into_all

    def into_some(ufunc: Any, dtype: Any, out: Any, where: Any, x1: Any, x2: Any = None) -> Any:
        np.copyto(out, computed(x1, x2), where=where)
        return out

    return into_some


def _computed(ufunc: Any, given: list[Any], dtype: Any) -> Any:
    """The function of one or two arguments that computes with items of a dtype."""
    if is_none(dtype):
        return (lambda x1, x2: ufunc(x1)) if len(given) == 1 else (lambda x1, x2: ufunc(x1, x2))
    asked = [python_kind(kind) or numpy_support.as_dtype(_item(kind)) for kind in given]
    wanted = numpy_support.as_dtype(parse_dtype(dtype))
    try:
        loop = ufunc.resolve_dtypes(
            (*asked, None), signature=(*[None] * len(given), wanted), casting="same_kind"
        )
    except TypeError as error:
        raise errors.TypingError(f"np.{ufunc.__name__} cannot compute with dtype={wanted} here") from error
    first, second = loop[0], loop[len(given) - 1]
    if len(given) == 1:
        return lambda x1, x2: ufunc(converted(x1, first))
    return lambda x1, x2: ufunc(converted(x1, first), converted(x2, second))


def _item(kind: Any) -> Any:
    array = array_of(kind)
    return types.unliteral(kind) if array is None else array.dtype


def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> Any:
    if not isinstance(dst, types.Array) or not dst.mutable:
        return None
    rule = literal(casting, "casting")
    from_, to = numpy_support.as_dtype(_item(src)), numpy_support.as_dtype(dst.dtype)
    if not python_kind(src) and not np.can_cast(from_, to, rule):
        raise errors.TypingError(
            f"Cannot cast array data from {from_} to {to} according to the rule '{rule}'"
        )

    def copy_all(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
        dst[...] = as_any_array(src)

    def copy_some(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
        values = np.broadcast_to(as_any_array(src), dst.shape).copy()
        mask = np.broadcast_to(as_any_array(where), dst.shape)
        for place in np.ndindex(dst.shape):
            if mask[place]:
                dst[place] = values[place]

    return copy_all if where is True or isinstance(where, types.Omitted) else copy_some
