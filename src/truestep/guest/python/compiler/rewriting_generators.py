"""Generator expressions that a loop goes through, at once or from a variable: they become the loop."""

import ast
import copy
from typing import Any

from truestep.guest.python.compiler.name_uses import stored_names
from truestep.guest.python.compiler.rewriting_names import Names

_ITERATORS: tuple[Any, ...] = (zip, map, filter, enumerate, reversed)
_LOOPS: Any = (ast.For, ast.While)


class GeneratorRewriter(ast.NodeTransformer):
    """Rewrites the generator expressions of one function that are not arguments of a call."""

    def __init__(self, names: Names, tree: ast.AST) -> None:
        self._names = names
        self._tree = tree
        self._kept: dict[str, ast.GeneratorExp] = {}
        self._count = 0
        self.has_changed = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        """A function that only returns `zip(…)` or its like is a generator: Numba returns no iterators."""
        last = node.body[-1]
        parts = [part for statement in node.body for part in ast.walk(statement)]
        ends = [part for part in parts if isinstance(part, ast.Return | ast.Yield | ast.YieldFrom)]
        if ends == [last] and isinstance(last, ast.Return) and last.value and self._is_iterator(last.value):
            self.has_changed = True
            item = self._name()
            value = ast.Expr(ast.Yield(value=ast.Name(id=item, ctx=ast.Load())))
            target = ast.Name(id=item, ctx=ast.Store())
            loop = ast.For(target=target, iter=last.value, body=[value], orelse=[])
            node.body[-1] = ast.fix_missing_locations(ast.copy_location(loop, last))
        return self.generic_visit(node)

    def _is_iterator(self, node: ast.expr) -> bool:
        if isinstance(node, ast.GeneratorExp):
            return True
        called = self._names.value(node.func) if isinstance(node, ast.Call) else None
        return any(called is kind for kind in _ITERATORS)

    def visit_Assign(self, node: ast.Assign) -> Any:
        """`a, b = (f(x) for x in y)` takes all items; `items = (…)` waits for the loop."""
        made, target = node.value, node.targets[0]
        if isinstance(made, ast.GeneratorExp) and len(node.targets) == 1:
            if isinstance(target, ast.Tuple):
                self.has_changed = True
                node.value = ast.copy_location(ast.ListComp(elt=made.elt, generators=made.generators), made)
            elif isinstance(target, ast.Name) and self._is_used_once(node, target.id):
                self.has_changed = True
                return self._keep(node, target.id, made)
        return self.generic_visit(node)

    def _keep(self, node: ast.Assign, name: str, made: ast.GeneratorExp) -> ast.stmt:
        """Python asks for what the first loop goes through when the expression is met, and no earlier."""
        first = self._name()
        items = ast.Name(id=first, ctx=ast.Store())
        statement = ast.Assign(targets=[items], value=self.visit(made.generators[0].iter))
        made.generators[0].iter = ast.copy_location(ast.Name(id=first, ctx=ast.Load()), made)
        self._kept[name] = made
        return ast.fix_missing_locations(ast.copy_location(statement, node))

    def _name(self) -> str:
        self._count += 1
        return f"generated{self._count}$"

    def _is_used_once(self, node: ast.Assign, name: str) -> bool:
        """Whether one place below uses the generator: a loop, or a call that it is an argument of."""
        parents = {child: part for part in ast.walk(self._tree) for child in ast.iter_child_nodes(part)}
        uses = [part for part in parents if isinstance(part, ast.Name) and part.id == name]
        loads = [use for use in uses if isinstance(use.ctx, ast.Load)]
        below = [use for use in loads if use.lineno > (node.end_lineno or node.lineno)]
        above = [use for use in loads if use.lineno < node.lineno]
        if len(below) != 1 or (above and _is_in_loop(node, parents)):
            return False
        after = [use for use in uses if use not in loads and use.lineno > node.lineno]
        use, parent = below[0], parents[below[0]]
        is_taken = (isinstance(parent, ast.For) and parent.iter is use) or (
            isinstance(parent, ast.Call) and use in parent.args
        )
        is_there = not after and _block_of(node, parents) is _block_of(use, parents)
        return is_taken and is_there

    def visit_Call(self, node: ast.Call) -> Any:
        """A call that takes all items of a generator in a variable."""
        for place, argument in enumerate(node.args):
            if isinstance(argument, ast.Name) and argument.id in self._kept:
                node.args[place] = self._kept.pop(argument.id)
        return self.generic_visit(node)

    def visit_For(self, node: ast.For) -> Any:
        """`for a in (f(x) for x in y if x): …` is `for x in y: if x: a = f(x); …`."""
        made = node.iter
        if isinstance(made, ast.Name) and made.id in self._kept:
            made = self._kept.pop(made.id)
        if not isinstance(made, ast.GeneratorExp):
            return self.generic_visit(node)
        if any(part.is_async for part in made.generators) or (
            len(made.generators) > 1 and (node.orelse or _breaks(node.body))
        ):
            return self.generic_visit(node)
        self.has_changed = True
        targets = set[str]().union(*(stored_names(part.target) for part in made.generators))
        renamed = _Renamed({name: f"{name}_{self._name()}" for name in targets})
        generators = [copy.deepcopy(part) for part in made.generators]
        first = generators[0].iter
        generators[0].iter = ast.Constant(None)
        generators = [renamed.visit(part) for part in generators]
        generators[0].iter = first
        body: list[ast.stmt] = [
            ast.Assign(targets=[node.target], value=renamed.visit(copy.deepcopy(made.elt))),
            *node.body,
        ]
        for part in reversed(generators):
            for condition in reversed(part.ifs):
                body = [ast.If(test=condition, body=body, orelse=[])]
            body = [ast.For(target=part.target, iter=part.iter, body=body, orelse=[])]
        loop: Any = body[0]
        loop.orelse = node.orelse
        return self.generic_visit(ast.fix_missing_locations(ast.copy_location(loop, node)))


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """The loops of a generator expression have names of their own."""
        return ast.copy_location(ast.Name(id=self._names.get(node.id, node.id), ctx=node.ctx), node)


def _is_in_loop(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    while node in parents:
        node = parents[node]
        if isinstance(node, _LOOPS):
            return True
    return False


def _block_of(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST | None:
    """The statement that has the statement of a node in its body. A loop's own iterable is outside of it."""
    while not isinstance(node, ast.stmt):
        node = parents[node]
    return parents.get(node)


def _breaks(body: list[ast.stmt]) -> bool:
    """Whether a statement leaves this loop, or an inner one, by `break`."""
    return any(isinstance(part, ast.Break) for statement in body for part in ast.walk(statement))
