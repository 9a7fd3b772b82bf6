"""Calls with names of arguments, which Numba mixes up.

`def f(x, factor=2.0, *, offset=0.0)` called as `f(x, 3.0, offset=1.0)` got the factor 2.0 and the offset 3.0;
and in a `try` all names were forgotten, so that `f(offset=1.0, x=3.0)` got its arguments in this order.
"""

from inspect import Parameter, Signature
from typing import Any

from numba.core import byteflow, dispatcher, errors, types, typing
from numba.core.typing import templates

_STARRED: Any = (types.StarArgTuple, types.StarArgUniTuple)


def _without_ends_before_calls(handle: Any) -> Any:
    """A block in a `try` goes on over the empty instructions before a call, and ends after the call."""

    def handle_exception(self: Any, runner: Any, state: Any) -> Any:
        following = state.get_inst()
        while following.opname == "CACHE" and following.next in state._bytecode:
            following = state._bytecode[following.next]
        if state.get_inst().opname == "CACHE" and following.opname == "CALL" and state.has_active_try():
            return state.advance_pc()
        return handle(self, runner, state)

    return handle_exception


def install_keyword_arguments() -> None:
    """Bind arguments as Python does."""
    # In a `try`, each instruction that may raise ends a block, and the names are lost at the end of one.
    blocks: Any = byteflow
    blocks._NO_RAISE_OPS |= {"KW_NAMES"}
    flow: Any = byteflow.Flow
    flow._run_handle_exception = _without_ends_before_calls(flow._run_handle_exception)
    fold = templates.fold_arguments

    def fold_as_python(
        signature: Signature, arguments: Any, named: Any, normal: Any, default: Any, starred: Any
    ) -> Any:
        named = dict(named)
        if not _is_call_by_keyword(signature, arguments, named):
            return fold(signature, arguments, named, normal, default, starred)
        try:
            bound = signature.bind(*arguments, **named).arguments
        except TypeError as error:
            raise errors.TypingError(str(error)) from error
        values: list[Any] = []
        for index, (name, parameter) in enumerate(signature.parameters.items()):
            if parameter.kind is Parameter.VAR_POSITIONAL:
                values.append(starred(index, parameter, bound.get(name, ())))
            elif name in bound:
                values.append(normal(index, parameter, bound[name]))
            else:
                values.append(default(index, parameter, parameter.default))
        return tuple(values)

    for module in (templates, typing, dispatcher):
        setattr(module, "fold_arguments", fold_as_python)  # noqa: B010 - not an attribute that pyright knows


def _is_call_by_keyword(signature: Signature, arguments: Any, named: dict[str, Any]) -> bool:
    """Whether it is a call as the user wrote it, of a function with keyword-only parameters.

    Arguments that are bound already come again, all of them by position.
    """
    parameters = signature.parameters.values()
    only = {part.name for part in parameters if part.kind is Parameter.KEYWORD_ONLY}
    if not only or only & named.keys():
        return bool(only)
    stars = [place for place, part in enumerate(parameters) if part.kind is Parameter.VAR_POSITIONAL]
    if len(arguments) != len(parameters):
        return bool(stars) or len(arguments) < len(parameters)
    return bool(stars) and not isinstance(arguments[stars[0]], _STARRED)
