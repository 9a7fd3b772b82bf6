"""Functions that make arrays with keywords that Numba lacks, and of lists."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.typing.npydecl import parse_dtype
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import is_axis, is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first
from truestep.guest.python.compiler.numpy_functions.index_conversions import as_any_array
from truestep.guest.python.compiler.python_numbers import python_kind

_ORDERS = {None, "C", "F", "K", "A"}


def install_creation_options() -> None:
    """Add them to Numba's."""
    for function in (np.zeros, np.ones, np.empty):
        extend(function, _made_in_order(function))
    for function in (np.zeros_like, np.ones_like, np.empty_like):
        extend_first(function, _made_like(function))
    for function in (np.tril, np.triu, np.diag, np.diagflat, np.vander):
        extend_first(function, _of_list(function))
    extend_first(np.full, _full_in_order)
    extend_first(np.full_like, _full_like)
    extend_first(np.linspace, _linspace_of_singles)
    for function, implementation in (
        (np.arange, _arange),
        (np.tri, _tri),
        (np.linspace, _linspace_of_arrays),
        (np.logspace, _logspace),
        (np.geomspace, _geomspace),
        (np.meshgrid, _open_meshgrid),
    ):
        extend(function, implementation)


def _is_fortran(order: Any) -> bool:
    chosen = literal(order, "order")
    if chosen not in _ORDERS:
        raise errors.TypingError(f"order must be one of 'C', 'F', 'A', or 'K' (got {chosen!r})")
    return chosen == "F"


def _is_omitted(order: Any) -> bool:
    """Whether an order was not given: the default's own value stands for it."""
    return is_none(order) or isinstance(order, str)


def _made_in_order(function: Any) -> Any:
    def made(shape: Any, dtype: Any = float, order: Any = "C") -> Any:
        if not is_axis(shape):
            return None
        number = _dtype(dtype)
        if isinstance(shape, types.BaseTuple) and _is_fortran(order):
            return lambda shape, dtype=float, order="C": np.asfortranarray(function(shape, number))
        return lambda shape, dtype=float, order="C": function(shape, number)

    return made


def _dtype(kind: Any, otherwise: Any = np.float64) -> Any:
    """NumPy's dtype of an argument, or another one if it was left out."""
    if is_none(kind) or isinstance(kind, type):
        return np.dtype(otherwise)
    found = parse_dtype(kind)
    if found is None:
        raise errors.TypingError("a guest must know the dtype when it is compiled; write dtype=np.float64")
    return numpy_support.as_dtype(found)


def _full_in_order(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
    if not is_axis(shape):
        return None
    value = array_of(fill_value)
    if value is None and not is_number(types.unliteral(fill_value)):
        return None
    item = types.unliteral(fill_value) if value is None else value.dtype
    number = _dtype(dtype, numpy_support.as_dtype(item))
    is_fortran = isinstance(shape, types.BaseTuple) and len(shape) > 1 and _is_fortran(order)
    if value is None and not is_fortran and _is_omitted(order):
        return None  # as Numba does it

    def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
        out = np.empty(shape, number)
        out[...] = as_any_array(fill_value)
        return out

    def full_by_columns(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Any:
        out = np.empty(shape, number)
        out[...] = as_any_array(fill_value)
        return np.asfortranarray(out)

    return full_by_columns if is_fortran else full


def _made_like(function: Any) -> Any:
    of_shape = {np.zeros_like: np.zeros, np.ones_like: np.ones, np.empty_like: np.empty}[function]

    def made_like(a: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None) -> Any:
        array = array_of(a)
        if array is None or not (is_none(shape) or is_axis(shape)):
            return None
        is_fortran = _is_fortran(order) and array.ndim > 1
        if isinstance(a, types.Array) and is_none(shape) and _is_omitted(order):
            return None  # as Numba does it
        number = _dtype(dtype, numpy_support.as_dtype(array.dtype))
        if not is_none(shape):
            return lambda a, dtype=None, order="K", subok=True, shape=None: of_shape(shape, number)
        if is_fortran:
            return lambda a, dtype=None, order="K", subok=True, shape=None: np.asfortranarray(
                of_shape(as_array(a).shape, number)
            )
        return lambda a, dtype=None, order="K", subok=True, shape=None: function(as_array(a), number)

    return made_like


def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Any:
    array = array_of(a)
    if array is None or not (is_none(shape) or is_axis(shape)):
        return None
    if isinstance(a, types.Array) and is_none(shape) and array_of(fill_value) is None:
        return None  # as Numba does it
    number = _dtype(dtype, numpy_support.as_dtype(array.dtype))
    if is_none(shape):
        return lambda a, fill_value, dtype=None, order="K", subok=True, shape=None: np.full(
            as_array(a).shape, fill_value, number
        )
    return lambda a, fill_value, dtype=None, order="K", subok=True, shape=None: np.full(
        shape, fill_value, number
    )


def _of_list(function: Any) -> Any:
    def of_list(v: Any, k: Any = 0) -> Any:
        if isinstance(v, types.Array) or array_of(v) is None:
            return None
        return lambda v, k=0: function(as_array(v), k)

    def powers_of_list(x: Any, N: Any = None, increasing: Any = False) -> Any:  # noqa: N803
        if isinstance(x, types.Array) or array_of(x) is None:
            return None
        return lambda x, N=None, increasing=False: np.vander(as_array(x), N, increasing)  # noqa: N803

    def triangle_of_list(m: Any, k: Any = 0) -> Any:
        if isinstance(m, types.Array) or array_of(m) is None:
            return None
        return lambda m, k=0: function(as_array(m), k)

    if function is np.vander:
        return powers_of_list
    return triangle_of_list if function in {np.tril, np.triu} else of_list


def _arange(start: Any = None, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    if is_none(start) or any(not (is_none(kind) or is_number(kind)) for kind in (stop, step)):
        return None
    number = None if is_none(dtype) else _dtype(dtype)
    if is_none(stop) and is_none(step):
        return lambda start=None, stop=None, step=None, dtype=None: np.arange(start, None, None, number)
    if is_none(stop):
        return lambda start=None, stop=None, step=None, dtype=None: np.arange(0, start, step, number)
    if is_none(step):
        return lambda start=None, stop=None, step=None, dtype=None: np.arange(start, stop, None, number)
    return lambda start=None, stop=None, step=None, dtype=None: np.arange(start, stop, step, number)


def _tri(N: Any, M: Any = None, k: Any = 0, dtype: Any = float) -> Any:  # noqa: N803
    number = _dtype(dtype)
    return lambda N, M=None, k=0, dtype=float: np.tri(N, M, k).astype(number)  # noqa: N803


def _linspace_of_arrays(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None
) -> Any:
    if array_of(start) is None and array_of(stop) is None:
        return None
    has_end = literal(endpoint, "endpoint")
    if literal(retstep, "retstep"):
        raise errors.TypingError("a guest has np.linspace of arrays without retstep=")
    number = _dtype(dtype)
    is_whole = number.kind in "iu"

    def linspace(
        start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None
    ) -> Any:
        first = as_any_array(start).astype(np.float64)
        last = as_any_array(stop).astype(np.float64)
        apart = last - first
        parts = num - 1 if has_end else num
        step = apart / parts if parts > 0 else apart
        is_flat = parts > 0 and np.any(step == 0)
        out = np.empty((num, *apart.shape), np.float64)
        for index in range(num):
            out[index] = (index / parts * apart if is_flat else index * step) + first
        if has_end and num > 1:
            out[-1] = last + apart * 0
        return (np.floor(out) if is_whole else out).astype(number)

    return linspace


def _linspace_of_singles(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None
) -> Any:
    """Of float32, also beside a number of Python: NumPy computes in single precision."""
    ends = (start, stop)
    if types.float32 not in ends or not all(kind == types.float32 or python_kind(kind) for kind in ends):
        return None
    has_end, number = bool(literal(endpoint, "endpoint")), _dtype(dtype, np.float32)
    if literal(retstep, "retstep") or number.kind in "iu":
        raise errors.TypingError(
            "a guest has np.linspace of float32 without retstep= and integers; use np.float64(x)"
        )

    def linspace(
        start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None
    ) -> Any:
        first, last = np.float32(start), np.float32(stop)
        apart, parts = np.float32(last - first), np.float32(num - 1 if has_end else num)
        step = np.float32(apart / parts) if parts > 0 else np.float32(1)
        out = np.empty(num, np.float32)
        for index in range(num):
            if parts > 0 and step == 0:
                offset = np.float32(np.float32(np.float32(index) / parts) * apart)
            else:
                offset = np.float32(np.float32(index) * (step if parts > 0 else apart))
            out[index] = np.float32(offset + first)
        if has_end and num > 1:
            out[-1] = last
        return out.astype(number)

    return linspace


def _logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, base: Any = 10.0, dtype: Any = None
) -> Any:
    if not (is_number(start) and is_number(stop) and (isinstance(base, float) or is_number(base))):
        return None
    has_end, number = bool(literal(endpoint, "endpoint")), _dtype(dtype)
    return lambda start, stop, num=50, endpoint=True, base=10.0, dtype=None: np.power(
        np.float64(base), np.linspace(start, stop, num, has_end)
    ).astype(number)


def _geomspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None) -> Any:
    if not all(isinstance(kind, types.Integer | types.Float) for kind in (start, stop)):
        return None
    has_end, number = bool(literal(endpoint, "endpoint")), _dtype(dtype)

    def geomspace(start: Any, stop: Any, num: Any = 50, endpoint: Any = True, dtype: Any = None) -> Any:
        if start == 0 or stop == 0:
            raise ValueError("Geometric sequence cannot include zero")
        if (start < 0) != (stop < 0):
            raise ValueError("a guest has np.geomspace of two numbers of the same sign")
        sign = -1.0 if start < 0 else 1.0
        ends = np.log10(np.array([sign * start, sign * stop]))
        out = sign * np.power(10.0, np.linspace(ends[0], ends[1], num, has_end))
        if num > 0:
            out[0] = start
        if num > 1 and has_end:
            out[-1] = stop
        return out.astype(number)

    return geomspace


def _open_meshgrid(
    a: Any, b: Any, c: Any = None, indexing: Any = "xy", sparse: Any = False, copy: Any = True
) -> Any:
    given = [kind for kind in (a, b, c) if not is_none(kind)]
    if any(array_of(kind) is None or array_of(kind).ndim > 1 for kind in given):
        return None
    chosen = literal(indexing, "indexing")
    if not literal(sparse, "sparse"):
        if is_none(c):
            return lambda a, b, c=None, indexing="xy", sparse=False, copy=True: np.meshgrid(
                a, b, indexing=chosen
            )
        return lambda a, b, c=None, indexing="xy", sparse=False, copy=True: np.meshgrid(
            a, b, c, indexing=chosen
        )
    ones = (1,) * (len(given) - 2)
    one, other = ((1, -1) + ones, (-1, 1) + ones) if chosen == "xy" else ((-1, 1) + ones, (1, -1) + ones)
    if is_none(c):
        return lambda a, b, c=None, indexing="xy", sparse=False, copy=True: (
            as_array(a).copy().reshape(one),
            as_array(b).copy().reshape(other),
        )
    return lambda a, b, c=None, indexing="xy", sparse=False, copy=True: (
        as_array(a).copy().reshape(one),
        as_array(b).copy().reshape(other),
        as_array(c).copy().reshape((1, 1, -1)),
    )
