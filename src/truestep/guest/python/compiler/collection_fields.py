"""Fields that hold a `defaultdict` or a `Counter`, and nothing else anywhere in their module."""

import ast
import collections
import functools
from pathlib import Path
from types import FunctionType
from typing import Any

_KINDS: Any = (collections.defaultdict, collections.Counter)


def fields_of_module(function: FunctionType) -> dict[str, ast.Call]:
    """The calls that make them, by the names of the fields."""
    found: dict[str, ast.Call] = {}
    for name, values in _stored(function.__code__.co_filename).items():
        calls = [value for value in values if isinstance(value, ast.Call)]
        called = [_value(call.func, function.__globals__) for call in calls]
        is_only = len(calls) == len(values) and all(any(one is kind for kind in _KINDS) for one in called)
        if is_only and len({_made(call) for call in calls}) == 1:
            found[name] = calls[0]
    return found


def _made(call: ast.Call) -> str:
    """What decides about the field; of a Counter, its items do not."""
    name = ast.unparse(call.func)
    return ast.unparse(call) if name.endswith("defaultdict") else name


def _value(node: ast.expr, scope: dict[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return scope.get(node.id)
    if isinstance(node, ast.Attribute):
        return getattr(_value(node.value, scope), node.attr, None)
    return None


@functools.cache
def _stored(file: str) -> dict[str, list[ast.expr | None]]:
    """What each attribute is set to, anywhere in a file."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return {}
    found: dict[str, list[ast.expr | None]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _note(found, target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            _note(found, node.target, node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            _note(found, node.target, None)
    return found


def _note(found: dict[str, list[ast.expr | None]], target: ast.expr, value: ast.expr | None) -> None:
    if isinstance(target, ast.Attribute):
        found.setdefault(target.attr, []).append(value)
    elif isinstance(target, ast.Tuple | ast.List):
        for part in target.elts:
            _note(found, part, None)
