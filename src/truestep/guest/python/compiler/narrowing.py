"""Integers of Python that become items of a NumPy dtype: out of its range, NumPy raises OverflowError."""

import operator
from typing import Any

import numpy as np
from llvmlite import ir as llvm
from numba.core import errors, imputils, ir, types
from numba.core.extending import overload
from numba.core.typing import context as typing_context
from numba.core.typing import listdecl
from numba.np import numpy_support

from truestep.guest.python.compiler.int_or_float import IntOrFloat
from truestep.guest.python.compiler.python_numbers import PythonInt
from truestep.guest.python.compiler.unknown_types import MaybeInt

_CONTEXT: Any = typing_context.BaseContext
_OPERATOR: Any = operator
_IN_PLACE: Any = listdecl.InplaceAddList
_registry: Any = imputils.builtin_registry


def install_narrowing() -> None:
    """Check where Numba takes the lowest bits."""
    _registry.lower_cast(PythonInt, types.Integer)(_cast)
    _CONTEXT.resolve_setitem = _checking_literals(_CONTEXT.resolve_setitem)
    _CONTEXT.resolve_static_setitem = _checking_literals(_CONTEXT.resolve_static_setitem)
    _IN_PLACE.generic = _checking_members(_IN_PLACE.generic)
    overload(_OPERATOR.iadd, strict=False)(_extended)


def _cast(context: Any, builder: Any, from_: Any, to: Any, value: Any) -> Any:
    if not isinstance(to, PythonInt) and to != types.int64:
        limits = np.iinfo(numpy_support.as_dtype(to))
        is_below = builder.icmp_signed("<", value, llvm.Constant(value.type, int(limits.min)))
        is_above = builder.icmp_signed(
            ">", value, llvm.Constant(value.type, min(int(limits.max), np.iinfo(np.int64).max))
        )
        with builder.if_then(builder.or_(is_below, is_above), likely=False):
            text = f"Python integer out of bounds for {to}"
            context.call_conv.return_user_exc(builder, OverflowError, (text,))
    return context.cast(builder, value, types.int64, to)


def _checking_literals(resolve: Any) -> Any:
    def resolve_setitem(context: Any, target: Any, index: Any, value: Any) -> Any:
        if (
            isinstance(target, types.Array)
            and isinstance(target.dtype, types.Integer)
            and isinstance(value, types.IntegerLiteral)
        ):
            limits = np.iinfo(numpy_support.as_dtype(target.dtype))
            if not limits.min <= value.literal_value <= limits.max:
                raise errors.TypingError(
                    f"a guest cannot put {value.literal_value} into an array of {target.dtype}, out of whose"
                    " range it is"
                )
        _check_item(target, value)
        return resolve(context, target, index, value)

    return resolve_setitem


def _checking_members(generic: Any) -> Any:
    def resolve(template: Any, arguments: Any, keywords: Any) -> Any:
        if isinstance(arguments[0], types.List):
            _check_item(*arguments)
        return generic(template, arguments, keywords)

    return resolve


def _extended(items: Any, others: Any) -> Any:
    """`items += others` of a list and what has items of the same type; arrays would be added to each item."""
    is_other = isinstance(others, types.IterableType) and not isinstance(others, types.List | types.Array)
    if not isinstance(items, types.List) or not is_other:
        return None
    others = getattr(others, "dtype", None) or others.iterator_type.yield_type
    _check_item(items, others)

    def extend(items: Any, others: Any) -> Any:
        for other in others:
            items.append(other)
        return items

    return extend


def with_checked_lists(context: Any, interp: Any, inferred: Any) -> Any:
    """Refuse that a list of integers which was made elsewhere gets floats: they would be put into a copy."""
    typemap, _, call_types, *_ = inferred
    for block in interp.blocks.values():
        for statement in block.find_insts(ir.Assign):
            kind: Any = typemap.get(statement.target.name)
            known: Any = (
                _kind_elsewhere(context, statement.value, typemap, call_types) if _is_list(kind) else 0
            )
            if (
                _is_list(known)
                and known.dtype != kind.dtype
                and isinstance(kind.dtype, types.Number | IntOrFloat)
            ):
                with errors.new_error_context("lists at {loc}", loc=statement.loc):
                    _check_item(known, kind)
    return inferred


def _is_list(kind: Any) -> bool:
    return isinstance(kind, types.List)


def _kind_elsewhere(context: Any, value: Any, typemap: Any, call_types: Any) -> Any:
    """The type of a field, an item or a result as it is there."""
    op = value.op if isinstance(value, ir.Expr) else None
    if op == "getattr":
        return context.resolve_getattr(typemap[value.value.name], value.attr)
    if op in {"getitem", "static_getitem"}:
        signature = call_types.get(value)
        return None if signature is None else signature.return_type
    return typemap.get(f"arg.{value.name}") if isinstance(value, ir.Arg) else None


def _check_item(target: Any, value: Any) -> None:
    """Numba would cut off what the items' type does not hold: `[0, 0]` would get 0 for 0.5."""
    kind = target.dtype if isinstance(target, types.List) else None
    given = value.dtype if isinstance(value, types.List) else value
    given = given.type if isinstance(given, types.Optional) else given
    if isinstance(kind, MaybeInt):
        return
    is_cut = (
        isinstance(kind, types.Integer) and isinstance(given, types.Float | types.Complex | IntOrFloat)
    ) or (isinstance(kind, types.Boolean) and isinstance(given, types.Number))
    if is_cut:
        raise errors.TypingError(f"a guest cannot put {types.unliteral(given)} into a list of {kind}")
