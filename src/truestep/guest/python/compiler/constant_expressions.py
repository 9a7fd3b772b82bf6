"""Expressions that make the values of a module anew, in a guest."""

import ast
import collections
import enum
from collections.abc import Iterable
from types import FunctionType
from typing import Any

import numpy as np

from truestep.guest.python.compiler.ownership import is_users_instance
from truestep.guest.python.compiler.rewriting_names import Names

CONTAINERS: Any = (list, dict, set, frozenset)
ARRAYS: Any = (np.ndarray, np.generic)
_ARRAY: Any = np.ndarray
_SEQUENCES: Any = (list, tuple, set, frozenset)
_MAPPINGS: Any = (dict,)
_PARTS_MAX = 2000
_WRITTEN_OUT_MAX = 64
"""Lists of more numbers are made of a constant array."""
_WORD = 1 << 63


class Blank:
    """A class of which an instance is made with given fields, without a call of `__init__`."""

    def __init__(self, origin: type) -> None:
        self.origin = origin


_blanks: dict[type, Blank] = {}


def blank_of(origin: type) -> Blank:
    """The one of a class."""
    return _blanks.setdefault(origin, Blank(origin))


class ConstantWriter:
    """Writes expressions. Those of what a guest `keeps` may be empty, and have copies of arrays."""

    def __init__(self, names: Names, *, keeps: bool = False) -> None:
        self._names = names
        self._keeps = keeps

    def expression(self, value: Any) -> ast.expr | None:
        """What makes the value anew; None if a guest cannot."""
        return None if size_of(value) > _PARTS_MAX else self._expression(value)

    def _expression(self, value: Any) -> ast.expr | None:
        kind = kind_of(value)
        if kind in {bool, str, float, complex, int}:
            is_too_large = kind is int and not -_WORD <= value < _WORD
            return None if is_too_large else ast.Constant(value)
        if isinstance(value, ARRAYS):
            return self._array(value)
        if kind is tuple:
            parts = self._expressions(value)
            return ast.Tuple(elts=parts, ctx=ast.Load()) if parts else None
        if kind in {set, frozenset}:
            return self._set(list(value))
        if kind is dict:
            keys, values = self._expressions(value.keys()), self._expressions(value.values())
            is_known = keys is not None and values is not None
            return ast.Dict(keys=list[Any](keys or []), values=values or []) if is_known else None
        if kind is list:
            return self._list(value)
        if isinstance(value, enum.Enum):
            return self._names.helper(f"member{id(value)}", value)
        return self._kept(value) if self._keeps else None

    def _kept(self, value: Any) -> ast.expr | None:
        """What only a guest that keeps it needs."""
        if value is None:
            return ast.Constant(None)
        if kind_of(value) is bytes:
            return ast.Constant(value)
        if kind_of(value) is collections.deque:
            return self._queue(value)
        return self._instance(value) if is_users_instance(value) else None

    def _array(self, array: Any) -> ast.expr | None:
        if not self._keeps or not isinstance(array, _ARRAY):
            return self._names.helper(f"array{id(array)}", array)
        if not array.flags.c_contiguous or array.dtype.hasobject:
            return None
        begun = self._names.helper(f"array{id(array)}", array.copy())
        copied = ast.Attribute(value=begun, attr="copy", ctx=ast.Load())
        return ast.Call(func=copied, args=[], keywords=[])

    def _set(self, items: list[Any]) -> ast.expr | None:
        if not items:
            return self._names.call("set", set) if self._keeps else None
        made = self._expression(items)
        return made and self._names.call("set", set, made)

    def _queue(self, queue: Any) -> ast.expr | None:
        items = self._expression(list(queue))
        if items is None:
            return None
        made = self._names.call("deque", collections.deque, *([items] if queue else []))
        if queue.maxlen is not None:
            made.keywords = [ast.keyword(arg="maxlen", value=ast.Constant(queue.maxlen))]
        return made

    def _instance(self, value: Any) -> ast.expr | None:
        fields = fields_of_instance(value)
        parts = None if fields is None else self._expressions(fields.values())
        if fields is None or parts is None:
            return None
        made = self._names.call(f"blank{id(value.__class__)}", blank_of(value.__class__))
        made.keywords = [ast.keyword(arg=name, value=part) for name, part in zip(fields, parts, strict=True)]
        return made

    def _list(self, value: list[Any]) -> ast.expr | None:
        kinds = set(map(type, value))
        if len(value) > _WRITTEN_OUT_MAX and len(kinds) == 1 and kinds <= {int, float, bool}:
            array = np.array(value)
            if array.dtype.kind not in "ifb":
                return None
            return self._names.call("list", list, self._names.helper(f"array{id(value)}", array))
        parts = self._expressions(value)
        return None if parts is None else ast.List(elts=parts, ctx=ast.Load())

    def _expressions(self, values: Iterable[Any]) -> list[ast.expr] | None:
        """Those of all items; None if there is none."""
        parts = [self._expression(value) for value in values]
        found = [part for part in parts if part is not None]
        is_known = len(found) == len(parts) and (bool(found) or self._keeps)
        return found if is_known else None


def fields_of_instance(value: Any) -> dict[str, Any] | None:
    """The fields of an instance; None if some of it is elsewhere."""
    kind: Any = value.__class__
    slots = [
        name
        for base in kind.__mro__[:-1]
        for name in _names_of_slots(getattr(base, "__slots__", ()))
        if name not in {"__dict__", "__weakref__"}
    ]
    fields = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    fields |= getattr(value, "__dict__", {})
    return None if any(isinstance(part, FunctionType | type) for part in fields.values()) else fields


def _names_of_slots(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def levels_of(value: Any) -> int:
    """How many levels of containers that can be changed a value has."""
    if isinstance(value, ARRAYS):
        return 1
    kinds: Any = (tuple, *CONTAINERS)
    if not isinstance(value, kinds):
        return 0
    items: Any = value.values() if isinstance(value, _MAPPINGS) else value
    inner = max([levels_of(item) for item in items], default=0)
    return inner + isinstance(value, CONTAINERS)


def kind_of(value: object) -> Any:
    """The class of a value."""
    return type(value)


def size_of(value: Any) -> int:
    """How many parts an expression of a value has."""
    if isinstance(value, _MAPPINGS):
        return sum(map(size_of, value.keys())) + sum(map(size_of, value.values()))
    is_long = kind_of(value) is list and len(value) > _WRITTEN_OUT_MAX and levels_of(value) == 1
    return sum(map(size_of, value)) if isinstance(value, _SEQUENCES) and not is_long else 1
