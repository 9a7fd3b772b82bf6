"""The type that a function returns, found out without compiling it."""

from types import FunctionType
from typing import Any

from numba.core import compiler, compiler_machinery, errors, typed_passes
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.ownership import is_ours, is_users_function
from truestep.guest.python.compiler.rewriting import specialised


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


_inferred: dict[Any, Any] = {}
"""What was inferred of functions and arguments since anything new was learnt: types and errors."""


def forget_inferred() -> None:
    """Infer anew what depends on types that are not known yet, because there is more to know."""
    _inferred.clear()
    cpu_target.typing_context.callstack._fail_cache.clear()


def returned_type(function: FunctionType, arguments: Any) -> Any:
    """The type that a function returns for arguments of these types. Raises TypingError."""
    key = function, tuple(arguments)
    if key not in _inferred:
        try:
            found = _infer(*key)
        except errors.TypingError as error:
            found = error
        _inferred[key] = found
    found = _inferred[key]
    if isinstance(found, errors.TypingError):
        raise found
    return found


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
