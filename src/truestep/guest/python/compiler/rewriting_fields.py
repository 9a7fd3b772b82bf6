"""Fields that `__init__` sets twice, first to what the second value is made of: the first is a variable."""

import ast
import copy
from types import FunctionType
from typing import Any


def with_final_fields(tree: Any, function: FunctionType) -> bool:
    """Change an `__init__` so that what a field holds for a while is a variable; whether anything was."""
    if not isinstance(tree, ast.FunctionDef) or tree.name != "__init__" or not tree.args.args:
        return False
    instance = tree.args.args[0].arg
    has_changed = False
    owner = function.__globals__.get(function.__qualname__.split(".")[0])
    for name in sorted(_set_often(tree, instance)):
        if isinstance(getattr(owner, name, None), property):
            continue
        while (places := _places(tree, instance, name)) is not None:
            first, last = places
            for statement in tree.body[first:last]:
                _Held(instance, name, f"{name}_held").visit(statement)
            _Held(instance, name, f"{name}_held", is_last=True).visit(tree.body[last])
            has_changed = True
    return has_changed


def _set_often(tree: ast.FunctionDef, instance: str) -> set[str]:
    names = [name for statement in tree.body for name in _set_by(statement, instance)]
    return {name for name in names if names.count(name) > 1}


def _set_by(statement: ast.stmt, instance: str) -> list[str]:
    """The fields that a plain assignment sets."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    parts = [part for target in targets for part in _members(target)]
    return [part.attr for part in parts if _is_field(part, instance)]


def _members(target: ast.expr) -> list[Any]:
    return list(target.elts) if isinstance(target, ast.Tuple | ast.List) else [target]


def _is_field(node: ast.AST, instance: str) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == instance


def _places(tree: ast.FunctionDef, instance: str, name: str) -> tuple[int, int] | None:
    """The statements that set the field first and next, if all between them only use fields."""
    setting = [place for place, part in enumerate(tree.body) if name in _set_by(part, instance)]
    if len(setting) < 2:
        return None
    first, last = setting[:2]
    fields = {
        part.attr
        for part in ast.walk(tree)
        if _is_field(part, instance) and isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
    }
    between = tree.body[first : last + 1]
    return (first, last) if all(_only_uses(part, instance, fields) for part in between) else None


def _only_uses(statement: ast.stmt, instance: str, fields: set[str]) -> bool:
    """Whether a statement uses the instance for its fields alone, and gives it to nobody."""
    parts = list(ast.walk(statement))
    inner = (ast.FunctionDef, ast.Lambda, ast.ClassDef)
    if any(isinstance(part, inner) for part in parts):
        return False
    used = [part for part in parts if isinstance(part, ast.Name) and part.id == instance]
    owned = [
        part
        for part in parts
        if isinstance(part, ast.Attribute) and _is_field(part, instance) and part.attr in fields
    ]
    called = {part.func for part in parts if isinstance(part, ast.Call)}
    return len(used) == len(owned) and not called & set(owned)


class _Held(ast.NodeTransformer):
    """Puts a variable in the place of a field; in the last statement, where it is read."""

    def __init__(self, instance: str, field: str, variable: str, *, is_last: bool = False) -> None:
        self._instance = instance
        self._field = field
        self._variable = variable
        self._is_last = is_last

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Any attribute."""
        self.generic_visit(node)
        is_stored = not isinstance(node.ctx, ast.Load)
        if not _is_field(node, self._instance) or node.attr != self._field or (self._is_last and is_stored):
            return node
        return ast.copy_location(ast.Name(id=self._variable, ctx=copy.copy(node.ctx)), node)
