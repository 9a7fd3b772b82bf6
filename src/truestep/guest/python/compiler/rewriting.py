"""Rewrites what Numba cannot read in a user's function, as statements of the same meaning that it can.

The function's own source is parsed, changed and compiled again, on the same lines. A function that has
nothing of the kind is left as it is.
"""

import ast
import copy
import functools
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from truestep.guest.python.compiler.accumulators import FirstRoundWriter
from truestep.guest.python.compiler.handlers import HandlerRewriter
from truestep.guest.python.compiler.infinite_lists import InfinityWriter
from truestep.guest.python.compiler.iterator_copies import check_iterators
from truestep.guest.python.compiler.known_types import Known, argument_facts
from truestep.guest.python.compiler.left_out import without_branches
from truestep.guest.python.compiler.lifting import definitions as lifted_definitions
from truestep.guest.python.compiler.lifting import with_lifted_functions
from truestep.guest.python.compiler.list_variables import ListReader
from truestep.guest.python.compiler.module_state import start_over_if_more_is_kept
from truestep.guest.python.compiler.number_lists import RangeLists
from truestep.guest.python.compiler.packed_arguments import unpack_first
from truestep.guest.python.compiler.placeholders import PlaceholderWriter
from truestep.guest.python.compiler.pruning import Pruner
from truestep.guest.python.compiler.recursive_generators import as_list
from truestep.guest.python.compiler.rewriting_arguments import write_out_arguments
from truestep.guest.python.compiler.rewriting_blocks import BlockRewriter
from truestep.guest.python.compiler.rewriting_calls import CallRewriter
from truestep.guest.python.compiler.rewriting_collections import CollectionRewriter
from truestep.guest.python.compiler.rewriting_constants import ConstantRewriter
from truestep.guest.python.compiler.rewriting_expressions import ExpressionRewriter
from truestep.guest.python.compiler.rewriting_fields import with_final_fields
from truestep.guest.python.compiler.rewriting_functions import FunctionRewriter
from truestep.guest.python.compiler.rewriting_generators import GeneratorRewriter
from truestep.guest.python.compiler.rewriting_matches import MatchRewriter
from truestep.guest.python.compiler.rewriting_names import Names
from truestep.guest.python.compiler.rewriting_stars import StarRewriter
from truestep.guest.python.compiler.rewriting_state import (
    StateRewriter,
    check_unread,
    keep_instances,
    set_declared,
    shared_defaults,
)
from truestep.guest.python.compiler.rewriting_statements import StatementRewriter
from truestep.guest.python.compiler.rewriting_super import SuperRewriter
from truestep.guest.python.compiler.unused import UnusedRemover

_Defined = ast.FunctionDef | ast.Lambda

_FACTORY = "$factory"


_origins: dict[FunctionType, FunctionType] = {}
"""The user's function of each that was changed here."""


@dataclass(frozen=True)
class _Variant:
    """A function some of whose parameters have values that are known, or that has others by name."""

    origin: Any
    """The function; a field that is typed as one would be a method for the type checker."""
    bound: tuple[tuple[str, Any], ...]
    named: tuple[str, ...]


_variants: dict[FunctionType, _Variant] = {}


@functools.cache
def rewritten(function: FunctionType) -> FunctionType:
    """The function in terms that Numba knows; the function itself if its source is not at hand."""
    return function if function in _origins else _changed(function, None)


def specialised(
    function: FunctionType,
    kinds: Any,
    become_arrays: frozenset[str] = frozenset(),
    are_read: frozenset[str] = frozenset(),
    begin_empty: frozenset[str] = frozenset(),
) -> FunctionType:
    """As `rewritten`, for arguments of these types: without what they rule out.

    Variables that begin as numbers may become arrays, some that are read may be lists or arrays, and the
    items of some lists may be none until they are set.
    """
    return _changed(function, kinds, become_arrays, are_read, begin_empty)


def origin_of(function: FunctionType) -> FunctionType:
    """The user's function, or variant of it, that this one stands for."""
    return _origins.get(function, function)


def variant(
    function: FunctionType, bound: tuple[tuple[str, Any], ...], named: tuple[str, ...]
) -> FunctionType | None:
    """The function without the parameters whose values are `bound`, and with parameters for `**others`.

    None if its source is not at hand.
    """
    for made, known in _variants.items():
        is_same = known.origin is function and known.named == named and len(known.bound) == len(bound)
        if is_same and all(
            one[0] == other[0] and one[1] is other[1] for one, other in zip(known.bound, bound, strict=True)
        ):
            return made
    return _make_variant(_Variant(function, bound, named))


def without_others(function: FunctionType) -> FunctionType:
    """The function without its `**others`."""
    return variant(function, (), ()) or function


def _make_variant(kind: _Variant) -> FunctionType | None:
    """A function with the parameters of the variant. What it does is known when it is compiled."""
    node = _definition(kind.origin)
    if not isinstance(node, ast.FunctionDef):
        return None
    tree = copy.deepcopy(node)
    tree.body = [ast.Pass()]
    defaults = _take_parameters(tree, kind)
    made = _function_of(tree, kind.origin, kind.origin.__globals__, defaults)
    _variants[made] = kind
    return made


def _take_parameters(tree: ast.FunctionDef, kind: _Variant) -> tuple[Any, ...] | None:
    """Take out and add the parameters. Returns the defaults of those that are left."""
    arguments = tree.args
    bound = {name for name, _ in kind.bound}
    every = [*arguments.posonlyargs, *arguments.args]
    values = kind.origin.__defaults__ or ()
    by_name = dict(zip([part.arg for part in every][len(every) - len(values) :], values, strict=True))
    arguments.posonlyargs = [part for part in arguments.posonlyargs if part.arg not in bound]
    arguments.args = [part for part in arguments.args if part.arg not in bound]
    left = [part.arg for part in [*arguments.posonlyargs, *arguments.args]]
    defaults = tuple(by_name[name] for name in left if name in by_name)
    arguments.defaults = [ast.Constant(None) for _ in defaults]
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    kept = [(part, default) for part, default in keywords if part.arg not in bound]
    added: list[tuple[ast.arg, ast.expr | None]] = [(ast.arg(name), None) for name in kind.named]
    arguments.kwonlyargs = [part for part, _ in kept + added]
    arguments.kw_defaults = [default for _, default in kept + added]
    arguments.kwarg = None
    return defaults or None


def _changed(
    function: FunctionType,
    kinds: Any,
    become_arrays: frozenset[str] = frozenset(),
    are_read: frozenset[str] = frozenset(),
    begin_empty: frozenset[str] = frozenset(),
) -> FunctionType:
    kind = _variants.get(function, _Variant(function, (), ()))
    origin = kind.origin
    node = _definition(origin)
    if node is None:
        check_unread(origin)
        return function
    tree: Any = copy.deepcopy(node)
    names = Names.of(origin)
    is_list = as_list(tree, origin)
    blocks = BlockRewriter(names, origin, _definition)
    tree = blocks.visit(tree)
    shared = shared_defaults(tree, kind.bound)
    names.imported.update(shared)
    kept = StateRewriter(names, origin, shared, kind.bound)
    tree = kept.visit(tree)
    is_whole = not without_branches(tree, origin.__code__.co_filename, names) and not with_final_fields(
        tree, origin
    )
    handlers = HandlerRewriter(names, origin)
    tree = handlers.visit(tree)
    given, tree = tree, with_lifted_functions(tree, origin, names, _definition)
    facts = argument_facts(list(inspect.signature(function, follow_wrapped=False).parameters), kinds or ())
    has_written = write_out_arguments(tree, names, facts)
    has_written |= unpack_first(tree, names, kinds)
    functions = FunctionRewriter(names, origin, kind.named)
    matches, bases = MatchRewriter(names, origin), SuperRewriter(names, origin)
    tree = bases.visit(functions.visit(matches.visit(tree)))
    defaults = origin.__defaults__
    if isinstance(tree, ast.FunctionDef) and function in _variants:
        defaults = _take_parameters(tree, kind)
    known = {name: Known(value) for name, value in kind.bound if name not in shared}
    pruner = Pruner(names, tree, {**facts, **known}, variant)
    tree = pruner.prune(tree)
    check_iterators(tree, names, origin)
    keep_instances(tree, known, origin)
    set_declared(tree, origin)
    remover = UnusedRemover(names, pruner.tables)
    tree = remover.remove(tree)
    constants = ConstantRewriter(names, origin, _definition)
    tree = constants.rewrite(tree)
    rewriters = _last_rewriters(names, origin, tree, (become_arrays, are_read, begin_empty))
    for rewriter in rewriters:
        tree = rewriter.visit(tree)
    start_over_if_more_is_kept()
    every = (blocks, kept, handlers, matches, functions, bases, pruner, remover, constants, *rewriters)
    is_as_given = given is tree and is_whole and not is_list and not has_written and function not in _variants
    if is_as_given and not any(rewriter.has_changed for rewriter in every):
        return function
    scope: dict[str, Any] = {**origin.__globals__, **names.imported, **names.helpers}
    changed = _function_of(tree, origin, scope, defaults)
    _origins[changed] = function
    return changed


def _last_rewriters(
    names: Names, origin: FunctionType, tree: Any, variables: tuple[frozenset[str], ...]
) -> list[Any]:
    """Those that come after what is ruled out is gone."""
    become_arrays, are_read, begin_empty = variables
    first_rounds = [FirstRoundWriter(names, become_arrays)] if become_arrays else []
    readers = [ListReader(names, are_read, tree)] if are_read else []
    return [
        *readers,
        *([PlaceholderWriter(names, begin_empty, tree, origin)] if begin_empty else []),
        CollectionRewriter(names, origin, tree),
        RangeLists(names, tree),
        InfinityWriter(names, tree),
        CallRewriter(names),
        StarRewriter(names, tree),
        GeneratorRewriter(names, tree),
        *first_rounds,
        StatementRewriter(names, origin, tree),
        ExpressionRewriter(names, origin),
    ]


def _function_of(
    tree: _Defined, origin: FunctionType, scope: dict[str, Any], defaults: tuple[Any, ...] | None
) -> FunctionType:
    """A function of a changed definition that has all else of the user's function."""
    code = _compiled(tree, origin)
    cells = dict(zip(origin.__code__.co_freevars, origin.__closure__ or (), strict=True))
    closure = tuple(cells[name] for name in code.co_freevars)
    made = FunctionType(code, scope, origin.__name__, defaults, closure)
    only = {part.arg for part in tree.args.kwonlyargs}
    made.__kwdefaults__ = {
        name: value for name, value in (origin.__kwdefaults__ or {}).items() if name in only
    } or None
    made.__module__ = origin.__module__
    made.__qualname__ = origin.__qualname__
    return made


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
    if function in lifted_definitions:
        return lifted_definitions[function]
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
    parameters = tuple(part.arg for part in [*tree.args.posonlyargs, *tree.args.args])
    return _code_named(code, function.__code__.co_name, parameters)


def _code_named(outer: CodeType, name: str, parameters: tuple[str, ...]) -> CodeType:
    inside = [constant for constant in outer.co_consts if isinstance(constant, CodeType)]
    for code in inside:
        if code.co_name == name and code.co_varnames[: code.co_argcount] == parameters:
            return code
    return _code_named(inside[0], name, parameters)
