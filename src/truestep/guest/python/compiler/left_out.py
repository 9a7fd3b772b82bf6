"""Branches that cannot be compiled: they are left out, and a run that comes to one ends with the reason.

Public code has branches for what one program never does: other backends, processes, rare errors. A guest
whose compilation fails inside of a branch is compiled again without it, as long as that helps. What is
left out is told when the guest is built. No exception is raised in its place, which the guest might catch.
"""

import ast
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic

import truestep
from truestep.guest.python.compiler.complaint import Complaint, Place
from truestep.guest.python.compiler.explain import explain, places_in
from truestep.guest.python.compiler.name_uses import has_yield
from truestep.guest.python.compiler.rewriting_names import Names

_ADDRESS = re.compile(r"\s*(?:at 0x|0x|#)[0-9a-f]{6,}")
_POINTER = ir.IntType(8).as_pointer()
_Position = tuple[int, int]
"""The line and column of a branch's first statement."""

_left_out: dict[str, dict[_Position, str]] = {}
"""By file: why a branch is left out."""


def notes() -> str:
    """What was left out, a line each."""
    said = sorted({reason for reasons in _left_out.values() for reason in reasons.values()})
    return "".join(f"{reason}\n  a run that comes to this branch ends with this message\n" for reason in said)


def leave_out(error: Exception, source: Path) -> bool:
    """Leave out the branch in which the compilation failed. False if there is none."""
    reason = _reason(error if isinstance(error, Complaint) else explain(error, source))
    for file, line in _places(error):
        block = _branch_at(file, line)
        if block is not None:
            _left_out.setdefault(file, {})[_position(block)] = reason
            return True
    return False


def _reason(complaint: Complaint) -> str:
    """What is told, without addresses: it is in the program, which is the same wherever it is built."""
    what = _ADDRESS.sub("", complaint.what.partition("\n")[0])
    return Complaint(what, place=complaint.place, remedy=complaint.remedy).text()


def _places(error: Exception) -> Iterator[tuple[str, int]]:
    """The lines that were being compiled, the innermost first."""
    place = getattr(error, "place", "")
    if isinstance(place, Place):
        yield place.file, place.line
    for file, line in places_in(str(error)):
        if _is_readable(file):
            yield str(file), line
    for frame, _ in reversed(list(traceback.walk_tb(error.__traceback__))):
        for name in ("inst", "constraint", "self", "loc"):
            found = frame.f_locals.get(name)
            loc: Any = getattr(found, "loc", found)
            if getattr(loc, "filename", None) and _is_readable(Path(loc.filename)):
                yield str(Path(loc.filename).resolve()), loc.line


def _is_readable(file: Path) -> bool:
    """Whether it is a file whose functions are rewritten: not Python's, Numba's, NumPy's or ours."""
    packages = [Path(part.__file__ or "").resolve().parent for part in (numba, np, truestep)]
    standard = Path(sysconfig.get_path("stdlib")).resolve()
    resolved = file.resolve()
    is_standard = resolved.is_relative_to(standard) and "site-packages" not in resolved.parts
    return resolved.is_file() and not is_standard and not any(map(resolved.is_relative_to, packages))


def _branch_at(file: str, line: int) -> list[ast.stmt] | None:
    """The statements of the innermost branch at a line of a function, whose other side is not left out."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return None
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    around = [function for function in functions if function.lineno <= line <= (function.end_lineno or 0)]
    if not around:
        return None
    function = max(around, key=lambda node: node.lineno)
    known = _left_out.get(file, {})
    found = [
        block
        for block, other in _branches(function)
        if block[0].lineno <= line <= (block[-1].end_lineno or 0)
        and _position(block) not in known
        and not (other and _position(other) in known)
        and _can_be_left_out(block, function)
    ]
    return max(found, key=lambda block: block[0].lineno) if found else None


def _branches(function: ast.FunctionDef) -> Iterator[tuple[list[ast.stmt], list[ast.stmt]]]:
    """The branches of a function, each with the other side of its `if`."""
    for node in ast.walk(function):
        if isinstance(node, ast.If):
            yield node.body, node.orelse
            is_elif = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
            if node.orelse and not is_elif:
                yield node.orelse, node.body
        elif isinstance(node, ast.ExceptHandler):
            yield node.body, []


def _can_be_left_out(block: list[ast.stmt], function: ast.FunctionDef) -> bool:
    """Whether the rest of the function means the same without it."""
    inside = [part for statement in block for part in ast.walk(statement)]
    if any(map(has_yield, block)):
        return False
    declared = {name for part in inside if isinstance(part, ast.Global | ast.Nonlocal) for name in part.names}
    ids = set(map(id, inside))
    others = [part for part in ast.walk(function) if isinstance(part, ast.Name) and id(part) not in ids]
    return not any(part.id in declared and not isinstance(part.ctx, ast.Load) for part in others)


def _position(block: list[ast.stmt]) -> _Position:
    return block[0].lineno, block[0].col_offset


def without_branches(tree: Any, file: str, names: Names) -> bool:
    """Put the end of the run in the places of branches that are left out; whether there are any."""
    known = _left_out.get(str(Path(file).resolve()), {}) if _left_out else {}
    has_changed = False
    for node in list(ast.walk(tree)) if known else []:
        blocks: list[list[ast.stmt]] = []
        if isinstance(node, ast.If):
            blocks = [node.body, node.orelse]
        elif isinstance(node, ast.ExceptHandler):
            blocks = [node.body]
        for block in blocks:
            if block and _position(block) in known:
                block[:] = _ending(block[0], known[_position(block)], names)
                has_changed = True
    return has_changed


def _ending(first: ast.stmt, reason: str, names: Names) -> list[ast.stmt]:
    name = f"left_out{first.lineno}_{first.col_offset}"
    ended = ast.Expr(names.call(name, end_of_run(reason)))
    never = ast.Raise(exc=names.helper("left_out", NotImplementedError), cause=None)
    return [ast.fix_missing_locations(ast.copy_location(part, first)) for part in (ended, never)]


def end_of_run(reason: str) -> Any:
    """A function that ends the run with a message."""

    @intrinsic
    def end_run(typing_context: Any) -> Any:
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del signature, arguments
            text = builder.bitcast(context.insert_const_string(builder.module, reason), _POINTER)
            kind = ir.FunctionType(ir.VoidType(), [_POINTER])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "truestep_refuse"), [text])
            return context.get_dummy_value()

        return types.none(), generate

    return end_run
