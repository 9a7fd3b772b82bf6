"""Functions of NumPy whose first argument may be a list or tuple of numbers, which becomes an array."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import inspect
from typing import Any

import numpy as np
from numba.core import types
from numba.core.typing.templates import builtin_registry

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, holds_arrays
from truestep.guest.python.compiler.numpy_functions.extending import extend_first

_OF_PAIRS = {
    *(np.convolve, np.correlate, np.kron, np.outer, np.inner, np.cross, np.searchsorted),
    *(np.union1d, np.setdiff1d, np.setxor1d, np.intersect1d, np.isin, np.array_equal, np.array_equiv),
    *(np.polyadd, np.polysub, np.polymul, np.polydiv),
}
"""Functions whose second argument is an array, too."""

_OTHERS = {
    *(np.array, np.asarray, np.asanyarray, np.zeros, np.ones, np.empty, np.full, np.indices, np.identity),
    *(np.eye, np.tri, np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.block),
    *(np.lexsort, np.select, np.piecewise, np.apply_along_axis, np.fromiter, np.frombuffer, np.fromfunction),
    *(np.result_type, np.promote_types, np.can_cast, np.issubdtype, np.isscalar, np.iterable, np.ix_),
    *(np.meshgrid, np.einsum, np.broadcast_arrays, np.broadcast_shapes, np.ravel_multi_index, np.histogramdd),
    *(np.shape, np.size, np.ndim, np.copyto, np.put, np.place, np.putmask, np.fill_diagonal),
    *(np.trim_zeros, np.split, np.hsplit, np.vsplit, np.dsplit),
}
"""Functions whose first argument is something else, or which tell lists from arrays."""


_OF_MATRICES = (
    *(
        "matrix_power",
        "matrix_rank",
        "eig",
        "eigh",
        "eigvals",
        "eigvalsh",
        "svd",
        "svdvals",
        "qr",
        "cholesky",
    ),
    *("pinv", "cond", "slogdet"),
)
"""Functions of np.linalg that take one matrix; the others have forms for lists of their own."""


def install_list_forms() -> None:
    """Add them to Numba's functions; last, when all functions are there."""
    known = {id(function) for function, _ in builtin_registry.globals}
    for function in _functions():
        if id(function) in known and function not in _OTHERS:
            extend_first(function, _of_list(function))


def _functions() -> list[Any]:
    """The functions of NumPy that are written in Python or have a signature."""
    members = [*sorted(vars(np.fft).items()), *sorted(vars(np).items())]
    members += [(name, getattr(np.linalg, name)) for name in _OF_MATRICES]
    return list({id(value): value for _, value in members if inspect.isroutine(value)}.values())


def _of_list(function: Any) -> Any:
    """An overload with the function's own parameters, which calls it with an array and what was given."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except ValueError:
        return _never
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [parameter for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
    if not parameters or any(parameter.kind not in plain for parameter in parameters):
        return _never
    names = [parameter.name for parameter in parameters]
    count = 2 if function in _OF_PAIRS else 1
    return _overload(function, parameters, names, count)


def _never(*arguments: Any) -> None:
    """Nothing is done for a function whose parameters are not known."""


def _overload(function: Any, parameters: list[inspect.Parameter], names: list[str], count: int) -> Any:
    heads = [
        name if p.default is p.empty else f"{name}=None" for name, p in zip(names, parameters, strict=True)
    ]
    head = ", ".join(heads)

    def choose(kinds: tuple[Any, ...]) -> Any:
        arrays = [index for index in range(count) if _is_list_of_numbers(kinds[index])]
        if not arrays:
            return None
        given = [
            f"as_array({name})" if index in arrays else name if index < count else f"{name}={name}"
            for index, (name, kind) in enumerate(zip(names, kinds, strict=True))
            if isinstance(kind, types.Type) and not isinstance(kind, types.Omitted)
        ]
        return _defined(f"lambda {head}: function({', '.join(given)})", function)

    text = f"lambda {head}: choose(({', '.join(names)},))"
    return eval(text, {"choose": choose})


def _is_list_of_numbers(kind: Any) -> bool:
    is_sequence = isinstance(kind, types.List | types.BaseTuple) and not isinstance(
        kind, types.BaseNamedTuple
    )
    return is_sequence and not holds_arrays(kind) and array_of(kind) is not None


def _defined(text: str, function: Any) -> Any:
    return eval(text, {"function": function, "as_array": as_array})
