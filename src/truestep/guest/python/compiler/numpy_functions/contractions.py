"""einsum and tensordot."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import cgutils, errors, types
from numba.core.extending import intrinsic
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    common_dtype,
    is_number,
    literal,
)
from truestep.guest.python.compiler.numpy_functions.axes import as_words, is_axis, place_of
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.subscripts import Subscripts, parse_subscripts


def install_contractions() -> None:
    """Add them to Numba's."""
    extend(np.einsum, _einsum)
    extend(np.tensordot, _tensordot)


def _arrays(*kinds: Any) -> Any:
    """The types of the arrays that they become, or None if one does not."""
    arrays = [array_of(kind) for kind in kinds]
    return None if any(array is None or not is_number(array.dtype) for array in arrays) else arrays


def _number(*arrays: Any) -> Any:
    return numpy_support.as_dtype(common_dtype(*(array.dtype for array in arrays)))


def _spread_over(axes: tuple[tuple[int, ...], ...]) -> Any:
    """The function of (array, shape) that makes a view with an axis for each label of a formula.

    `axes` has, for each label, the array's axes with that label: none, one, or those of a diagonal.
    """

    @intrinsic
    def spread(typing_context: Any, array: Any, shape: Any) -> Any:
        del typing_context
        view = array.copy(ndim=len(axes), layout="A")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source = context.make_array(signature.args[0])(context, builder, value=arguments[0])
            target = context.make_array(view)(context, builder)
            steps = cgutils.unpack_tuple(builder, source.strides, signature.args[0].ndim)
            sums = []
            for places in axes:
                total = context.get_constant(types.intp, 0)
                for place in places:
                    total = builder.add(total, steps[place])
                sums.append(total)
            context.populate_array(
                target,
                data=source.data,
                shape=cgutils.unpack_tuple(builder, arguments[1], len(axes)),
                strides=sums,
                itemsize=source.itemsize,
                meminfo=source.meminfo,
            )
            context.nrt.incref(builder, view, target._getvalue())
            return target._getvalue()

        return view(array, shape), generate

    return spread


def _sized(parsed: Subscripts, operand: int) -> Any:
    """The function of (array, shape) that notes the sizes of an operand's labels in the shape of all."""
    places = parsed.labels_of[operand]

    def sized(array: Any, shape: Any) -> Any:
        for axis in range(array.ndim):
            place = places[axis]
            if shape[place] != -1 and shape[place] != array.shape[axis]:
                raise ValueError("operands of np.einsum have different sizes for the same subscript")
            shape = tuple_setitem(shape, place, array.shape[axis])
        return shape

    return sized


def _einsum(
    subscripts: Any, a: Any, b: Any = None, c: Any = None, d: Any = None, optimize: Any = None
) -> Any:
    formula = literal(subscripts, "subscripts")
    given = [kind for kind in (a, b, c, d) if kind is not None and not isinstance(kind, types.Omitted)]
    arrays = _arrays(*given)
    if not isinstance(formula, str) or arrays is None:
        return None
    parsed = parse_subscripts(formula, [array.ndim for array in arrays])
    if len(arrays) > 2:
        return _in_pairs(parsed, len(arrays))
    number, unknown = _number(*arrays), (-1,) * len(parsed.labels)
    size_a, spread_a = _sized(parsed, 0), _spread_over(parsed.axes_of[0])
    add = _adder(parsed, number)
    if len(arrays) == 1:

        def einsum_of_one(
            subscripts: Any, a: Any, b: Any = None, c: Any = None, d: Any = None, optimize: Any = None
        ) -> Any:
            left = as_array(a)
            shape = size_a(left, unknown)
            items = spread_a(left, shape)
            return add(items, items, shape)

        return einsum_of_one
    size_b, spread_b = _sized(parsed, 1), _spread_over(parsed.axes_of[1])

    def einsum_of_two(
        subscripts: Any, a: Any, b: Any = None, c: Any = None, d: Any = None, optimize: Any = None
    ) -> Any:
        left, right = as_array(a), as_array(b)
        shape = size_b(right, size_a(left, unknown))
        return add(spread_a(left, shape), spread_b(right, shape), shape)

    return einsum_of_two


def _adder(parsed: Subscripts, number: Any) -> Any:
    """The function of the two spread operands and the shape of all labels that adds up the products."""
    kept, is_one = parsed.kept, len(parsed.operands) == 1
    scalar = number.type

    def term(left: Any, right: Any, place: Any) -> Any:
        return scalar(left[place]) if is_one else scalar(left[place]) * scalar(right[place])

    def add_all(left: Any, right: Any, shape: Any) -> Any:
        total = scalar(0)
        for place in np.ndindex(shape):
            total += term(left, right, place)
        return scalar(total)

    def add_none(left: Any, right: Any, shape: Any) -> Any:
        out = np.empty(shape, number)
        for place in np.ndindex(shape):
            out[place] = term(left, right, place)
        return out

    def add(left: Any, right: Any, shape: Any) -> Any:
        out = np.zeros(shape[:kept], number)
        for place in np.ndindex(out.shape):
            total = scalar(0)
            for other in np.ndindex(shape[kept:]):
                total += term(left, right, place + other)
            out[place] = total
        return out

    if not kept:
        return add_all
    return add_none if kept == len(parsed.labels) else add


def _in_pairs(parsed: Subscripts, count: int) -> Any:
    """The product of the first two operands with every label that is still needed, then with the third, …"""
    first, rest = parsed.first_pair()
    if count == 3:
        return lambda subscripts, a, b=None, c=None, d=None, optimize=None: np.einsum(
            rest, np.einsum(first, a, b), c
        )
    return lambda subscripts, a, b=None, c=None, d=None, optimize=None: np.einsum(
        rest, np.einsum(first, a, b), c, d
    )


def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    arrays = _arrays(a, b)
    if arrays is None:
        return None
    if isinstance(axes, types.BaseTuple) and len(axes) == 2:
        count = _count_of_axes(axes[0])
        if count is None or count != _count_of_axes(axes[1]):
            raise errors.TypingError("a guest takes the axes of np.tensordot as two tuples of one length")
        return _tensordot_along(arrays, count)
    count = literal(axes, "axes")
    if count == 0:
        return lambda a, b, axes=2: np.multiply.outer(as_array(a), as_array(b))
    along = (tuple(range(arrays[0].ndim - count, arrays[0].ndim)), tuple(range(count)))
    return lambda a, b, axes=2: np.tensordot(a, b, along)


def _count_of_axes(kind: Any) -> Any:
    if isinstance(kind, types.Integer):
        return 1
    return len(kind) if isinstance(kind, types.BaseTuple) and is_axis(kind) else None


def _tensordot_along(arrays: Any, count: int) -> Any:
    left_kept, right_kept = arrays[0].ndim - count, arrays[1].ndim - count
    is_whole = left_kept + right_kept == 0

    def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
        left = with_axes_last(as_array(a), axes[0])
        right = with_axes_last(as_array(b), axes[1])
        if left.shape[left_kept:] != right.shape[right_kept:]:
            raise ValueError("shape-mismatch for sum")
        length = 1
        for size in left.shape[left_kept:]:
            length *= size
        rows = np.ascontiguousarray(left).reshape(left.size // max(length, 1), length)
        columns = np.ascontiguousarray(right).reshape(right.size // max(length, 1), length)
        out = np.dot(rows, columns.T)
        return out.reshape(left.shape[:left_kept] + right.shape[:right_kept])

    def tensordot_of_all(a: Any, b: Any, axes: Any = 2) -> Any:
        left, right = with_axes_last(as_array(a), axes[0]), with_axes_last(as_array(b), axes[1])
        if left.shape != right.shape:
            raise ValueError("shape-mismatch for sum")
        row, column = (
            np.ascontiguousarray(left).reshape((1, -1)),
            np.ascontiguousarray(right).reshape((-1, 1)),
        )
        return np.dot(row, column).reshape(())

    return tensordot_of_all if is_whole else tensordot


def with_axes_last(a: Any, axes: Any) -> Any:
    """A view with these axes last, in the order in which they are given."""
    last = as_words(axes)
    order = a.shape
    place = 0
    for axis in range(a.ndim):
        is_last = False
        for other in last:
            is_last = is_last or axis == place_of(other, a.ndim)
        if not is_last:
            order = tuple_setitem(order, place, axis)
            place += 1
    for other in last:
        order = tuple_setitem(order, place, place_of(other, a.ndim))
        place += 1
    return a.transpose(order)
