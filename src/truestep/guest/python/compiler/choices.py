"""Dictionaries of methods and functions out of which one is taken by a key that is known."""

import ast
import copy
import inspect
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.known_types import Fact, Known, Typed
from truestep.guest.python.compiler.known_values import Evaluator, is_function
from truestep.guest.python.compiler.name_uses import parameters_of, stored_names_of_body


class Choices:
    """What one function takes out of such dictionaries, each of which is set once and only read."""

    def __init__(self, tree: Any, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._changed = stored_names_of_body(tree)
        names = [part for part in ast.walk(tree) if isinstance(part, ast.Name)]
        self._stores = [part.id for part in names if not isinstance(part.ctx, ast.Load)]
        self._tables: dict[str, dict[Any, ast.expr]] = {}

    def note(self, node: ast.Assign, facts: dict[str, Fact]) -> bool:
        """Note `name = {"key": self.method, …}`; False for all other assignments."""
        target, value = node.targets[0], node.value
        if len(node.targets) > 1 or not isinstance(target, ast.Name) or not isinstance(value, ast.Dict):
            return False
        keys = [self._evaluator.fact(key, facts) if key else None for key in value.keys]
        known = [key.value for key in keys if isinstance(key, Known)]
        is_fixed = all(self._is_fixed(part, facts) for part in value.values)
        if not known or len(known) < len(keys) or not is_fixed or self._stores.count(target.id) != 1:
            return False
        self._tables[target.id] = dict(zip(known, value.values, strict=True))
        self._evaluator.tables[target.id] = dict.fromkeys(known)
        return True

    def chosen(self, node: ast.Subscript, facts: dict[str, Fact]) -> ast.expr | None:
        """The method in `name["key"]`; None if the name or the key is unknown."""
        table = self._tables.get(node.value.id) if isinstance(node.value, ast.Name) else None
        key = self._evaluator.fact(node.slice, facts) if table else None
        if table is None or not isinstance(key, Known) or key.value not in table:
            return None
        return ast.copy_location(copy.deepcopy(table[key.value]), node)

    def _is_fixed(self, node: ast.expr, facts: dict[str, Fact]) -> bool:
        """Whether it is the same method or function wherever it is written."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self._evaluator.fact(node.value, facts)
            kind: Any = owner.kind if isinstance(owner, Typed) else None
            origin = getattr(kind, "origin", None) or getattr(
                getattr(kind, "class_type", None), "origin", None
            )
            member = inspect.getattr_static(origin, node.attr, None) if origin else None
            return isinstance(member, FunctionType) and node.value.id not in self._changed
        if isinstance(node, ast.Lambda):
            own = {part.arg for part in parameters_of(node.args)}
            used = {part.id for part in ast.walk(node.body) if isinstance(part, ast.Name)} - own
            return not any(self._stores.count(name) > 1 for name in used) and not used & self._changed
        fact = self._evaluator.fact(node, facts)
        return isinstance(fact, Known) and is_function(fact.value)
