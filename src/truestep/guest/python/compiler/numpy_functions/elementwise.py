"""Functions of the user's that NumPy calls for each item, or once for indices: vectorize and fromfunction."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, ir, types
from numba.core.extending import overload
from numba.core.registry import cpu_target
from numba.core.typing.npydecl import parse_dtype
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number
from truestep.guest.python.compiler.numpy_functions.axes import is_axis, is_none, words
from truestep.guest.python.compiler.numpy_functions.extending import extend


def install_elementwise() -> None:
    """Add them to Numba's."""
    extend(np.fromfunction, _fromfunction)


def each_item(function: Any, a: Any, b: Any = None, c: Any = None) -> Any:
    """`np.vectorize(function)(a, b, c)`. Compiled only."""
    raise NotImplementedError


@overload(each_item, strict=False)
def _each_item(function: Any, a: Any, b: Any = None, c: Any = None) -> Any:
    given = [kind for kind in (a, b, c) if not is_none(kind)]
    dtypes = [_python_dtype(kind) for kind in given]
    if not any(array_of(kind) is not None for kind in given):
        raise errors.TypingError("a guest vectorizes over arrays; call the function itself for one number")
    found = cpu_target.typing_context.resolve_function_type(function, tuple(dtypes), {})
    dtype = _python_dtype(types.unliteral(found.return_type))
    if len(_returned_dtypes(function, found.args)) > 1:
        raise errors.TypingError(
            "a guest's function for np.vectorize must return numbers of one type; "
            "NumPy takes the type of the first one for all"
        )
    number = numpy_support.as_dtype(dtype)
    first, second, third = (numpy_support.as_dtype(kind) for kind in (*dtypes, types.int64, types.int64)[:3])
    return (
        lambda function, a, b=None, c=None: _each_of_one(function, _items(a, first), number),
        lambda function, a, b=None, c=None: _each_of_two(
            function, np.broadcast_arrays(_items(a, first), _items(b, second)), number
        ),
        lambda function, a, b=None, c=None: _each_of_three(
            function, np.broadcast_arrays(_items(a, first), _items(b, second), _items(c, third)), number
        ),
    )[len(given) - 1]


def _returned_dtypes(function: Any, arguments: Any) -> set[Any]:
    """The types of all numbers that a compiled function may return, before they become one type."""
    if not isinstance(function, types.Dispatcher) or arguments not in function.dispatcher.overloads:
        return set()
    annotation = function.dispatcher.overloads[arguments].type_annotation
    statements = [statement for block in annotation.blocks.values() for statement in block.body]
    values: dict[str, list[Any]] = {}
    for statement in statements:
        if isinstance(statement, ir.Assign):
            values.setdefault(statement.target.name, []).append(statement.value)
    waiting = [statement.value for statement in statements if isinstance(statement, ir.Return)]
    seen: set[str] = set()
    found: set[Any] = set()
    while waiting:
        name = waiting.pop().name
        if name in seen:
            continue
        seen.add(name)
        for value in values.get(name, [None]):
            sources = _sources(value)
            waiting += sources
            if not sources and not _is_undefined(value):
                found.add(_number_type(annotation.typemap[name]))
    return found


def _number_type(kind: Any) -> Any:
    """The type that NumPy has for a number, also for one of Python."""
    kind = types.unliteral(kind)
    if isinstance(kind, types.Boolean):
        return types.boolean
    if isinstance(kind, types.Integer):
        return types.int64
    return types.float64 if isinstance(kind, types.Float) else kind


def _is_undefined(value: Any) -> bool:
    return value is ir.UNDEFINED


def _sources(value: Any) -> list[Any]:
    """The variables that a variable's value is copied from."""
    if isinstance(value, ir.Var):
        return [value]
    if not isinstance(value, ir.Expr) or value.op not in {"cast", "phi"}:
        return []
    given = [value.value] if value.op == "cast" else value.incoming_values
    return [source for source in given if isinstance(source, ir.Var)]


def _python_dtype(kind: Any) -> Any:
    """The dtype of Python's numbers that NumPy makes of the items."""
    array = array_of(kind)
    dtype = types.unliteral(kind) if array is None else array.dtype
    if not is_number(dtype):
        raise errors.TypingError("a guest vectorizes over arrays and numbers")
    if array is None and isinstance(dtype, types.Integer):
        return types.int64
    if dtype not in {types.boolean, types.int64, types.float64, types.complex128}:
        raise errors.TypingError(
            "a guest vectorizes over items of 64 bits: use x.astype(np.float64) or np.int64"
        )
    return dtype


def _items(value: Any, dtype: Any) -> Any:
    raise NotImplementedError


@overload(_items, strict=False)
def _items_of(value: Any, dtype: Any) -> Any:
    if array_of(value) is None:
        return lambda value, dtype: np.full(1, value).astype(dtype)
    return lambda value, dtype: as_array(value).astype(dtype)


def _each_of_one(function: Any, a: Any, number: Any) -> Any:
    out = np.empty(a.shape, number)
    for place in np.ndindex(a.shape):
        out[place] = function(a[place])
    return _not_empty(out)


def _each_of_two(function: Any, arrays: Any, number: Any) -> Any:
    a, b = arrays
    out = np.empty(a.shape, number)
    for place in np.ndindex(a.shape):
        out[place] = function(a[place], b[place])
    return _not_empty(out)


def _each_of_three(function: Any, arrays: Any, number: Any) -> Any:
    a, b, c = arrays
    out = np.empty(a.shape, number)
    for place in np.ndindex(a.shape):
        out[place] = function(a[place], b[place], c[place])
    return _not_empty(out)


def _not_empty(out: Any) -> Any:
    if out.size == 0:
        raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
    return out


def _fromfunction(function: Any, shape: Any, dtype: Any = float) -> Any:
    if not is_axis(shape) or not isinstance(shape, types.BaseTuple) or not 1 <= len(shape) <= 3:
        raise errors.TypingError("a guest has np.fromfunction of a tuple of up to three lengths")
    is_given = not is_none(dtype) and not isinstance(dtype, type)
    number = numpy_support.as_dtype(parse_dtype(dtype)) if is_given else np.dtype(np.float64)
    return (
        lambda function, shape, dtype=float: function(_indices(shape, 0, number)),
        lambda function, shape, dtype=float: function(_indices(shape, 0, number), _indices(shape, 1, number)),
        lambda function, shape, dtype=float: function(
            _indices(shape, 0, number), _indices(shape, 1, number), _indices(shape, 2, number)
        ),
    )[len(shape) - 1]


def _indices(shape: Any, axis: Any, dtype: Any) -> Any:
    """Of each item of an array of this shape, its index along an axis."""
    sizes = words(shape)
    out = np.empty(sizes, dtype)
    ones = sizes
    for other in range(len(sizes)):
        ones = tuple_setitem(ones, other, 1)
    out[...] = np.arange(sizes[axis]).reshape(tuple_setitem(ones, axis, sizes[axis]))
    return out


def piecewise(
    x: Any, conditions: Any, a: Any, b: Any = None, c: Any = None, d: Any = None, e: Any = None
) -> Any:
    """`np.piecewise(x, conditions, [a, b, …])`. Compiled only."""
    raise NotImplementedError


@overload(piecewise, strict=False)
def _piecewise(
    x: Any, conditions: Any, a: Any, b: Any = None, c: Any = None, d: Any = None, e: Any = None
) -> Any:
    array, count = array_of(x), len(conditions)
    given = sum(not is_none(piece) for piece in (a, b, c, d, e))
    if array is None or array.ndim == 0:
        return None
    if given not in {count, count + 1}:
        raise errors.TypingError("np.piecewise takes as many functions as conditions, or one more")
    places = [min(index, count - 1) for index in range(5)]
    second, third, fourth, fifth = places[1:]
    otherwise = given - 1 if given > count else -1

    def pieces(
        x: Any, conditions: Any, a: Any, b: Any = None, c: Any = None, d: Any = None, e: Any = None
    ) -> Any:
        items = as_array(x)
        out = np.zeros(items.shape, items.dtype)
        masks = [as_array(condition) for condition in conditions]
        rest = ~masks[0]
        for mask in masks[1:]:
            rest &= ~mask
        _set_piece(out, items, rest if otherwise == 0 else masks[0], a)
        _set_piece(out, items, rest if otherwise == 1 else masks[second], b)
        _set_piece(out, items, rest if otherwise == 2 else masks[third], c)
        _set_piece(out, items, rest if otherwise == 3 else masks[fourth], d)
        _set_piece(out, items, rest if otherwise == 4 else masks[fifth], e)
        return out

    return pieces


def _set_piece(out: Any, items: Any, mask: Any, piece: Any) -> None:
    raise NotImplementedError


@overload(_set_piece, strict=False)
def _set_piece_of(out: Any, items: Any, mask: Any, piece: Any) -> Any:
    def leave(out: Any, items: Any, mask: Any, piece: Any) -> None:
        pass

    def fill(out: Any, items: Any, mask: Any, piece: Any) -> None:
        out[mask] = piece

    def compute(out: Any, items: Any, mask: Any, piece: Any) -> None:
        chosen = items[mask]
        if chosen.size > 0:
            out[mask] = piece(chosen)

    if is_none(piece):
        return leave
    return fill if is_number(types.unliteral(piece)) else compute
