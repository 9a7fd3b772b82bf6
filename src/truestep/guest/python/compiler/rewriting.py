"""Rewrites what Numba cannot read in a user's function, as statements of the same meaning that it can.

The function's own source is parsed, changed and compiled again, on the same lines. A function that has
nothing of the kind is left as it is.
"""

import ast
import copy
import functools
import sys
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from truestep.guest.python.compiler.rewriting_constants import ConstantRewriter
from truestep.guest.python.compiler.rewriting_expressions import ExpressionRewriter
from truestep.guest.python.compiler.rewriting_functions import FunctionRewriter
from truestep.guest.python.compiler.rewriting_names import Names
from truestep.guest.python.compiler.rewriting_statements import StatementRewriter

_Defined = ast.FunctionDef | ast.Lambda

_FACTORY = "$factory"


@functools.cache
def rewritten(function: FunctionType) -> FunctionType:
    """The function in terms that Numba knows; the function itself if its source is not at hand."""
    node = _definition(function)
    if node is None:
        return function
    tree: Any = copy.deepcopy(node)
    names = Names.of(function)
    constants = ConstantRewriter(names, _definition)
    tree = constants.rewrite(tree)
    rewriters = [kind(names, function) for kind in (FunctionRewriter, StatementRewriter, ExpressionRewriter)]
    for rewriter in rewriters:
        tree = rewriter.visit(tree)
    if not any(rewriter.has_changed for rewriter in (constants, *rewriters)):
        return function
    code = _compiled(tree, function)
    scope = {**function.__globals__, **names.imported, **names.helpers}
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    changed = FunctionType(code, scope, function.__name__, function.__defaults__, closure)
    changed.__kwdefaults__ = function.__kwdefaults__
    changed.__module__ = function.__module__
    changed.__qualname__ = function.__qualname__
    return changed


@functools.cache
def _definitions(file: str) -> dict[int, list[_Defined]]:
    """The functions of a file by their first lines, which are those of decorators if there are any."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return {}
    found: dict[int, list[_Defined]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.setdefault(min([node.lineno, *(d.lineno for d in node.decorator_list)]), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
    return found


def _definition(function: FunctionType) -> _Defined | None:
    code = function.__code__
    kind = ast.Lambda if function.__name__ == "<lambda>" else ast.FunctionDef
    at_line = _definitions(code.co_filename).get(code.co_firstlineno, [])
    fitting = [
        node for node in at_line if type(node) is kind and getattr(node, "name", "<lambda>") == code.co_name
    ]
    return fitting[0] if len(fitting) == 1 else None


def _compiled(tree: _Defined, function: FunctionType) -> CodeType:
    """The code of a changed definition, compiled where the names of its closure exist."""
    tree.args.defaults = [ast.Constant(None) for _ in tree.args.defaults]
    tree.args.kw_defaults = [default and ast.Constant(None) for default in tree.args.kw_defaults]
    if isinstance(tree, ast.FunctionDef):
        tree.decorator_list, tree.returns = [], None
        for argument in ast.walk(tree.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
    statement = tree if isinstance(tree, ast.FunctionDef) else ast.Expr(tree)
    owner = function.__qualname__.split(".")[-2:-1]
    if owner and owner[0].isidentifier():  # a method, whose names with two underscores get the class's name
        statement = ast.ClassDef(name=owner[0], bases=[], keywords=[], body=[statement], decorator_list=[])
    free = function.__code__.co_freevars
    if free:
        parameters = ast.arguments(
            posonlyargs=[], args=[ast.arg(name) for name in free], kwonlyargs=[], kw_defaults=[], defaults=[]
        )
        statement = ast.FunctionDef(
            name=_FACTORY, args=parameters, body=[statement], decorator_list=[], lineno=1, col_offset=0
        )
    if sys.version_info >= (3, 12):
        for node in ast.walk(statement):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not hasattr(node, "type_params"):
                node.type_params = []
    module = ast.fix_missing_locations(ast.Module(body=[statement], type_ignores=[]))
    code = compile(module, function.__code__.co_filename, "exec", dont_inherit=True, optimize=0)
    return _code_named(code, function.__code__)


def _code_named(outer: CodeType, wanted: CodeType) -> CodeType:
    inside = [constant for constant in outer.co_consts if isinstance(constant, CodeType)]
    for code in inside:
        if (
            code.co_name == wanted.co_name
            and code.co_varnames[: wanted.co_argcount] == (wanted.co_varnames[: wanted.co_argcount])
        ):
            return code
    return _code_named(inside[0], wanted)
