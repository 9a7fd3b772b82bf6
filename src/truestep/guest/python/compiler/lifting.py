"""Inner functions that call themselves, yield, or set variables of the function around them, and `lru_cache`.

Numba writes the body of an inner function in the place of its call, which is impossible for these. It loses
the handlers of those that hold a `try`, and the caller's handler where they raise. Each
becomes a function of its own, which takes the variables that it uses as its first arguments. A variable that
inner functions set (`nonlocal`) becomes a list of one item; a cache is a dictionary of the calling function.
"""

import ast
import copy
import functools
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.name_uses import parameters_of, stored_names
from truestep.guest.python.compiler.rewriting_names import Names

_Inner = ast.FunctionDef
_CACHES: tuple[Any, ...] = (functools.lru_cache, functools.cache)

definitions: dict[FunctionType, ast.FunctionDef] = {}
"""The syntax trees of lifted functions, which are in no file."""

_lifted: dict[FunctionType, tuple[ast.FunctionDef, dict[str, Any]]] = {}


def forget_lifted() -> None:
    """Lift inner functions anew, where more is known of the module's variables."""
    _lifted.clear()


def with_lifted_functions(
    tree: Any, origin: FunctionType, names: Names, definition_of: Callable[[FunctionType], Any]
) -> Any:
    """The tree with calls of lifted functions, whose names are added; the tree itself if there are none."""
    if not isinstance(tree, ast.FunctionDef):
        return tree
    if origin not in _lifted:
        _lifted[origin] = _Lifter(copy.deepcopy(tree), origin, names, definition_of).lift()
    changed, helpers = _lifted[origin]
    if not helpers:
        return tree
    names.helpers.update(helpers)
    return copy.deepcopy(changed)


class _Lifter:
    """Lifts the inner functions of one function."""

    def __init__(self, tree: ast.FunctionDef, origin: FunctionType, names: Names, definition_of: Any) -> None:
        self._tree = tree
        self._origin = origin
        self._names = names
        self._definition_of = definition_of
        self._inner = _inner_functions(tree)
        self._cached = {
            name: node for name, node in self._inner.items() if self._is_cached(node.decorator_list)
        }
        self._take_cached_functions_of_module()
        self._captured: dict[str, set[str]] = {}

    def _is_cached(self, decorators: list[ast.expr]) -> bool:
        """Whether the only decorator is a cache without a limit, or with one: results are the same."""
        if len(decorators) != 1:
            return False
        decorator = decorators[0]
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        return any(self._names.value(function) is cache for cache in _CACHES)

    def _take_cached_functions_of_module(self) -> None:
        """Treat those that are called as inner ones."""
        waiting: list[ast.AST] = [self._tree]
        while waiting:
            for node in ast.walk(waiting.pop()):
                if not isinstance(node, ast.Name) or node.id in self._inner:
                    continue
                value = self._names.value(node)
                function = getattr(value, "__wrapped__", None)
                if type(value) is not type(_example) or not isinstance(function, FunctionType):
                    continue
                if function.__globals__ is not self._origin.__globals__:
                    continue
                found = self._definition_of(function)
                if isinstance(found, ast.FunctionDef):
                    self._inner[node.id] = self._cached[node.id] = copy.deepcopy(found)
                    waiting.append(found)

    def lift(self) -> tuple[ast.FunctionDef, dict[str, Any]]:
        """The tree without the lifted functions, and these by their names."""
        chosen = self._chosen()
        if not chosen:
            return self._tree, {}
        for name in list(chosen):
            self._check(self._inner[name])
        self._find_captured(chosen)
        boxed = {
            name for inner in chosen for name in _declared(self._inner[inner], ast.Nonlocal)
        } & _own_names(self._tree)
        self._check_uses(chosen)
        scope = {**self._origin.__globals__, **self._names.imported, **self._names.helpers}
        helpers: dict[str, Any] = {}
        for name in chosen:
            function = self._made(name, chosen, boxed, scope)
            helpers[_helper(name)] = scope[_helper(name)] = function
        self._change_tree(chosen, boxed)
        return ast.fix_missing_locations(self._tree), helpers

    def _chosen(self) -> set[str]:
        """The names of those that cannot be written in the place of their calls."""
        calls = {name: _loaded(node) & set(self._inner) for name, node in self._inner.items()}
        reached = {name: _reached(name, calls) for name in calls}
        chosen = {
            name
            for name, node in self._inner.items()
            if name in reached[name]
            or name in self._cached
            or _yields(node)
            or (_may_raise(node) and all(map(self._can_be_lifted, {name, *reached[name]})))
            or _declared(node, ast.Nonlocal) & _own_names(self._tree)
        }
        return chosen.union(*(reached[name] for name in chosen))

    def _can_be_lifted(self, name: str) -> bool:
        """Whether a function is only called, has plain parameters, and needs no function of a variable."""
        parts = list(ast.walk(self._tree))
        called = [part.func for part in parts if isinstance(part, ast.Call)]
        names = [part for part in parts if isinstance(part, ast.Name) and part.id == name]
        functions = [part for part in parts if isinstance(part, ast.Assign) and _makes_function(part)]
        held = set[str]().union(*map(stored_names, functions))
        is_free = not held & _mentioned(self._inner[name])
        return is_free and not self._is_strange(self._inner[name]) and all(part in called for part in names)

    def _is_strange(self, node: _Inner) -> bool:
        arguments = node.args
        constants = [isinstance(part, ast.Constant | ast.UnaryOp) for part in arguments.defaults]
        is_strange = arguments.vararg or arguments.kwarg or arguments.kwonlyargs or not all(constants)
        return bool(is_strange or (node.decorator_list and node.name not in self._cached))

    def _check(self, node: _Inner) -> None:
        """Refuse what cannot be lifted."""
        if self._is_strange(node):
            raise Complaint(
                f"a guest's inner function {node.name} calls itself, yields or sets variables of the function"
                " around it, and so takes plain parameters with constants as defaults, and no decorator",
                place=line_in(self._origin, node),
                remedy="write it as a function of the module that takes what it uses as parameters",
            )

    def _find_captured(self, chosen: set[str]) -> None:
        own = _own_names(self._tree) - set(self._inner)
        for name in chosen:
            node = self._inner[name]
            local = _own_names(node) - _declared(node, ast.Nonlocal)
            self._captured[name] = (_mentioned(node) - local) & own if self._is_of_tree(node) else set()
            if name in self._cached:
                self._captured[name].add(_memo(name))
        for _ in chosen:
            for name in chosen:
                for called in _loaded(self._inner[name]) & chosen:
                    self._captured[name] |= self._captured[called]

    def _is_of_tree(self, node: _Inner) -> bool:
        return any(part is node for part in ast.walk(self._tree))

    def _check_uses(self, chosen: set[str]) -> None:
        """A function that uses variables may only be called; those of a generator stay as they are."""
        trees: list[ast.AST] = [self._tree, *(self._inner[name] for name in chosen)]
        called = {
            part.func
            for tree in trees
            for part in ast.walk(tree)
            if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)
        }
        names = [part for tree in trees for part in ast.walk(tree) if isinstance(part, ast.Name)]
        for part in names:
            if part.id in chosen and part not in called and self._captured[part.id]:
                raise self._complaint(part, f"a guest's inner function {part.id} can only be called")
        for name in chosen:
            if _yields(self._inner[name]):
                changed = self._captured[name] & _set_again(self._tree)
                if changed:
                    what = f"{min(changed)} is set again, while the generator {name} uses it"
                    raise self._complaint(self._inner[name], what)

    def _complaint(self, node: ast.AST, what: str) -> Complaint:
        return Complaint(
            what,
            place=line_in(self._origin, node),
            remedy="write it as a function of the module that takes what it uses as parameters",
        )

    def _made(self, name: str, chosen: set[str], boxed: set[str], scope: dict[str, Any]) -> FunctionType:
        """The function that is called instead."""
        node = copy.deepcopy(self._inner[name])
        given = sorted(self._captured[name])
        node.decorator_list = []
        imports = [
            copy.deepcopy(part)
            for part in ast.walk(self._tree)
            if isinstance(part, ast.Import | ast.ImportFrom) and stored_names(part) & self._captured[name]
        ]
        imported = set[str]().union(*map(stored_names, imports))
        if name in self._cached:
            _keep_results(node, _memo(name))
        node.body = [*imports, *node.body]
        node = self._calls_changed(node, chosen, boxed)
        variables = [part for part in given if part not in imported]
        parameters = [ast.arg(_box(part) if part in boxed else part) for part in variables]
        node.args.args = [*parameters, *node.args.posonlyargs, *node.args.args]
        node.args.posonlyargs = []
        node.name = _helper(name)
        ast.fix_missing_locations(node)
        made = _function_of(node, self._origin, scope)
        definitions[made] = node
        return made

    def _calls_changed(self, node: Any, chosen: set[str], boxed: set[str]) -> Any:
        imports = (part for part in ast.walk(self._tree) if isinstance(part, ast.Import | ast.ImportFrom))
        imported = set[str]().union(*map(stored_names, imports))
        given = {name: sorted(self._captured[name] - imported) for name in chosen}
        return _Calls(given, boxed).visit(node)

    def _change_tree(self, chosen: set[str], boxed: set[str]) -> None:
        self._tree.body = _without(self._tree.body, chosen & set(_inner_functions(self._tree)))
        self._calls_changed(self._tree, chosen, boxed)
        parameters = {part.arg for part in parameters_of(self._tree.args)}
        first: list[ast.stmt] = [
            _assigned(_box(name), ast.List(elts=[ast.Name(id=name, ctx=ast.Load())], ctx=ast.Load()))
            for name in sorted(boxed & parameters)
        ]
        for name in sorted(boxed - parameters):
            self._begin_box(name)
        memos = sorted(_memo(name) for name in chosen & set(self._cached))
        first += [_assigned(name, ast.Dict(keys=[], values=[])) for name in memos]
        self._tree.body = [*first, *self._tree.body]

    def _begin_box(self, name: str) -> None:
        """The first assignment to a variable makes its list."""
        for statement in self._tree.body:
            target: Any = statement.targets[0] if isinstance(statement, ast.Assign) else None
            target = statement.target if isinstance(statement, ast.AnnAssign) else target
            is_first = isinstance(target, ast.Subscript) and ast.unparse(target.value) == _box(name)
            if is_first and isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
                place = self._tree.body.index(statement)
                made = ast.List(elts=[statement.value], ctx=ast.Load())
                self._tree.body[place] = ast.copy_location(_assigned(_box(name), made), statement)
                return
            if _box(name) in _mentioned(statement):
                break
        what = f"{name}, which inner functions set, must begin with a plain assignment in a guest"
        raise self._complaint(self._tree, what)


@functools.cache
def _example() -> None:
    """A function with a cache, for its type."""


class _Calls(ast.NodeTransformer):
    """Gives the calls of lifted functions the variables that these use, and opens boxes."""

    def __init__(self, given: dict[str, list[str]], boxed: set[str]) -> None:
        self._given = given
        self._boxed = boxed

    def visit_Nonlocal(self, node: ast.Nonlocal) -> Any:
        """What is left of the statement."""
        left = [name for name in node.names if name not in self._boxed]
        return ast.copy_location(ast.Nonlocal(names=left) if left else ast.Pass(), node)

    def visit_Call(self, node: ast.Call) -> Any:
        """A call."""
        given = self._given.get(node.func.id, []) if isinstance(node.func, ast.Name) else []
        self.generic_visit(node)
        names = [_box(name) if name in self._boxed else name for name in given]
        node.args = [*(ast.Name(id=name, ctx=ast.Load()) for name in names), *node.args]
        return ast.fix_missing_locations(node)

    def visit_Name(self, node: ast.Name) -> Any:
        """A variable or a function."""
        if node.id in self._given and isinstance(node.ctx, ast.Load):
            return ast.copy_location(ast.Name(id=_helper(node.id), ctx=ast.Load()), node)
        if node.id not in self._boxed:
            return node
        box = ast.Name(id=_box(node.id), ctx=ast.Load())
        item = ast.Subscript(value=box, slice=ast.Constant(0), ctx=node.ctx)
        return ast.fix_missing_locations(ast.copy_location(item, node))


def _helper(name: str) -> str:
    return f"${name}"


def _box(name: str) -> str:
    return f"_box_of_{name}"


def _memo(name: str) -> str:
    return f"_results_of_{name}"


def _assigned(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value, lineno=1)


def _inner_functions(tree: ast.FunctionDef) -> dict[str, _Inner]:
    """The functions that a function defines, each once, and not those inside of them."""
    found: list[_Inner] = []
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef):
            found.append(node)
        elif not isinstance(node, ast.Lambda | ast.ClassDef | ast.AsyncFunctionDef):
            waiting += ast.iter_child_nodes(node)
    names = [node.name for node in found]
    return {node.name: node for node in found if names.count(node.name) == 1}


def _without(body: list[ast.stmt], names: set[str]) -> list[ast.stmt]:
    """The statements without some definitions."""
    kept: list[ast.stmt] = []
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            if statement.name in names:
                continue
        else:
            for field in ("body", "orelse", "finalbody"):
                inner: list[ast.stmt] = getattr(statement, field, [])
                if inner:
                    setattr(statement, field, _without(inner, names))
        kept.append(statement)
    return kept or [ast.Pass()]


def _reached(name: str, calls: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [*calls[name]]
    while waiting:
        called = waiting.pop()
        if called not in found:
            found.add(called)
            waiting += calls[called]
    return found


def _own_names(node: _Inner) -> set[str]:
    """The variables and functions of a function: what it sets, without inner ones."""
    bound = {part.arg for part in parameters_of(node.args)}
    for statement in node.body:
        bound |= stored_names(_Outer().visit(copy.deepcopy(statement)))
    return bound - _declared(node, ast.Global)


class _Outer(ast.NodeTransformer):
    """Empties inner functions."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """Its name alone is of the function around it."""
        node.body = [ast.Pass()]
        return node


def _mentioned(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _loaded(node: ast.AST) -> set[str]:
    names = (part for part in ast.walk(node) if isinstance(part, ast.Name))
    return {part.id for part in names if isinstance(part.ctx, ast.Load)}


def _declared(node: ast.AST, kind: type[ast.Global | ast.Nonlocal]) -> set[str]:
    parts: list[Any] = [part for part in ast.walk(node) if isinstance(part, kind)]
    return {name for part in parts for name in part.names}


def _set_again(tree: ast.FunctionDef) -> set[str]:
    """The variables that are set more than once, in a loop, or although they are parameters."""
    parameters = [part.arg for part in parameters_of(tree.args)]
    names = [part for part in ast.walk(tree) if isinstance(part, ast.Name)]
    stores = [part.id for part in names if not isinstance(part.ctx, ast.Load)]
    loops = [part for part in ast.walk(tree) if isinstance(part, ast.For | ast.While)]
    in_loops = {name for loop in loops for name in stored_names(loop)}
    every = parameters + stores
    return {name for name in stores if every.count(name) > 1} | in_loops


def _yields(node: _Inner) -> bool:
    own = _Outer().visit(copy.deepcopy(ast.Module(body=node.body, type_ignores=[])))
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(own))


def _makes_function(assignment: ast.Assign) -> bool:
    return any(isinstance(part, ast.Lambda) for part in ast.walk(assignment.value))


def _may_raise(node: _Inner) -> bool:
    """Whether a function has statements of its own that raise or catch."""
    own = _Outer().visit(copy.deepcopy(ast.Module(body=node.body, type_ignores=[])))
    return any(isinstance(part, ast.Try | ast.Raise | ast.Assert | ast.With) for part in ast.walk(own))


def _keep_results(node: _Inner, memo: str) -> None:
    """Let a function look its results up in a dictionary, and put them there."""
    parameters = [ast.Name(id=part.arg, ctx=ast.Load()) for part in parameters_of(node.args)]
    key = parameters[0] if len(parameters) == 1 else ast.Tuple(elts=[*parameters], ctx=ast.Load())
    name = f"{memo}_key"
    results = ast.Name(id=memo, ctx=ast.Load())
    item = ast.Subscript(value=results, slice=ast.Name(id=name, ctx=ast.Load()), ctx=ast.Load())
    is_known = ast.Compare(left=ast.Name(id=name, ctx=ast.Load()), ops=[ast.In()], comparators=[results])
    known = ast.If(test=is_known, body=[ast.Return(value=item)], orelse=[])
    kept: Any = _Returns(memo, name).visit(ast.Module(body=node.body, type_ignores=[]))
    start: list[ast.stmt] = [_assigned(name, key), known]
    node.body = [ast.copy_location(part, node) for part in start] + kept.body


class _Returns(ast.NodeTransformer):
    """Puts what a function returns into a dictionary."""

    def __init__(self, memo: str, key: str) -> None:
        self._memo = memo
        self._key = key

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        """An inner function's own."""
        return node

    def visit_Return(self, node: ast.Return) -> list[ast.stmt]:
        """`return value`."""
        value = f"{self._memo}_value"
        key = ast.Name(id=self._key, ctx=ast.Load())
        item = ast.Subscript(value=ast.Name(id=self._memo, ctx=ast.Load()), slice=key, ctx=ast.Store())
        statements: list[ast.stmt] = [
            _assigned(value, node.value or ast.Constant(None)),
            ast.Assign(targets=[item], value=ast.Name(id=value, ctx=ast.Load())),
            ast.Return(value=ast.Name(id=value, ctx=ast.Load())),
        ]
        return [ast.fix_missing_locations(ast.copy_location(part, node)) for part in statements]


def _function_of(node: ast.FunctionDef, origin: FunctionType, scope: dict[str, Any]) -> FunctionType:
    defaults = tuple(ast.literal_eval(part) for part in node.args.defaults)
    tree = copy.deepcopy(node)
    tree.returns = None
    for part in parameters_of(tree.args):
        part.annotation = None
    module = ast.fix_missing_locations(ast.Module(body=[tree], type_ignores=[]))
    for part in ast.walk(module):
        if isinstance(part, ast.FunctionDef) and not hasattr(part, "type_params"):
            part.type_params = []  # pyright: ignore[reportAttributeAccessIssue] - from Python 3.12 on
    outer = compile(module, origin.__code__.co_filename, "exec", dont_inherit=True, optimize=0)
    code = next(part for part in outer.co_consts if isinstance(part, CodeType))
    made = FunctionType(code, scope, origin.__name__, defaults or None)
    made.__module__ = origin.__module__
    made.__qualname__ = f"{origin.__qualname__}.{node.name}"
    return made
