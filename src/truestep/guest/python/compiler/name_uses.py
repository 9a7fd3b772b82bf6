"""How a function uses its names."""

import ast
import copy
from typing import Any

from truestep.guest.python.compiler.known_values import READING

_SEQUENCES: Any = (tuple, list, str)


def has_star(target: ast.Tuple | ast.List) -> bool:
    """Whether it takes what is left over, as in `first, *rest`."""
    return any(isinstance(part, ast.Starred) for part in target.elts)


def parameters_of(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters."""
    starred = [part for part in (arguments.vararg, arguments.kwarg) if part]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *starred]


def stored_names(node: ast.AST) -> set[str]:
    """The names that a statement or an expression sets."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store | ast.Del):
            found.add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            found.add(part.name)
        elif isinstance(part, ast.alias):
            found.add((part.asname or part.name).partition(".")[0])
        elif isinstance(part, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and part.name:
            found.add(part.name)
        elif isinstance(part, ast.MatchMapping) and part.rest:
            found.add(part.rest)
    return found


def stored_names_of_body(tree: Any) -> set[str]:
    """The names that a function sets besides its own."""
    body: Any = [tree.body] if isinstance(tree, ast.Lambda) else tree.body
    return set[str]().union(*map(stored_names, body))


def shared_names(tree: Any) -> set[str]:
    """Names that other functions may set."""
    statements = (part for part in ast.walk(tree) if isinstance(part, ast.Global | ast.Nonlocal))
    return {name for statement in statements for name in statement.names}


def names_in_errors(tree: ast.AST) -> set[str]:
    """Names that are used for the texts of errors alone."""
    inside: set[int] = set()
    for part in ast.walk(tree):
        texts = (
            [part.exc] if isinstance(part, ast.Raise) else [part.msg] if isinstance(part, ast.Assert) else []
        )
        inside |= {id(name) for text in texts if text is not None for name in ast.walk(text)}
    uses = [part for part in ast.walk(tree) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)]
    stored = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)} - shared_names(tree)
    return stored - {use.id for use in uses if id(use) not in inside}


def can_be_unrolled(node: ast.For) -> bool:
    """Whether the loop's rounds can stand one after another."""
    inside = [part for statement in node.body for part in ast.walk(statement)]
    leaves = any(isinstance(part, ast.Break | ast.Continue) for part in inside)
    return isinstance(node.target, ast.Name) and not node.orelse and not leaves


def unrolled(node: ast.For, items: list[ast.expr | None]) -> list[ast.stmt]:
    """The rounds of a loop, one after another."""
    rounds: list[ast.stmt] = []
    for item in items:
        assigned = ast.Assign(targets=[copy.deepcopy(node.target)], value=item or ast.Constant(None))
        rounds.append(ast.fix_missing_locations(ast.copy_location(assigned, node)))
        rounds += copy.deepcopy(node.body)
    return rounds


def parents_in(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    """The part that each part is directly in."""
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def only_read_names(tree: ast.AST) -> set[str]:
    """Names of which no use can change or hand on the container that they stand for."""
    parents = parents_in(tree)
    uses = [node for node in parents if isinstance(node, ast.Name)]
    changed = {use.id for use in uses if isinstance(use.ctx, ast.Load) and not _only_reads(use, parents)}
    return {use.id for use in uses} - changed


def _only_reads(use: ast.Name, parents: dict[ast.AST, ast.AST]) -> bool:
    parent = parents[use]
    match parent:
        case ast.Subscript():
            return isinstance(parent.ctx, ast.Load) or parent.slice is use
        case ast.Attribute():
            call = parents[parent]
            is_called = isinstance(call, ast.Call) and call.func is parent
            return isinstance(parent.ctx, ast.Load) and (not is_called or parent.attr in READING)
        case ast.If() | ast.While() | ast.UnaryOp() | ast.Compare():
            return True
        case ast.IfExp():
            return parent.test is use
        case ast.keyword():
            return parent.arg is None
        case _:
            return False


def has_yield(tree: ast.AST) -> bool:
    """Whether it yields, or a function in it does."""
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(tree))


def is_taken_by(target: ast.expr, value: Any) -> bool:
    """Whether a name, or as many names as there are items, take the value."""
    if isinstance(target, ast.Tuple | ast.List):
        are_names = all(isinstance(part, ast.Name) for part in target.elts)
        is_sequence = isinstance(value, _SEQUENCES)
        return are_names and is_sequence and len(value) == len(target.elts)
    return isinstance(target, ast.Name)
