"""A number that is an int at one time and a float at another: `total = 0`, and then `total += 0.5`.

Fields, lists and variables hold such numbers where both kinds are put into them. A value has 64 bits and says
of which kind they are, so that division, powers, comparisons, `type` and texts are those of Python.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, imputils, types
from numba.core.datamodel import models, registry
from numba.core.extending import intrinsic
from numba.core.typeconv.castgraph import Conversion

from truestep.guest.python.compiler.python_numbers import PYTHON_FLOAT, PYTHON_INT, as_pythons

_registry: Any = registry
_lowering: Any = imputils.builtin_registry
_WORD = ir.IntType(64)
_DOUBLE = ir.DoubleType()


class IntOrFloat(types.Hashable):
    """The type of such a number. Nothing converts it to a number of one kind by itself."""

    def __init__(self) -> None:
        kind: Any = super()
        kind.__init__("int or float")

    def unify(self, typingctx: Any, other: Any) -> Any:
        """The type of what may also be a number of Python."""
        del typingctx
        _note(other)
        return self if is_member(other) else None

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        """A number of Python becomes one."""
        del typingctx
        _note(other)
        return Conversion.safe if is_member(other) else None


INT_OR_FLOAT = IntOrFloat()


def _note(other: Any) -> None:
    """Tell a type that is not known yet what it meets."""
    if hasattr(other, "noted"):
        other.note(INT_OR_FLOAT)


def is_member(kind: Any) -> bool:
    """Whether such a number may be one of this type."""
    return is_int(kind) or is_float(kind) or isinstance(kind, IntOrFloat)


def is_int(kind: Any) -> bool:
    """Whether it is the type of an integer of Python."""
    return isinstance(kind, types.Integer) and as_pythons(types.unliteral(kind)) in {PYTHON_INT, kind}


def is_float(kind: Any) -> bool:
    """Whether it is the type of a float of Python."""
    return isinstance(kind, types.Float) and as_pythons(kind) == PYTHON_FLOAT


def are_mixed(one: Any, other: Any) -> bool:
    """Whether what holds both types holds ints and floats, each of which is to stay what it is."""
    if not (is_member(one) and is_member(other)):
        return False
    return isinstance(one, IntOrFloat) or isinstance(other, IntOrFloat) or is_int(one) != is_int(other)


def unified(context: Any, kinds: list[Any]) -> Any:
    """The type of what has each of these types, in which ints and floats remain what they are; else None."""
    kinds = [types.unliteral(kind) for kind in kinds]
    if all(map(is_member, kinds)) and any(are_mixed(kinds[0], kind) for kind in kinds):
        return INT_OR_FLOAT
    if all(_is_plain_tuple(kind) and len(kind) == len(kinds[0]) for kind in kinds):
        members = zip(*(kind.types for kind in kinds), strict=True)
        parts = [unified(context, list(member)) for member in members]
        return None if None in parts else types.Tuple.from_types(parts)
    if any(isinstance(kind, types.Integer) for kind in kinds) and any(
        isinstance(kind, types.Float) for kind in kinds
    ):
        return None
    return context.unify_types(*kinds)


def _is_plain_tuple(kind: Any) -> bool:
    return isinstance(kind, types.Tuple | types.UniTuple) and not isinstance(kind, types.BaseNamedTuple)


def widened(known: Any, given: Any) -> Any:
    """The wider type of two lists of which one holds ints, and the other ints and floats; else None."""
    if isinstance(known, types.List) and isinstance(given, types.List):
        for wide, narrow in ((known, given), (given, known)):
            if isinstance(wide.dtype, IntOrFloat) and is_int(narrow.dtype):
                _note(narrow.dtype)
                return wide
        inner = widened(known.dtype, given.dtype)
        return None if inner is None else types.List(inner)
    if isinstance(known, types.DictType) and isinstance(given, types.DictType):
        inner = widened(known.value_type, given.value_type) if known.key_type == given.key_type else None
        return None if inner is None else types.DictType(known.key_type, inner)
    return None


@_registry.register_default(IntOrFloat)
class _Model(models.StructModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        model: Any = super()
        model.__init__(dmm, fe_type, [("bits", types.int64), ("is_float", types.boolean)])


def _made(context: Any, builder: Any, bits: Any, flag: Any) -> Any:
    number = context.make_helper(builder, INT_OR_FLOAT)
    number.bits, number.is_float = bits, flag
    return number._getvalue()


@_lowering.lower_cast(types.Integer, IntOrFloat)
def _of_int(context: Any, builder: Any, fromty: Any, toty: Any, val: Any) -> Any:
    del toty
    return _made(context, builder, context.cast(builder, val, fromty, types.int64), cgutils.false_bit)


@_lowering.lower_cast(types.Float, IntOrFloat)
def _of_float(context: Any, builder: Any, fromty: Any, toty: Any, val: Any) -> Any:
    del toty
    wide = context.cast(builder, val, fromty, types.float64)
    return _made(context, builder, builder.bitcast(wide, _WORD), cgutils.true_bit)


@_lowering.lower_cast(IntOrFloat, types.Float)
def _as_declared(context: Any, builder: Any, fromty: Any, toty: Any, val: Any) -> Any:
    """The number as a float, which a signature declares. No type is inferred that asks for it elsewhere."""
    del fromty
    flag, whole, real = parts_of(context, builder, val)
    of_int = context.cast(builder, whole, types.int64, toty)
    return builder.select(flag, context.cast(builder, real, types.float64, toty), of_int)


@_lowering.lower_constant(IntOrFloat)
def _constant(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    given = types.float64 if isinstance(value, float) else types.int64
    return context.cast(builder, context.get_constant(given, value), given, kind)


@_lowering.lower(bool, IntOrFloat)
def _truth(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    del sig
    flag, whole, real = parts_of(context, builder, args[0])
    is_other = builder.fcmp_unordered("!=", real, _DOUBLE(0.0))
    return builder.select(flag, is_other, builder.icmp_signed("!=", whole, _WORD(0)))


def parts_of(context: Any, builder: Any, value: Any) -> tuple[Any, Any, Any]:
    """(whether it is a float, the integer if it is none, the float if it is one)."""
    number = context.make_helper(builder, INT_OR_FLOAT, value=value)
    flag = cgutils.as_bool_bit(builder, number.is_float)
    return flag, number.bits, builder.bitcast(number.bits, _DOUBLE)


@intrinsic
def holds_float(typing_context: Any, number: Any) -> Any:
    """Whether a number is a float, of any type of numbers."""
    del typing_context
    known = isinstance(number, types.Float | types.Complex)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if isinstance(signature.args[0], IntOrFloat):
            return parts_of(context, builder, arguments[0])[0]
        return cgutils.true_bit if known else cgutils.false_bit

    return types.boolean(number), generate


@intrinsic
def float_of(typing_context: Any, number: Any) -> Any:
    """The number as a float."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        if not isinstance(kind, IntOrFloat):
            return context.cast(builder, arguments[0], kind, types.float64)
        flag, whole, real = parts_of(context, builder, arguments[0])
        return builder.select(flag, real, builder.sitofp(whole, _DOUBLE))

    return PYTHON_FLOAT(types.unliteral(number)), generate


@intrinsic
def int_of(typing_context: Any, number: Any) -> Any:
    """The integer that the number is, if it is none of the floats."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        if not isinstance(kind, IntOrFloat):
            return context.cast(builder, arguments[0], kind, types.int64)
        return parts_of(context, builder, arguments[0])[1]

    return PYTHON_INT(types.unliteral(number)), generate


@intrinsic
def either(typing_context: Any, number: Any) -> Any:
    """A number of Python as one that may be of both kinds."""
    del typing_context
    if not is_member(number):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], INT_OR_FLOAT)

    return INT_OR_FLOAT(types.unliteral(number)), generate
