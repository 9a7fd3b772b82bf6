"""The names in a function that is rewritten."""

import ast
import builtins
import contextlib
import importlib
from types import CodeType, FunctionType
from typing import Any


class Names:
    """What the names in a function stand for, and the names that its rewriting adds."""

    def __init__(self, values: dict[str, Any], bound: set[str]) -> None:
        self._values = values
        self.bound = bound
        self.of_module: dict[str, Any] = {}
        """The variables of the function's module."""
        self.imported: dict[str, Any] = {}
        self.helpers: dict[str, Any] = {}

    @classmethod
    def of(cls, function: FunctionType) -> "Names":
        """Those of a function."""
        made = cls(_values(function), _bound_names(function.__code__))
        made.of_module = function.__globals__
        return made

    def lookup(self, name: str) -> tuple[Any] | None:
        """What a name that the function does not bind stands for, as the only item of a tuple."""
        for values in (self.imported, self._values):
            if name in values:
                return (values[name],)
        return None

    def value(self, node: ast.AST) -> Any:
        """What a name or a dotted name stands for; None if that is not known before the guest runs."""
        if isinstance(node, ast.Name):
            for added in (self.imported, self.helpers):
                if node.id in added:
                    return added[node.id]
            return None if node.id in self.bound else self._values.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.value(node.value)
            return None if owner is None else getattr(owner, node.attr, None)
        return None

    def module(self, name: str) -> Any:
        """The module that an import in the function gives; None if there is none."""
        with contextlib.suppress(ImportError, ValueError):
            return importlib.import_module(name, self._values.get("__package__"))
        return None

    def helper(self, name: str, value: Any) -> ast.expr:
        """A name for something that the user's module may not have."""
        self.helpers[f"${name}"] = value
        return ast.Name(id=f"${name}", ctx=ast.Load())

    def call(self, name: str, value: Any, *arguments: ast.expr) -> ast.Call:
        """A call of such a name."""
        return ast.Call(func=self.helper(name, value), args=list(arguments), keywords=[])


def _values(function: FunctionType) -> dict[str, Any]:
    """What the names that the function does not bind stand for."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    known = {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
    return {**vars(builtins), **function.__globals__, **known}


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True


def _bound_names(code: CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_varnames, *code.co_cellvars}.union(*map(_bound_names, inner))
