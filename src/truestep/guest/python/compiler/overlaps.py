"""Operands of ufuncs that write to an array they are given, as `m -= m[0]` and `np.add(a, b, out)` do.

NumPy reads an operand as it was before the first item is written, and refuses one whose shape does not fit.
Numba does neither: `m -= m[0]` subtracts zero from all rows but the first, and an operand with too few items
is read beyond its end.
"""

from typing import Any

from numba.core import errors, types
from numba.core.extending import intrinsic, register_jitable
from numba.np import arrayobj, npyimpl


def install_overlaps() -> None:
    """Check and copy operands of ufuncs with an output."""
    kernel = npyimpl.numpy_ufunc_kernel

    def kernel_with_own_operands(
        context: Any, builder: Any, signature: Any, arguments: Any, ufunc: Any, kernel_class: Any
    ) -> Any:
        arguments = list(arguments)
        kinds = signature.args
        outputs = [k for k in range(ufunc.nin, len(arguments)) if isinstance(kinds[k], types.Array)]
        owned: list[tuple[Any, Any]] = []
        for output in outputs:
            for operand in (k for k in range(ufunc.nin) if isinstance(kinds[k], types.Array)):
                pair = (kinds[operand], kinds[output])
                if pair[0].ndim > pair[1].ndim:
                    raise errors.TypingError(
                        f"a guest cannot write a result of {pair[0].ndim} dimensions to an array of"
                        f" {pair[1].ndim}"
                    )
                values = (arguments[operand], arguments[output])
                own = _own_transposed if pair[0].layout == "F" else _own
                arguments[operand] = context.compile_internal(builder, own, pair[0](*pair), values)
                owned.append((pair[0], arguments[operand]))
        result = kernel(context, builder, signature, arguments, ufunc, kernel_class)
        for kind, value in owned:
            context.nrt.decref(builder, kind, value)
        return result

    npyimpl.numpy_ufunc_kernel = kernel_with_own_operands


def _own(operand: Any, output: Any) -> Any:
    """The operand, or a copy if writing the output would change it."""
    _check_shapes(operand, output)
    result = operand
    if _share_memory(operand, output):
        result = operand.copy()
    return result


def _own_transposed(operand: Any, output: Any) -> Any:
    """The same in Fortran's order."""
    _check_shapes(operand, output)
    result = operand
    if _share_memory(operand, output):
        result = operand.T.copy().T
    return result


@register_jitable
def _check_shapes(operand: Any, output: Any) -> None:
    for axis in range(operand.ndim):
        size = operand.shape[operand.ndim - 1 - axis]
        if size != 1 and size != output.shape[output.ndim - 1 - axis]:
            raise ValueError("operands could not be broadcast together")


@intrinsic
def _share_memory(typing_context: Any, operand: Any, output: Any) -> Any:
    """Whether two arrays may have memory in common, unless each item of both has the same place."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, other = (
            context.make_array(kind)(context, builder, value=value)
            for kind, value in zip(signature.args, arguments, strict=True)
        )
        spans = (*_span(context, builder, operand, one), *_span(context, builder, output, other))
        shared = arrayobj.extents_may_overlap(context, builder, *spans)
        if operand.ndim != output.ndim or operand.dtype != output.dtype:
            return shared
        start_of = context.get_value_type(types.intp)
        same = builder.icmp_unsigned(
            "==", builder.ptrtoint(one.data, start_of), builder.ptrtoint(other.data, start_of)
        )
        for axis in range(operand.ndim):
            for member in ("shape", "strides"):
                sizes = (builder.extract_value(getattr(array, member), axis) for array in (one, other))
                same = builder.and_(same, builder.icmp_unsigned("==", *sizes))
        return builder.and_(shared, builder.not_(same))

    return types.boolean(operand, output), generate


def _span(context: Any, builder: Any, kind: Any, array: Any) -> tuple[Any, Any]:
    """The addresses of an array's first byte and of the byte after its last."""
    shape, strides = (
        [builder.extract_value(getattr(array, member), axis) for axis in range(kind.ndim)]
        for member in ("shape", "strides")
    )
    return arrayobj.get_array_memory_extents(context, builder, kind, array, shape, strides, array.data)
