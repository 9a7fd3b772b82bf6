"""The Python functions that a guest may call: decorated or not, they are compiled with it."""

import functools
import inspect
import sys
from dataclasses import dataclass
from types import FunctionType
from typing import Any, TypeGuard

import numba
import numpy as np
from numba.core import bytecode, caching, cpu, dispatcher, errors, interpreter, types, withcontexts
from numba.core.cpu_options import ParallelOptions
from numba.core.typing import context as typing_context
from numba.np.ufunc import ufuncbuilder, wrappers

from truestep.guest.python.compiler.classes import PlainClass, is_plain_class
from truestep.guest.python.compiler.rewriting import rewritten

_LIBRARIES = sys.stdlib_module_names | {"numba", "numpy"}
"""Packages whose functions Numba supports by name or not at all: errors inside them explain nothing."""


def accept_plain_functions() -> None:
    """Let compiled code call undecorated functions, and this process call decorated ones as plain Python."""
    resolve = typing_context.BaseContext.resolve_value_type

    def resolve_value_type(context: Any, value: object) -> Any:
        if isinstance(value, _AsDeclared):
            return types.Dispatcher(value.function)
        if isinstance(value, dispatcher.Dispatcher) and (number := _declared_number(value)):
            return types.Dispatcher(_with_pythons_number(value, number))
        try:
            return resolve(context, value)
        except ValueError:
            if is_users_function(value):
                return types.Dispatcher(compiled(value))
            if is_users_class(value):
                return PlainClass(value)
            raise

    typing_context.BaseContext.resolve_value_type = resolve_value_type
    dispatcher.Dispatcher.__call__ = _call_as_python
    dispatcher.Dispatcher.enable_caching = _ignore
    ufunc_compiler: Any = ufuncbuilder.UFuncDispatcher
    ufunc_compiler.enable_caching = _ignore
    gufunc_wrappers: Any = wrappers
    gufunc_wrappers.GufWrapperCache = _no_cache
    interpreter.Interpreter.op_DELETE_FAST = _ignore_deletion
    withcontexts._ObjModeContextType.mutate_with_body = _refuse_object_mode
    _compile_without_threads()
    bytecode.FunctionIdentity.from_function = classmethod(_identity)


def is_users_function(value: object) -> bool:
    """Whether it is a Python function that does not belong to a library."""
    return (
        isinstance(value, FunctionType) and (value.__module__ or "numba").partition(".")[0] not in _LIBRARIES
    )


def is_users_class(value: object) -> TypeGuard[type]:
    """Whether it is a class of the user, of which compiled code can make instances."""
    return is_plain_class(value) and (value.__module__ or "numba").partition(".")[0] not in _LIBRARIES


@functools.cache
def compiled(function: FunctionType) -> Any:
    """The function as Numba compiles it: its signature is that of its own code, without `**others`."""
    has_others = bool(function.__code__.co_flags & inspect.CO_VARKEYWORDS)
    return numba.njit(rewritten(function) if has_others and not is_ours(function) else function)


@dataclass(frozen=True)
class _AsDeclared:
    """A function whose result has the declared type."""

    function: Any


def _declared_number(function: Any) -> Any:
    """The wide type of a number that the function's only signature, `@jit("uint32(…)")`, declares narrow."""
    declared = list(function.overloads.values())
    if function._can_compile or len(declared) != 1:
        return None
    result = declared[0].signature.return_type
    if isinstance(result, types.Integer) and result.bitwidth < types.int64.bitwidth:
        return np.int64
    return np.float64 if result == types.float32 else None


@functools.cache
def _with_pythons_number(function: Any, number: Any) -> Any:
    """The function with an int or a float for its declared narrow result, as Numba gives it to Python."""
    code = function.py_func.__code__
    names = ", ".join(code.co_varnames[: code.co_argcount])
    scope: dict[str, Any] = {"__name__": __name__, "function": _AsDeclared(function), "number": number}
    widened = eval(f"lambda {names}: number(function({names}))", scope)
    widened.__defaults__ = function.py_func.__defaults__
    return numba.njit(widened)


_identify: Any = bytecode.FunctionIdentity.from_function.__func__


def _identity(kind: Any, function: Any) -> Any:
    """What Numba reads of a function: of the user's own, after it was rewritten."""
    if is_users_function(function) and not is_ours(function):
        function = rewritten(function)
    return _identify(kind, function)


def is_ours(function: Any) -> bool:
    """Whether a function belongs to truestep."""
    return (function.__module__ or "truestep").partition(".")[0] == "truestep"


def _call_as_python(function: Any, *arguments: Any, **named: Any) -> Any:
    """Calls while a module is imported are executed by this interpreter."""
    return function.py_func(*arguments, **named)


def _refuse_object_mode(context: Any, *arguments: Any, **options: Any) -> None:
    del context, arguments, options
    raise errors.UnsupportedError(
        "a guest has no interpreter, so objmode does not work; compute the value in the module instead"
    )


def _ignore(function: Any) -> None:
    """Ignore Numba's cache, which holds code for this computer; the build has its own."""


def _no_cache(py_func: Any) -> Any:
    """The cache of a gufunc that asks for one."""
    del py_func
    return caching.NullCache()


def _ignore_deletion(interpreter: Any, instruction: Any) -> None:
    """Ignore `del x`: Numba ends the life of a variable after its last use, and refuses to be told."""


def _compile_without_threads() -> None:
    """Ignore `parallel=True`: a guest has one thread, and prange is range."""
    finalize = cpu.CPUTargetOptions.finalize

    def finalize_sequential(self: Any, flags: Any, options: Any) -> None:
        finalize(self, flags, options)
        flags.auto_parallel = ParallelOptions(value=False)

    cpu.CPUTargetOptions.finalize = finalize_sequential
