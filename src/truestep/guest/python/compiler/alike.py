"""Whether a guest that keeps a list, dictionary or set of the program can have one type for what is in it."""

from typing import Any

_GROUPS: Any = (list, set, frozenset)
_MAPPINGS: Any = (dict,)
_NUMBERS: Any = {bool, int, float}


def has_one_type(value: Any) -> bool:
    """Whether items are alike at each level: records, as in {"name": "x", "size": 1.5}, are not."""
    if isinstance(value, _MAPPINGS):
        parts: list[Any] = [*value.values()]
        is_alike = _count(value.keys()) <= 1 and _count(parts) <= 1
    elif isinstance(value, _GROUPS):
        parts = [item for item in value if item is not None]
        is_alike = set(map(_class_of, parts)) <= _NUMBERS or _count(parts) <= 1
    else:
        parts = [*value] if type(value) is tuple else []
        is_alike = True
    return is_alike and all(map(has_one_type, parts))


def _count(values: Any) -> int:
    """How many shapes there are; an empty container takes that of the others."""
    kinds = (list, dict, set, frozenset)
    return len({_shape(value) for value in values if not (type(value) in kinds and not value)})


def _shape(value: Any) -> Any:
    """What values of one type have in common."""
    kind = _class_of(value)
    if kind is tuple:
        return tuple(map(_shape, value))
    if kind in {list, set, frozenset}:
        inner = set(map(_shape, value))
        return kind, "number" if inner <= _NUMBERS else frozenset(inner)
    if kind is dict:
        return dict, frozenset(map(_shape, value.values()))
    return kind if kind in {str, bytes, complex, type(None)} | _NUMBERS else object


def _class_of(value: object) -> type:
    return type(value)
