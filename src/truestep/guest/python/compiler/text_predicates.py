"""`isdigit` and the like of strings as truth values; Numba's give numbers for some strings."""

from collections.abc import Callable
from typing import Any

from numba.core import types
from numba.core.extending import overload_method, register_jitable
from numba.core.typing.templates import builtin_registry

_PREDICATES = {
    "isalnum", "isalpha", "isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric",
    "isprintable", "isspace", "istitle", "isupper",
}  # fmt: skip


def install_text_predicates() -> None:
    """Replace Numba's own."""
    registry = builtin_registry
    replaced = [entry for entry in registry.attributes if _is_predicate(entry)]
    registry.attributes[:] = [entry for entry in registry.attributes if not _is_predicate(entry)]
    for entry in replaced:
        overload_method(types.UnicodeType, entry._attr)(_as_truth(entry._overload_func))


def _is_predicate(entry: Any) -> bool:
    return entry.key is types.UnicodeType and getattr(entry, "_attr", None) in _PREDICATES


def _as_truth(choose: Callable[..., Any]) -> Callable[..., Any]:
    def choose_truth(text: Any) -> Any:
        implementation = register_jitable(choose(text))

        def is_so(text: Any) -> bool:
            return bool(implementation(text))

        return is_so

    return choose_truth
