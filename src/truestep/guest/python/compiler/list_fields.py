"""Fields that hold lists of integers into which a method puts a float: `self.cells[i] = x / 2`.

Where a float is put into such a list, the field's list gets numbers that may be ints or floats, and the guest
is compiled again from the beginning. The list is then made so from the start: it is never copied.
"""

from typing import Any

from numba.core import ir, types

from truestep.guest.python.compiler.class_families import learn_field
from truestep.guest.python.compiler.class_instances import Late, PlainInstance
from truestep.guest.python.compiler.int_or_float import INT_OR_FLOAT, IntOrFloat, is_float, is_int
from truestep.guest.python.compiler.python_numbers import as_pythons

_ADDING = {"append", "insert"}


def widen_fields(interp: Any, typemap: Any) -> None:
    """Note that a field's list gets floats, if the function puts one into it. Raises StartOver if so."""
    for block in interp.blocks.values():
        for statement in block.body:
            for target, value in _stored(interp, statement):
                kind = typemap.get(value.name)
                if kind is not None and (is_float(as_pythons(kind)) or isinstance(kind, IntOrFloat)):
                    _widen(interp, typemap, target.name)


def _stored(interp: Any, statement: Any) -> list[tuple[Any, Any]]:
    """What is put into what by a statement."""
    if isinstance(statement, ir.SetItem | ir.StaticSetItem):
        return [(statement.target, statement.value)]
    call: Any = statement.value if isinstance(statement, ir.Assign) else None
    if isinstance(call, ir.Expr) and call.op == "call" and call.args:
        method = _definition(interp, call.func.name)
        if isinstance(method, ir.Expr) and method.op == "getattr" and method.attr in _ADDING:
            return [(method.value, call.args[-1])]
    return []


def _definition(interp: Any, name: str) -> Any:
    made = interp._definitions.get(name, [])
    return made[0] if len(made) == 1 else None


def _widen(interp: Any, typemap: Any, name: str) -> None:
    """Follow a list to the field that it is in."""
    depth = 0
    while True:
        made = _definition(interp, name)
        if isinstance(made, ir.Var):
            name = made.name
        elif isinstance(made, ir.Expr) and made.op in {"getitem", "static_getitem"}:
            name, depth = made.value.name, depth + 1
        elif isinstance(made, ir.Expr) and made.op == "pair_first":
            name, depth = _iterated(interp, made), depth + 1
        elif isinstance(made, ir.Expr) and made.op == "getattr":
            instance = typemap.get(made.value.name)
            instance = instance.type if isinstance(instance, types.Optional) else instance
            if isinstance(instance, PlainInstance):
                _widen_field(instance, made.attr, depth)
            return
        else:
            return


def _iterated(interp: Any, first: Any) -> str:
    """The variable that a loop goes through."""
    step: Any = _definition(interp, first.value.name)
    begun: Any = _definition(interp, step.value.name) if isinstance(step, ir.Expr) else None
    while isinstance(begun, ir.Var):
        begun = _definition(interp, begun.name)
    return begun.value.name if isinstance(begun, ir.Expr) and begun.op == "getiter" else ""


def _widen_field(instance: PlainInstance, name: str, depth: int) -> None:
    kind = instance.struct.get(name)
    bare = kind.kind if isinstance(kind, Late) else kind
    wide = _wide(bare, depth)
    if wide is not None:
        learn_field(instance, name, Late(wide, kind.placeholder) if isinstance(kind, Late) else wide)


def _wide(kind: Any, depth: int) -> Any:
    """The type of a list, at this depth of lists, that may hold ints and floats; None of what is another."""
    if isinstance(kind, types.Optional):
        inner = _wide(kind.type, depth)
        return None if inner is None else types.Optional(inner)
    if isinstance(kind, types.DictType) and depth:
        inner = _wide(kind.value_type, depth - 1)
        return None if inner is None else types.DictType(kind.key_type, inner)
    if not isinstance(kind, types.List):
        return None
    if depth:
        inner = _wide(kind.dtype, depth - 1)
        return None if inner is None else types.List(inner)
    return types.List(INT_OR_FLOAT) if is_int(kind.dtype) else None
