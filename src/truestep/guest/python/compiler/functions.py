"""The Python functions that a guest may call: decorated or not, they are compiled with it."""

import functools
import inspect
from dataclasses import dataclass
from fractions import Fraction
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numba.core import bytecode, caching, cpu, dispatcher, errors, interpreter, typeinfer, types, withcontexts
from numba.core.cpu_options import ParallelOptions
from numba.core.registry import cpu_target
from numba.core.typing import context as typing_context
from numba.np.ufunc import ufuncbuilder, wrappers

from truestep.guest.python.compiler.accumulators import becomes_array
from truestep.guest.python.compiler.class_members import begun_fields, members_of
from truestep.guest.python.compiler.classes import PlainClass
from truestep.guest.python.compiler.complaint import Complaint
from truestep.guest.python.compiler.constant_expressions import Blank
from truestep.guest.python.compiler.declared_signatures import compile_declared
from truestep.guest.python.compiler.exact_fractions import check_fractions
from truestep.guest.python.compiler.exception_instances import ExceptionMaker
from truestep.guest.python.compiler.hopeless import note_hopeless
from truestep.guest.python.compiler.inferring import note_shared_use
from truestep.guest.python.compiler.lifting import forget_lifted
from truestep.guest.python.compiler.list_variables import is_read_as_array
from truestep.guest.python.compiler.module_state import ModuleState, check_constant, place_of_variable
from truestep.guest.python.compiler.ownership import is_ours, is_users_class, is_users_function
from truestep.guest.python.compiler.placeholders import begins_with_placeholders
from truestep.guest.python.compiler.rewriting import origin_of, rewritten, specialised, without_others
from truestep.guest.python.compiler.scipy_functions.addresses import refuse_address
from truestep.guest.python.compiler.sentinels import Sentinel, is_sentinel
from truestep.guest.python.compiler.stand_ins import class_in_guests, function_in_guests, refuse_scipys
from truestep.guest.python.compiler.starting_over import (
    bind_compiled,
    when_going_on,
    when_starting_over,
)
from truestep.guest.python.compiler.state_instances import BlankClass, KeptState

_ARRAY: Any = np.ndarray


def accept_plain_functions() -> None:
    """Let compiled code call undecorated functions, and this process call decorated ones as plain Python."""
    resolve = typing_context.BaseContext.resolve_value_type

    def resolve_value_type(context: Any, value: object) -> Any:
        if isinstance(value, ModuleState):
            note_shared_use()
            return KeptState(value)
        if isinstance(value, Blank):
            note_shared_use()
            return BlankClass(value.origin)
        if isinstance(value, _ARRAY):
            check_constant(value, "an array")
        if isinstance(value, _AsDeclared):
            return types.Dispatcher(value.function)
        if isinstance(value, dispatcher.Dispatcher) and is_users_function(getattr(value, "py_func", None)):
            _used.add(value)
            compile_declared(value)
        if isinstance(value, dispatcher.Dispatcher) and (number := _declared_number(value)):
            return types.Dispatcher(_with_pythons_number(value, number))
        made = value.origin if isinstance(value, ExceptionMaker) else class_in_guests(value)
        if made is not None:
            note_shared_use()
            return PlainClass(made)
        if (stand_in := function_in_guests(value)) is not None:
            is_function = isinstance(stand_in, FunctionType) and not stand_in.__module__.startswith("numpy")
            return types.Dispatcher(compiled(stand_in)) if is_function else resolve(context, stand_in)
        if isinstance(value, types.WrapperAddressProtocol):
            refuse_address(value)
        try:
            return resolve(context, value)
        except ValueError:
            if is_users_function(value):
                refuse_scipys(value)
                return types.Dispatcher(compiled(value))
            if is_users_class(value):
                note_shared_use()
                return PlainClass(value)
            if is_sentinel(value):
                return Sentinel(value)
            raise

    typing_context.BaseContext.resolve_value_type = resolve_value_type
    inferer: Any = typeinfer.TypeInferer
    inferer.resolve_value_type = _at_its_line(inferer.resolve_value_type)
    context: Any = typing_context.BaseContext
    context.resolve_module_constants = _unless_kept(context.resolve_module_constants)
    dispatcher.Dispatcher.__call__ = _call_as_python
    dispatcher.Dispatcher.enable_caching = _ignore
    ufunc_compiler: Any = ufuncbuilder.UFuncDispatcher
    ufunc_compiler.enable_caching = _ignore
    gufunc_wrappers: Any = wrappers
    gufunc_wrappers.GufWrapperCache = _no_cache
    interpreter.Interpreter.op_DELETE_FAST = _ignore_deletion
    withcontexts._ObjModeContextType.mutate_with_body = _refuse_object_mode
    _check_indices_and_use_one_thread()
    bytecode.FunctionIdentity.from_function = classmethod(_identity)
    function_compiler: Any = dispatcher._FunctionCompiler
    function_compiler._get_implementation = _implementation
    function_compiler._compile_core = _trying_again(function_compiler._compile_core)
    _follow_calls()


@functools.cache
def compiled(function: FunctionType) -> Any:
    """The function as Numba compiles it: its signature is that of its own code, without `**others`."""
    has_others = bool(function.__code__.co_flags & inspect.CO_VARKEYWORDS) or hasattr(function, "__wrapped__")
    return numba.njit(without_others(function) if has_others and not is_ours(function) else function)


@dataclass(frozen=True)
class _AsDeclared:
    """A function whose result has the declared type."""

    function: Any


def _unless_kept(resolve: Any) -> Any:
    """What a module holds, but for what the guest changes, which is read where it is kept."""

    def resolve_constant(self: Any, kind: Any, name: str) -> Any:
        if place_of_variable(kind.pymod.__name__, name):
            raise Complaint(
                f"a guest reads {name} of {kind.pymod.__name__}, which it changes, by the module's own name",
                remedy=f"write {kind.pymod.__name__.rpartition('.')[2]}.{name}, without another variable",
            )
        return resolve(self, kind, name)

    return resolve_constant


def _at_its_line(resolve: Any) -> Any:
    """Say of a value that is refused where it is used."""

    def resolve_at_line(self: Any, instruction: Any, value: Any) -> Any:
        try:
            if value is Fraction:
                check_fractions(self.func_ir, instruction.target.name)
            return resolve(self, instruction, value)
        except errors.TypingError as error:
            note_hopeless()
            if error.loc is not None:
                raise
            raise errors.TypingError(str(error), loc=instruction.loc) from error

    return resolve_at_line


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


def _implementation(self: Any, kinds: Any, named: Any) -> Any:
    """What is compiled for arguments of these types."""
    del named
    function = self.py_func
    if not is_users_function(function) or is_ours(function):
        return function
    key = function, kinds
    none = frozenset[str]()
    return specialised(
        function, kinds, *(known.get(key, none) for known in (_become_arrays, _are_read, _begin_empty))
    )


_used: set[Any] = set()
"""The user's functions with decorators of Numba."""


def _forget_compiled() -> None:
    compiled.cache_clear()
    rewritten.cache_clear()
    forget_lifted()
    members_of.cache_clear()
    begun_fields.cache_clear()
    _with_pythons_number.cache_clear()
    for function in _used:
        if function._can_compile:
            function._reset_overloads()


_failed: set[Any] = set()
"""What keeps that a function could not be compiled, to fail with the same error when it is asked again."""


def _follow_calls() -> None:
    """Know which functions call themselves or each other, and which failed, when the others are kept."""
    function_compiler: Any = dispatcher._FunctionCompiler
    function_compiler._compile_cached = _noting_failures(function_compiler._compile_cached)
    recursive: Any = types.RecursiveCall
    recursive.__init__ = _binding(recursive.__init__)
    recursive.get_overloads = _known_or_compiled(recursive.get_overloads)
    stack: Any = typing_context.CallStack
    stack.finditer = _frames_of


def _noting_failures(compile_cached: Any) -> Any:
    def compile_and_note(self: Any, kinds: Any, returned: Any) -> Any:
        found = compile_cached(self, kinds, returned)
        if not found[0]:
            _failed.add(self)
        return found

    return compile_and_note


def _forget_failures() -> None:
    rewritten.cache_clear()
    forget_lifted()
    for function_compiler in _failed:
        function_compiler._failed_cache.clear()
    _failed.clear()


when_starting_over(_forget_compiled)
when_going_on(_forget_failures)


_become_arrays: dict[Any, frozenset[str]] = {}
"""The variables that begin as numbers and become arrays, by the function and the types of its arguments."""
_are_read: dict[Any, frozenset[str]] = {}
"""Likewise, those that are a list in one branch and an array in another."""
_begin_empty: dict[Any, frozenset[str]] = {}
"""Likewise, lists that begin with numbers and get items of another type."""


def _trying_again(compile_core: Any) -> Any:
    """Compile a function anew where a variable is a number or a list here, and an array there."""

    def compile_or_try_again(self: Any, kinds: Any, returned: Any) -> Any:
        key = (self.py_func, kinds)
        while True:
            try:
                return compile_core(self, kinds, returned)
            except errors.TypingError as error:
                if not (
                    _note(_become_arrays, key, becomes_array(error, self.py_func))
                    or _note(_are_read, key, is_read_as_array(error, self.py_func))
                    or _note(_begin_empty, key, begins_with_placeholders(error, self.py_func))
                ):
                    raise

    return compile_or_try_again


def _known_or_compiled(get_overloads: Any) -> Any:
    """A recursive call with other types than the inference noted, for which the function is compiled."""

    def overloads_of(self: Any, kinds: Any) -> Any:
        if kinds not in self._overloads and kinds in self.dispatcher_type.dispatcher.overloads:
            made = self.dispatcher_type.dispatcher.overloads[kinds].fndesc
            name = typeinfer.qualifying_prefix(made.modname, made.qualname)
            self.add_overloads(kinds, name, made.uid)
        return get_overloads(self, kinds)

    return overloads_of


def _binding(initialise: Any) -> Any:
    """Functions that call each other are compiled together; one that calls itself is compiled or not."""

    def initialise_and_bind(self: Any, kind: Any) -> None:
        running = [frame.func_id.func for frame in cpu_target.typing_context.callstack._stack[-1:]]
        if not running or origin_of(running[0]) is not origin_of(kind.dispatcher.py_func):
            bind_compiled()
        initialise(self, kind)

    return initialise_and_bind


def _note(variables: dict[Any, frozenset[str]], key: Any, name: str | None) -> bool:
    """Add a variable. Returns whether there is one that was not known."""
    known = variables.get(key, frozenset())
    if name is None or name in known:
        return False
    variables[key] = known | {name}
    return True


def _frames_of(stack: Any, function: Any) -> Any:
    """The frames in which a function, whatever it was changed to, is being compiled."""
    return (frame for frame in stack if origin_of(frame.func_id.func) is origin_of(function))


_identify: Any = bytecode.FunctionIdentity.from_function.__func__


def _identity(kind: Any, function: Any) -> Any:
    """What Numba reads of a function: of the user's own, after it was rewritten."""
    if is_users_function(function) and not is_ours(function):
        function = rewritten(function)
    return _identify(kind, function)


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


def _check_indices_and_use_one_thread() -> None:
    """Check indices, unless a user says `boundscheck=False`. Ignore `parallel=True`: `prange` is `range`."""
    finalize = cpu.CPUTargetOptions.finalize

    def finalize_for_guests(self: Any, flags: Any, options: Any) -> None:
        if options.get("boundscheck") is None:
            flags.boundscheck = True
        finalize(self, flags, options)
        flags.auto_parallel = ParallelOptions(value=False)

    cpu.CPUTargetOptions.finalize = finalize_for_guests
