"""Ufuncs of the user (`@numba.vectorize`): what one raises ends the guest, and Numba would go on."""

from types import CodeType
from typing import Any

from numba.np import npyimpl
from numba.np.ufunc import ufuncbuilder

_codes: set[CodeType] = set()


def install_user_ufuncs() -> None:
    """Pass on their errors, and note which functions they are."""
    kernel: Any = npyimpl._Kernel
    kernel.generate = _generate
    dispatcher: Any = ufuncbuilder.UFuncDispatcher
    dispatcher.compile = _noting(dispatcher.compile)


def is_of_ufunc(function: Any) -> bool:
    """Whether a function is the body of a ufunc, whose numbers divide as NumPy's do."""
    return function.__code__ in _codes


def _noting(compile_ufunc: Any) -> Any:
    def compile_noted(dispatcher: Any, *arguments: Any, **named: Any) -> Any:
        _codes.add(dispatcher.py_func.__code__)
        return compile_ufunc(dispatcher, *arguments, **named)

    return compile_noted


def _generate(kernel: Any, *arguments: Any) -> Any:
    """The code of one call, for one item."""
    context, builder, inner, outer = kernel.context, kernel.builder, kernel.inner_sig, kernel.outer_sig
    given = [
        kernel.cast(value, kind, wanted)
        for value, kind, wanted in zip(arguments, outer.args, inner.args, strict=False)
    ]
    function = context.declare_function(builder.module, kernel.cres.fndesc)
    function.attributes.add("alwaysinline")
    status, result = context.call_conv.call_function(builder, function, inner.return_type, inner.args, given)
    with builder.if_then(status.is_error, likely=False):
        context.call_conv.return_status_propagate(builder, status)
    return kernel.cast(result, inner.return_type, outer.return_type)
