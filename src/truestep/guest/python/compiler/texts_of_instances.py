"""The text of lists, tuples and dictionaries of instances, whose classes say how each of them looks."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

from numba.core import types
from numba.core.extending import overload


def holds_instances(kind: Any) -> bool:
    """Whether it is the type of a container with instances that have a text."""
    if isinstance(kind, types.BaseTuple):
        return any(map(_is_described, kind.types))
    if isinstance(kind, types.DictType):
        return _is_described(kind.value_type) or _is_described(kind.key_type)
    return isinstance(kind, types.List | types.ListType) and _is_described(kind.dtype)


def _is_described(kind: Any) -> bool:
    kind = kind.type if isinstance(kind, types.Optional) else kind
    is_instance = isinstance(kind, types.ClassInstanceType) and "__repr__" in kind.jit_methods
    return is_instance or holds_instances(kind)


def described(value: Any) -> str:
    """`repr(value)`. Compiled only."""
    raise NotImplementedError


@overload(described, strict=False)
def _described(value: Any) -> Any:
    if not holds_instances(value):
        return _optional if isinstance(value, types.Optional) else _plain
    if isinstance(value, types.BaseTuple):
        return _tuple_of(value)
    return _dictionary if isinstance(value, types.DictType) else _list


def _plain(value: Any) -> Any:
    return repr(value)


def _optional(value: Any) -> Any:
    if value is None:
        return "None"
    return repr(value)


def _list(value: Any) -> Any:
    text = "["
    for index in range(len(value)):
        if index:
            text += ", "
        text += described(value[index])
    return text + "]"


def _dictionary(value: Any) -> Any:
    text = "{"
    for key, item in value.items():
        if len(text) > 1:
            text += ", "
        text += described(key) + ": " + described(item)
    return text + "}"


def _tuple_of(kind: Any) -> Any:
    parts = ' + ", " + '.join(f"described(value[{index}])" for index in range(len(kind)))
    end = '",)"' if len(kind) == 1 else '")"'
    return eval(f'lambda value: "(" + {parts} + {end}', {"described": described})
