"""`defaultdict`, `Counter` and `OrderedDict` as classes: where one is a field, an argument or a result."""

# pyright: basic
# What Numba compiles has no types of Python.

import functools
import sys
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.collection_calls import (
    added_counts,
    chosen_counts,
    count_further,
    most_common,
)

_SHOWS_PAIRS = sys.version_info < (3, 12)
"""Before, an OrderedDict showed the list of its items."""


_OPERATORS = ("__add__", "__sub__", "__or__", "__and__")
"""Those of two counters."""


@functools.cache
def class_at(place: str, kind: str, default: FunctionType | None) -> type:
    """The class of what one variable or field holds, whose keys and values have one type each."""
    base = {"defaultdict": DefaultDictionary, "Counter": Counts, "OrderedDict": Ordered}[kind]
    members: dict[str, Any] = {"__module__": __name__, "__qualname__": kind}
    if default is not None:
        members["_missing"] = default
    made = type(f"{kind} of {place}", (base,), members)
    scope = {**globals(), "Keyed": made}
    for name in ("copy", *(_OPERATORS if kind == "Counter" else ())):
        method: Any = getattr(base, name)
        setattr(made, name, FunctionType(method.__code__, scope, name))
    return made


class Keyed:
    """What all of them can do: a dictionary."""

    def __init__(self, content: Any) -> None:
        self._content = content

    def __setitem__(self, key: Any, value: Any) -> None:
        self._content[key] = value

    def __delitem__(self, key: Any) -> None:
        if key not in self._content:
            raise KeyError(key)
        self._content.pop(key)

    def __contains__(self, key: Any) -> bool:
        return key in self._content

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> Any:
        for key in self._content:  # noqa: UP028 - Numba knows no `yield from`
            yield key

    def keys(self) -> Any:
        """The keys."""
        return self._content.keys()

    def values(self) -> Any:
        """The values."""
        return self._content.values()

    def items(self) -> Any:
        """The pairs."""
        return self._content.items()

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, or a default."""
        return self._content.get(key, default)

    def pop(self, key: Any) -> Any:
        """The value of a key, which is taken out."""
        if key not in self._content:
            raise KeyError(key)
        return self._content.pop(key)

    def setdefault(self, key: Any, default: Any) -> Any:
        """The value of a key, which gets the default if it is missing."""
        if key not in self._content:
            self._content[key] = default
        return self._content[key]

    def clear(self) -> None:
        """Take all out."""
        self._content.clear()

    def copy(self) -> Any:
        """Another one with the same items."""
        return Keyed(self._content.copy())


class DefaultDictionary(Keyed):
    """What a guest has in the place of `defaultdict`."""

    def _missing(self) -> Any:
        raise KeyError("each class says what it makes for a missing key")

    def __getitem__(self, key: Any) -> Any:
        if key not in self._content:
            self._content[key] = self._missing()
        return self._content[key]

    def update(self, other: Any) -> None:
        """Set the values of another dictionary."""
        for key, value in other.items():
            self._content[key] = value


class Counts(Keyed):
    """What a guest has in the place of `Counter`."""

    def __getitem__(self, key: Any) -> Any:
        return self._content.get(key, 0)

    def total(self) -> int:
        """The sum of all counts."""
        return sum(list(self._content.values()))

    def update(self, items: Any) -> None:
        """Count further items."""
        count_further(self._content, items)

    def most_common(self, n: Any = None) -> Any:
        """The pairs, the most frequent first."""
        pairs = most_common(self._content)
        return pairs if n is None else pairs[:n]

    def __add__(self, other: Any) -> Any:
        return Keyed(added_counts(self._content, other._content, 1))

    def __sub__(self, other: Any) -> Any:
        return Keyed(added_counts(self._content, other._content, -1))

    def __or__(self, other: Any) -> Any:
        return Keyed(chosen_counts(self._content, other._content, True))

    def __and__(self, other: Any) -> Any:
        return Keyed(chosen_counts(self._content, other._content, False))

    def __repr__(self) -> str:
        if len(self._content) == 0:
            return "Counter()"
        text = "Counter({"
        for key, count in most_common(self._content):
            if len(text) > len("Counter({"):
                text += ", "
            text += repr(key) + ": " + repr(count)
        return text + "})"


class Ordered(Keyed):
    """What a guest has in the place of `OrderedDict`."""

    def __getitem__(self, key: Any) -> Any:
        if key not in self._content:
            raise KeyError(key)
        return self._content[key]

    def move_to_end(self, key: Any, last: bool = True) -> None:
        """Let a key be the last, or the first."""
        if key not in self._content:
            raise KeyError(key)
        value = self._content.pop(key)
        if last:
            self._content[key] = value
            return
        others = list(self._content.items())
        self._content.clear()
        self._content[key] = value
        for other, its_value in others:
            self._content[other] = its_value

    def popitem(self, last: bool = True) -> Any:
        """The last pair, or the first, which is taken out."""
        if len(self._content) == 0:
            raise KeyError("dictionary is empty")
        if last:
            return self._content.popitem()
        for key in self._content:
            value = self._content[key]
            break
        self._content.pop(key)
        return key, value

    def update(self, other: Any) -> None:
        """Set the values of another dictionary."""
        for key, value in other.items():
            self._content[key] = value

    def __repr__(self) -> str:
        text = ""
        for key, value in self._content.items():
            if text:
                text += ", "
            text += _pair(key, value)
        return _around(text)


if _SHOWS_PAIRS:

    def _pair(key: Any, value: Any) -> str:
        return "(" + repr(key) + ", " + repr(value) + ")"

    def _around(text: str) -> str:
        return "OrderedDict([" + text + "])" if text else "OrderedDict()"
else:

    def _pair(key: Any, value: Any) -> str:
        return repr(key) + ": " + repr(value)

    def _around(text: str) -> str:
        return "OrderedDict({" + text + "})" if text else "OrderedDict()"
