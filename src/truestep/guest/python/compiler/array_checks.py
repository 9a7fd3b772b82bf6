"""Checks of shapes and axes, which nearly every array program makes, in few functions.

Numba's write their messages with its strings and find repeated axes with its sets: more code than the rest of
a small guest, and a second of each build.
"""

from typing import Any

from numba.core import cgutils, types
from numba.core.extending import intrinsic, overload, register_jitable
from numba.np import arraymath, arrayobj
from numpy.exceptions import AxisError


def install_array_checks() -> None:
    """Replace them."""
    arrayobj.raise_with_shape_context = _refuse_shape
    arrayobj.permute_arrays = _permute
    arraymath.check_axis_bounds = _check_axis


def _refuse_shape(given: Any, wanted: Any) -> None:
    """Raise NumPy's error for an assignment of an array of shape `given` to a part of shape `wanted`."""
    raise NotImplementedError


@overload(_refuse_shape)
def _refuse_shape_compiled(given: Any, wanted: Any) -> Any:
    def refuse(given: Any, wanted: Any) -> None:
        _raise_for_shapes(given, wanted)

    return refuse


@intrinsic
def _raise_for_shapes(typing_context: Any, given: Any, wanted: Any) -> Any:
    """Raise this error in compiled code."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given, wanted = (_written(builder, *pair) for pair in zip(signature.args, arguments, strict=True))
        parts = ("could not broadcast input array from shape (", *given, ") into shape (", *wanted, ")")
        return _raise(context, builder, ValueError, parts)

    return types.none(given, wanted), generate


def _raise(context: Any, builder: Any, exception: Any, parts: Any) -> Any:
    # Numba goes on after an intrinsic, so it may not end a block.
    with builder.if_then(cgutils.true_bit):
        context.call_conv.raise_text(builder, exception, parts)
    return context.get_dummy_value()


def _written(builder: Any, kind: Any, shape: Any) -> list[Any]:
    """The parts of a shape's text: `3,` or `3,4`."""
    sizes = [(kind.dtype, builder.extract_value(shape, axis)) for axis in range(kind.count)]
    return [part for size in sizes for part in (size, ",")][: 2 * max(len(sizes) - 1, 1) + (len(sizes) > 1)]


@register_jitable
def _check_axis(a: Any, axis: Any) -> None:
    """Raise NumPy's error if `a` has no such axis, or no such axes."""
    if axis is not None:
        if isinstance(axis, tuple):
            for each in axis:  # pyright: ignore[reportUnknownVariableType]
                if each < -a.ndim or each >= a.ndim:
                    _raise_for_axis(each, a.ndim)
        elif axis < -a.ndim or axis >= a.ndim:
            _raise_for_axis(axis, a.ndim)


@intrinsic
def _raise_for_axis(typing_context: Any, axis: Any, ndim: Any) -> Any:
    """Raise NumPy's error for an axis that there is not."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given, count = zip(signature.args, arguments, strict=True)
        parts = ("axis ", given, " is out of bounds for array of dimension ", count)
        return _raise(context, builder, AxisError, parts)

    return types.none(axis, ndim), generate


def _permute(axes: Any, shape: Any, strides: Any) -> None:
    """Put shape[axes[i]] and strides[axes[i]] at i, for each i. Changes `axes`, which nobody else reads."""
    count = len(axes)
    for i in range(count):
        if axes[i] < -count or axes[i] >= count:
            _raise_for_axis(axes[i], count)
        if axes[i] < 0:
            axes[i] += count
        for j in range(i):
            if axes[j] == axes[i]:
                raise ValueError("repeated axis in transpose")
    for i in range(count):
        # What was at a place that has been filled already stands where it was swapped to.
        source = axes[i]
        while source < i:
            source = axes[source]
        shape[i], shape[source] = shape[source], shape[i]
        strides[i], strides[source] = strides[source], strides[i]
