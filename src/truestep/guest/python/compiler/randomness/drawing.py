"""Makes what compiled code calls from a distribution: one number, an array, or one for each item of arrays.

The functions are written as text, because Numba needs each with its own parameters by name.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba.core import types
from numba.np import numpy_support

from truestep.guest.python.compiler.randomness.distributions import Distribution
from truestep.guest.python.compiler.randomness.overloading import implement, implement_method
from truestep.guest.python.compiler.sums import is_none

_as_dtype: Any = numpy_support.as_dtype

Names = dict[str, Any]


def function_from(text: str, names: Names) -> Any:
    """The function `draw` that the text defines."""
    namespace = dict(names)
    exec(compile(text, "numpy.random", "exec"), namespace)
    return namespace["draw"]


def is_number(kind: Any) -> bool:
    """Whether it is a real number, a boolean or a default value."""
    kind = getattr(kind, "value", None) if isinstance(kind, types.Omitted) else kind
    if isinstance(kind, types.Complex):
        return False
    return isinstance(kind, types.Number | types.Boolean | int | float) or (
        isinstance(kind, types.Array) and kind.ndim == 0
    )


def is_integer(kind: Any) -> bool:
    """Whether it is an integer, a boolean or a default value of these types."""
    kind = getattr(kind, "value", None) if isinstance(kind, types.Omitted) else kind
    return isinstance(kind, types.Integer | types.Boolean | int)


def is_array(kind: Any) -> bool:
    """Whether it has items: an array of one dimension or more, a list, or a tuple of numbers."""
    if isinstance(kind, types.Array):
        return kind.ndim > 0 and isinstance(kind.dtype, types.Integer | types.Float | types.Boolean)
    if isinstance(kind, types.List | types.UniTuple):
        return isinstance(kind.dtype, types.Integer | types.Float | types.Boolean)
    return isinstance(kind, types.Tuple) and all(map(is_number, kind.types)) and len(kind) > 0


def is_size(kind: Any) -> bool:
    """Whether it says how many numbers are drawn: None, an integer or a tuple of integers."""
    if is_none(kind) or is_integer(kind):
        return True
    return isinstance(kind, types.BaseTuple) and all(map(is_integer, kind.types))


def numbers_of(kind: Any) -> Any:
    """The NumPy type that an argument `dtype` names; None if it is none of NumPy's numbers."""
    if isinstance(kind, types.Omitted):
        kind = kind.value
    if isinstance(kind, types.NumberClass | types.DType):
        return _as_dtype(kind.dtype if isinstance(kind, types.DType) else kind.instance_type).type
    if isinstance(kind, types.StringLiteral):
        kind = kind.literal_value
    if isinstance(kind, types.Function):
        kind = kind.typing_key
    try:
        return None if kind is None else np.dtype(kind).type
    except TypeError:
        return None


def define(distributions: Sequence[Distribution], owner: Any, names: Names) -> None:
    """Give each distribution to the methods of a type, or to np.random if `owner` is None.

    `names` has `bits_of(self)`, or `global_bits()`.
    """
    for distribution in distributions:
        typed = _typed(distribution, owner is not None, names)
        if owner is None:
            implement(getattr(np.random, distribution.name), typed)
        else:
            implement_method(owner, distribution.name, typed)


def _typed(distribution: Distribution, is_method: bool, names: Names) -> Any:
    """What Numba calls with the types of a call."""
    parameters = [text.replace(": int", "") for text in distribution.parameters]
    heads = [text.partition("=")[0] for text in parameters]
    owner = ["self"] if is_method else []
    given = ", ".join([*owner, *parameters, "size=None"])

    def choose(kinds: Sequence[Any], size: Any) -> Any:
        if not is_size(size) or not all(map(_fits, distribution.parameters, kinds)):
            return None
        body = _body(distribution, heads, kinds, size)
        bits = "bits_of(self)" if is_method else "global_bits()"
        text = f"def draw({given}):\n    bits = {bits}\n{body}"
        return function_from(text, {**names, "np": np, "draw_one": distribution.draw})

    caller = f"def draw({given}):\n    return choose(({''.join(f'{head}, ' for head in heads)}), size)\n"
    return function_from(caller, {"choose": choose})


def _fits(parameter: str, kind: Any) -> bool:
    if ": int" not in parameter:
        return is_number(kind) or is_array(kind)
    if isinstance(kind, types.Array | types.List):
        return isinstance(kind.dtype, types.Integer | types.Boolean)
    return all(map(is_integer, kind.types)) if isinstance(kind, types.BaseTuple) else is_integer(kind)


def _body(distribution: Distribution, heads: Sequence[str], kinds: Sequence[Any], size: Any) -> str:
    dtype = "np.int64" if distribution.makes_counts else "np.float64"
    arrays = [head for head, kind in zip(heads, kinds, strict=True) if is_array(kind)]
    checked = _conversions(distribution, arrays) + _refusals(distribution)
    call = f"{dtype}(draw_one({', '.join(['bits', *(f'{head}_' for head in heads)])}))"
    if not arrays:
        if is_none(size):
            return lines_of(1, [*checked, f"return {call}"])
        fill = ["flat = out.reshape(out.size)", "for i in range(out.size):", f"    flat[i] = {call}"]
        return lines_of(1, [*checked, f"out = np.empty(size, {dtype})", *fill, "return out"])
    begin = [*spread_lines(arrays, size), f"out = np.empty(shape, {dtype})"]
    return (
        lines_of(1, [*begin, "for index in np.ndindex(shape):"])
        + lines_of(2, [*checked, f"out[index] = {call}"])
        + "    return out\n"
    )


def spread_lines(arrays: Sequence[str], size: Any) -> list[str]:
    """Lines that spread arrays over the shape of the result: `a_at` has the items of `a`."""
    if not is_none(size):
        shape = "(size,)" if is_integer(size) else "size"
    elif len(arrays) == 1:
        shape = f"{arrays[0]}_all.shape"
    else:
        shape = f"np.broadcast_shapes({', '.join(f'{name}_all.shape' for name in arrays)})"
    return [
        *(f"{name}_all = np.asarray({name})" for name in arrays),
        f"shape = {shape}",
        *(f"{name}_at = np.broadcast_to({name}_all, shape)" for name in arrays),
    ]


def _conversions(distribution: Distribution, arrays: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for parameter in distribution.parameters:
        head = parameter.replace(": int", "").partition("=")[0]
        item = f"{head}_at[index]" if head in arrays else head
        lines.append(f"{head}_ = np.{'int64' if ': int' in parameter else 'float64'}({item})")
    return lines


def _refusals(distribution: Distribution) -> list[str]:
    heads = {text.replace(": int", "").partition("=")[0] for text in distribution.parameters}
    lines: list[str] = []
    for condition in distribution.refused:
        converted = re.sub(r"\w+", lambda word: f"{word[0]}_" if word[0] in heads else word[0], condition)
        lines += [f"if {converted}:", f"    raise ValueError({condition!r})"]
    return lines


def lines_of(depth: int, lines: Sequence[str]) -> str:
    """The lines as text, indented."""
    return "".join(f"{'    ' * depth}{line}\n" for line in lines)
