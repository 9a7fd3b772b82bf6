"""Parameters that take any named arguments, and loops over functions, which Numba has not."""

import ast
import copy
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.name_uses import only_read_names
from truestep.guest.python.compiler.rewriting_arguments import OthersWriter
from truestep.guest.python.compiler.rewriting_names import Names


class _NeedsDictionaryError(Exception):
    """`**others` are used as a dictionary."""

    def __init__(self, node: ast.Name) -> None:
        super().__init__()
        self.node = node


class FunctionRewriter(ast.NodeTransformer):
    """Rewrites one function: `**others` are the `named` ones, a loop over functions is written out."""

    def __init__(self, names: Names, function: FunctionType, named: tuple[str, ...]) -> None:
        self._names = names
        self._function = function
        self._named = named
        self._others = ""
        self._depth = 0
        self.has_changed = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """A call that names an argument that the function does not have is refused by Numba."""
        if self._depth == 0 and node.args.kwarg is not None:
            return self._with_others(node)
        return self._visited(node)

    def _with_others(self, node: ast.FunctionDef) -> Any:
        """Each of the others is a variable; where that does not suffice, they are a dictionary."""
        given = copy.deepcopy(node)
        try:
            return self._visited(node)
        except _NeedsDictionaryError as error:
            self._depth = 0
            self._others = ""
            return self._visited(self._with_dictionary(given, error.node))

    def _with_dictionary(self, node: ast.FunctionDef, use: ast.Name) -> ast.FunctionDef:
        """`others = {"key": key}` at the beginning, which a call with `**others` may not follow changed."""
        writer = _Passed(use.id, self._named)
        node.body = [_Own({name: f"{name}$own" for name in self._named}).visit(part) for part in node.body]
        node.body = [writer.visit(part) for part in node.body]
        others = _WithoutReads(use.id, self._names).visit(ast.Module(copy.deepcopy(node.body), []))
        if writer.has_passed and any(
            isinstance(part, ast.Name) and part.id == use.id and part.id not in only_read_names(others)
            for part in ast.walk(others)
        ):
            raise Complaint(
                f"a guest cannot pass **{use.id} on and change {use.id}, or give it to a function that might",
                place=line_in(self._function, use),
                remedy="name the parameters, each with its default",
            )
        made = ast.Dict(
            keys=[ast.Constant(name) for name in self._named],
            values=[ast.Name(id=name, ctx=ast.Load()) for name in self._named],
        )
        begun = ast.Assign(targets=[ast.Name(id=use.id, ctx=ast.Store())], value=made)
        place = int(ast.get_docstring(node) is not None)
        node.body.insert(place, ast.fix_missing_locations(ast.copy_location(begun, node.body[0])))
        node.args.kwarg = None
        self.has_changed = True
        return node

    def _visited(self, node: ast.FunctionDef) -> Any:
        self._depth += 1
        if self._depth == 1 and node.args.kwarg is not None:
            self._others = node.args.kwarg.arg
            own = {name: f"{name}$own" for name in self._named}
            loops = OthersWriter(self._others, self._named)
            node.body = loops.each([_Own(own).visit(statement) for statement in node.body])
            node.args.kwarg = None
            self.has_changed = True
        self.generic_visit(node)
        self._depth -= 1
        return node

    def visit_Call(self, node: ast.Call) -> Any:
        """`f(**others)` names them all, and `others.get("key", 1)` is one of them or 1."""
        if not self._others:
            return self.generic_visit(node)
        if any(part.arg is None and self._is_others(part.value) for part in node.keywords):
            passed = [ast.keyword(arg=name, value=self._other(name)) for name in self._named]
            kept = [part for part in node.keywords if part.arg or not self._is_others(part.value)]
            node.keywords = [*kept, *passed]
        function: Any = node.func
        is_asked = isinstance(function, ast.Attribute) and function.attr in {"get", "pop"}
        if is_asked and self._is_others(function.value) and not node.keywords and node.args:
            key = node.args[0]
            if not isinstance(key, ast.Constant) or (len(node.args) == 1 and function.attr == "pop"):
                return self.generic_visit(node)
            if key.value in self._named:
                return ast.copy_location(self._other(str(key.value)), node)
            default = node.args[1] if len(node.args) == 2 else ast.Constant(None)
            return self.visit(ast.copy_location(default, node))
        if ast.unparse(node) == f"len({self._others})":
            return ast.copy_location(ast.Constant(len(self._named)), node)
        return self.generic_visit(node)

    @staticmethod
    def _other(name: str) -> ast.expr:
        return ast.Name(id=name, ctx=ast.Load())

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """`others["key"]` is one of them."""
        key: Any = node.slice
        is_known = isinstance(key, ast.Constant) and key.value in self._named
        if self._is_others(node.value) and is_known and isinstance(node.ctx, ast.Load):
            return ast.copy_location(self._other(str(key.value)), node)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        """`"key" in others` is known."""
        operator = node.ops[0]
        is_membership = len(node.ops) == 1 and isinstance(operator, ast.In | ast.NotIn)
        key = node.left
        if is_membership and self._is_others(node.comparators[0]) and isinstance(key, ast.Constant):
            is_in = key.value in self._named
            return ast.copy_location(ast.Constant(is_in is isinstance(operator, ast.In)), node)
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> Any:
        """`if others:` asks whether there are any. What is ruled out is left out."""
        if self._is_others(node.test):
            node.test = ast.copy_location(ast.Constant(bool(self._named)), node.test)
        is_asked = bool(self._others) and not isinstance(node.test, ast.Constant)
        node.test = self.visit(node.test)
        if not is_asked or not isinstance(node.test, ast.Constant):
            return self.generic_visit(node)
        self.has_changed = True
        made: list[ast.stmt] = [ast.copy_location(ast.Pass(), node)]
        for statement in node.body if node.test.value else node.orelse:
            new: Any = self.visit(statement)
            made += new if isinstance(new, list) else [new]
        return made

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        """`not others` asks whether there are none."""
        if isinstance(node.op, ast.Not) and self._is_others(node.operand):
            return ast.copy_location(ast.Constant(not self._named), node)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Every other use."""
        if self._is_others(node):
            raise _NeedsDictionaryError(node)
        return node

    def _is_others(self, node: ast.expr) -> bool:
        return bool(self._others) and isinstance(node, ast.Name) and node.id == self._others

    def visit_For(self, node: ast.For) -> Any:
        """`for f in (sin, cos): …` is written out."""
        self.generic_visit(node)
        functions = self._functions(node.iter)
        if not functions or node.orelse or not isinstance(node.target, ast.Name) or _leaves(node.body):
            return node
        self.has_changed = True
        return [
            _Replaced(node.target.id, function).visit(copy.deepcopy(statement))
            for function in functions
            for statement in node.body
        ]

    def visit_ListComp(self, node: ast.ListComp) -> Any:
        """`[f(x) for f in (sin, cos)]` is written out."""
        self.generic_visit(node)
        loop = node.generators[0]
        functions = self._functions(loop.iter)
        if not functions or len(node.generators) > 1 or loop.ifs or not isinstance(loop.target, ast.Name):
            return node
        self.has_changed = True
        items = [_Replaced(loop.target.id, function).visit(copy.deepcopy(node.elt)) for function in functions]
        return ast.copy_location(ast.List(elts=items, ctx=ast.Load()), node)

    def _functions(self, node: ast.expr) -> list[ast.expr]:
        """The items of a tuple or list that is written here or in the module, if they are functions."""
        items: list[ast.expr] = []
        values: Any = self._names.value(node)
        if isinstance(node, ast.Tuple | ast.List):
            items, values = node.elts, [self._names.value(item) for item in node.elts]
        elif values.__class__ is tuple:
            items = [self._names.helper(f"{id(part)}", part) for part in values]
        else:
            return []
        are_functions = all(callable(value) and not isinstance(value, type) for value in values)
        return items if are_functions else []


def _leaves(body: list[ast.stmt]) -> bool:
    inside = [node for statement in body for node in ast.walk(statement)]
    return any(isinstance(node, ast.Break | ast.Continue) for node in inside)


class _Passed(ast.NodeTransformer):
    """Names the others in calls with `**others`."""

    def __init__(self, others: str, named: tuple[str, ...]) -> None:
        self._others = others
        self._named = named
        self.has_passed = False

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`f(**others)`."""
        kept = [part for part in node.keywords if part.arg or not self._is_others(part.value)]
        if len(kept) < len(node.keywords):
            self.has_passed = True
            passed = [ast.keyword(arg=name, value=ast.Name(id=name, ctx=ast.Load())) for name in self._named]
            node.keywords = [*kept, *passed]
        return self.generic_visit(node)

    def _is_others(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self._others


class _WithoutReads(ast.NodeTransformer):
    """Leaves out uses that only read: loops over a name, and calls of Python's own functions with it."""

    def __init__(self, name: str, names: Names) -> None:
        self._name = name
        self._names = names

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`len(name)`."""
        called = self._names.value(node.func)
        if getattr(called, "__module__", "") == "builtins":
            node.args = [part for part in node.args if not self._is_name(part)]
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> ast.AST:
        """`for key in name`."""
        node.iter = ast.Constant("") if self._is_name(node.iter) else node.iter
        return self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        """Likewise."""
        node.iter = ast.Constant("") if self._is_name(node.iter) else node.iter
        return self.generic_visit(node)

    def _is_name(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id == self._name


class _Own(ast.NodeTransformer):
    """Renames the variables of a function that are called as one of its other named arguments."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A variable."""
        return ast.copy_location(ast.Name(id=self._names.get(node.id, node.id), ctx=node.ctx), node)


class _Replaced(ast.NodeTransformer):
    """Puts a function in the place of a name."""

    def __init__(self, name: str, function: ast.expr) -> None:
        self._name = name
        self._function = function

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The name."""
        if node.id != self._name or not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(copy.deepcopy(self._function), node)
