"""Methods of a class that Numba cannot read: what `functools.total_ordering` adds, and class methods."""

import functools
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.rewriting import variant

_DERIVED = {
    "_gt_from_lt": "not (self < other) and not (self == other)",
    "_le_from_lt": "self < other or self == other",
    "_ge_from_lt": "not (self < other)",
    "_ge_from_le": "not (self <= other) or self == other",
    "_lt_from_le": "self <= other and not (self == other)",
    "_gt_from_le": "not (self <= other)",
    "_lt_from_gt": "not (self > other) and not (self == other)",
    "_ge_from_gt": "self > other or self == other",
    "_le_from_gt": "not (self > other)",
    "_le_from_ge": "not (self >= other) or self == other",
    "_gt_from_ge": "self >= other and not (self == other)",
    "_lt_from_ge": "not (self >= other)",
}
"""What the functions of `functools` compute, by the names of their code."""


def derived_order(function: FunctionType) -> FunctionType:
    """A comparison that `total_ordering` added, in terms that Numba knows; any other method as it is."""
    text = _DERIVED.get(function.__code__.co_name)
    if text is None or function.__code__.co_filename != functools.__file__:
        return function
    scope: dict[str, Any] = {}
    exec(f"def {function.__name__}(self, other):\n    return {text}\n", scope)
    return scope[function.__name__]


def as_static_method(origin: type, method: Any) -> Any:
    """A class method as instances have it: its class is known. As it is if its source is not at hand."""
    function = method.__func__
    own = function.__code__.co_varnames[0] if function.__code__.co_argcount else None
    made = variant(function, ((own, origin),), ()) if own is not None else None
    return method if made is None else staticmethod(made)
