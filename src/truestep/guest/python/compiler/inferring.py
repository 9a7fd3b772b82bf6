"""The type that a function returns, found out without compiling it.

What is learnt of the fields of classes and of what fills containers makes most answers old. Not those of
functions that have plain arguments, numbers, texts, arrays and containers of them, and use nothing that
functions share.
"""

import functools
from types import FunctionType
from typing import Any

from numba.core import compiler, compiler_machinery, errors, typed_passes, types
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.int_or_float import IntOrFloat
from truestep.guest.python.compiler.ownership import is_ours, is_users_function
from truestep.guest.python.compiler.python_numbers import PythonFloat, PythonInt
from truestep.guest.python.compiler.rewriting import origin_of, specialised


@compiler_machinery.register_pass(mutates_CFG=False, analysis_only=True)
class _StopAfterTypes(compiler_machinery.FunctionPass):
    """Ends a compilation with what it has found out."""

    _name = "stop_after_types"

    def __init__(self) -> None:
        compiler_machinery.FunctionPass.__init__(self)

    def run_pass(self, state: Any) -> bool:
        """Take the return type for the result."""
        state.cr = state.return_type
        return False


class _Inference(compiler.CompilerBase):
    def define_pipelines(self) -> Any:
        """What leads to types, and no further."""
        passes = compiler.DefaultPassBuilder.define_untyped_pipeline(self.state)
        passes.add_pass(typed_passes.NopythonTypeInference, "nopython frontend")
        passes.add_pass(_StopAfterTypes, "stop")
        passes.finalize()
        return [passes]


_SINGLE = {
    types.Boolean, types.BooleanLiteral, types.Complex, types.Float, types.Integer, types.IntegerLiteral,
    types.NoneType, types.RangeType, types.SliceType, types.StringLiteral, types.UnicodeType,
    IntOrFloat, PythonFloat, PythonInt,
}  # fmt: skip
"""Types that stand for themselves. Not those derived from them, of which some are still to be found out."""
_inferred: dict[Any, Any] = {}
"""What was inferred of functions and arguments since anything new was learnt: types and errors."""
_stable: dict[Any, Any] = {}
"""Likewise, where nothing that is learnt can change it, until functions are changed."""
_settled: dict[Any, Any] = {}
"""Likewise, where nothing changes it: types."""
_running: list["_Running"] = []
"""The functions whose types are being inferred, the innermost last."""


class _Running:
    """The inference of one function's types."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.depends = False
        """Whether it met what functions share: classes, modules' state, and what is not known yet."""


def note_shared_use() -> None:
    """What is being inferred depends on more than the functions and the types of their arguments."""
    for running in _running:
        running.depends = True


def note_recursion(function: Any) -> None:
    """What was called by a function calls it, before the type of its result is known."""
    for running in reversed(_running):
        if origin_of(running.function) is origin_of(function):
            break
        running.depends = True


def forget_inferred() -> None:
    """Infer anew what depends on types that are not known yet, because there is more to know."""
    _inferred.clear()
    cpu_target.typing_context.callstack._fail_cache.clear()


def forget_functions() -> None:
    """Infer anew all that depends on functions of the user, because they are changed."""
    forget_inferred()
    _stable.clear()


def returned_type(function: FunctionType, arguments: Any) -> Any:
    """The type that a function returns for arguments of these types. Raises TypingError."""
    key = function, tuple(arguments)
    found = _settled.get(key, _stable.get(key))
    if found is None:
        found = _inferred_type(key)
    if isinstance(found, errors.TypingError):
        raise found
    return found


def _inferred_type(key: Any) -> Any:
    """A type or an error, which may be known."""
    if key in _inferred:
        note_shared_use()
        return _inferred[key]
    function, arguments = key
    running = _Running(function)
    _running.append(running)
    try:
        found = _infer(function, arguments)
    except errors.TypingError as error:
        found = error
    finally:
        _running.pop()
    is_error = isinstance(found, errors.TypingError)
    is_plain = bool(arguments) and all(map(_is_plain, arguments)) and (is_error or _is_plain(found))
    if is_plain and not is_error and _is_librarys(function):
        _settled[key] = found
    elif is_plain and not running.depends:
        _stable[key] = found
    else:
        note_shared_use()
        _inferred[key] = found
    return found


@functools.cache
def _is_plain(kind: Any) -> bool:
    """Whether a type is that of numbers, texts, arrays or containers of them."""
    if isinstance(kind, types.Omitted):
        return kind.value is None or type(kind.value) in {bool, int, float, str}
    if isinstance(kind, types.Optional):
        return _is_plain(kind.type)
    if isinstance(kind, types.Array | types.List | types.Set):
        return _is_plain(kind.dtype)
    if isinstance(kind, types.BaseAnonymousTuple):
        return all(map(_is_plain, kind))
    if isinstance(kind, types.DictType):
        return _is_plain(kind.key_type) and _is_plain(kind.value_type)
    return type(kind) in _SINGLE


def _is_librarys(function: Any) -> bool:
    """Whether nothing of the user's is in a function, or in what it was made with."""
    function = getattr(function, "py_func", function)
    if not isinstance(function, FunctionType):
        return (
            function is None
            or type(function) in {bool, int, float, str}
            or (isinstance(function, types.Type) and _is_plain(function))
        )
    if is_users_function(function) and not is_ours(function):
        return False
    return all(_is_librarys(cell.cell_contents) for cell in function.__closure__ or ())


def _infer(function: FunctionType, arguments: Any) -> Any:
    flags = compiler.Flags()
    flags.nrt = True
    flags.error_model = "numpy"
    typing, target = cpu_target.typing_context, cpu_target.target_context
    if is_users_function(function) and not is_ours(function):
        function = specialised(function, arguments)
    return compiler.compile_extra(
        typing, target, function, arguments, None, flags, {}, pipeline_class=_Inference
    )
