"""Values of a module that stand for themselves, such as `MISSING = object()`, asked for by `is` alone."""

# pyright: basic
# What Numba compiles has no types of Python.

import operator
from typing import Any

from numba.core import datamodel, imputils, types

from truestep.guest.python.compiler.ownership import is_users_instance

_lowering: Any = imputils.builtin_registry
_numbers: dict[int, int] = {}


class Sentinel(types.Opaque):
    """The type of one such value."""

    def __init__(self, value: Any) -> None:
        self.value = value
        kind: Any = super()
        number = _numbers.setdefault(id(value), len(_numbers))
        kind.__init__(f"{type(value).__name__}() {number}")


def is_sentinel(value: Any) -> bool:
    """Whether a value of the module holds nothing."""
    return type(value) is object or value is NotImplemented or (is_users_instance(value) and _is_empty(value))


def _is_empty(value: Any) -> bool:
    has_slots = any(vars(kind).get("__slots__") for kind in type(value).__mro__[:-1])
    return not has_slots and not getattr(value, "__dict__", {}) and "__eq__" not in vars(type(value))


def install_sentinels() -> None:
    """Let Numba lower them."""
    datamodel.register_default(Sentinel)(datamodel.models.OpaqueModel)
    _lowering.lower_constant(Sentinel)(_dummy)
    _lowering.lower(operator.is_, Sentinel, Sentinel)(_is_same)
    _lowering.lower(operator.eq, Sentinel, Sentinel)(_is_same)


def _dummy(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    del builder, kind, value
    return context.get_dummy_value()


def _is_same(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    del builder, args
    return context.get_constant(types.boolean, sig.args[0] == sig.args[1])
