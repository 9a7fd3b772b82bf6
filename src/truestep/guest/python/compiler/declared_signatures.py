"""Functions with signatures, as `@njit("float64(float64)")`: compiled when they are used, not when imported.

A module may declare many that a guest does not call, and some of them cannot be compiled for it.
"""

import contextlib
from collections.abc import Generator
from typing import Any

from numba.core import dispatcher
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.ownership import is_users_function
from truestep.guest.python.compiler.starting_over import when_starting_over

_declared: dict[Any, list[Any]] = {}
"""The signatures of the user's functions that have any."""
_waiting: set[Any] = set()
"""Those of these that are not compiled."""
_is_compiling: list[bool] = [False]
"""Whether a guest is being compiled, and not only imported; the innermost last."""
_compile: Any = dispatcher.Dispatcher.compile


@contextlib.contextmanager
def compiling_a_guest() -> Generator[None]:
    """Functions are compiled at once when asked for."""
    _is_compiling.append(True)
    try:
        yield
    finally:
        _is_compiling.pop()


def compile_declared(function: Any) -> None:
    """Compile a function for the signatures that it declares, unless this is done."""
    if function not in _waiting:
        return
    _waiting.discard(function)
    function._can_compile = True
    try:
        for signature in _declared[function]:
            _compile(function, signature)
    except Exception:
        _waiting.add(function)
        raise
    finally:
        function._can_compile = False


def install_declared_signatures() -> None:
    """Let a module be imported without compiling its functions."""
    dispatcher.Dispatcher.compile = _compile_when_used
    dispatcher.Dispatcher.disable_compile = _disable_compile


def _compile_when_used(self: Any, signature: Any) -> Any:
    is_inside = bool(cpu_target.typing_context.callstack._stack)  # of a ufunc, compiled when it is imported
    if _is_compiling[-1] or is_inside or not is_users_function(self.py_func):
        return _compile(self, signature)
    _declared.setdefault(self, []).append(signature)
    _waiting.add(self)
    return None


def _disable_compile(self: Any, value: bool = True) -> None:
    """Numba asks for a signature that is compiled."""
    self._can_compile = not value


def _forget_compiled() -> None:
    for function in _declared:
        function._reset_overloads()
        _waiting.add(function)


when_starting_over(_forget_compiled)
