"""Values that may be None: their truth and equality, which Numba takes for an error where they are None.

Instances of plain classes are the same if they are in the same place; Numba takes what may be None for
different from all else.
"""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import operator
from typing import Any

from numba.core import cgutils, errors, imputils, types
from numba.core.extending import overload
from numba.typed.typedobjectutils import _nonoptional

from truestep.guest.python.compiler.class_instances import PlainInstance

_lowering: Any = imputils.builtin_registry


def install_optional_values() -> None:
    """Let what may be None be asked for its truth, and compared."""
    kind: Any = types.Function
    kind.get_call_type = _first_for_optional(kind.get_call_type)
    overload(operator.eq, strict=False)(_equal_instances)
    overload(operator.not_, strict=False)(_is_false)


def truth_of(value: Any) -> bool:
    """`bool(value)`, where that may be None. Compiled only."""
    raise NotImplementedError


def falsehood_of(value: Any) -> bool:
    """`not value`, where that may be None. Compiled only."""
    raise NotImplementedError


def are_equal(left: Any, right: Any) -> bool:
    """`left == right`, where one may be None. Compiled only."""
    raise NotImplementedError


def are_different(left: Any, right: Any) -> bool:
    """`left != right`, where one may be None. Compiled only."""
    raise NotImplementedError


@overload(truth_of, strict=False)
def _truth_of(value: Any) -> Any:
    return lambda value: False if value is None else bool(_nonoptional(value))


@overload(falsehood_of, strict=False)
def _falsehood_of(value: Any) -> Any:
    return lambda value: True if value is None else not bool(_nonoptional(value))


@overload(are_equal, strict=False)
def _are_equal(left: Any, right: Any) -> Any:
    if isinstance(left, types.NoneType) or isinstance(right, types.NoneType):
        return lambda left, right: left is None and right is None

    if not isinstance(left, types.Optional):
        return lambda left, right: False if right is None else left == _nonoptional(right)
    if not isinstance(right, types.Optional):
        return lambda left, right: False if left is None else _nonoptional(left) == right

    def equal(left: Any, right: Any) -> Any:
        if left is None or right is None:
            return left is None and right is None
        return _nonoptional(left) == _nonoptional(right)

    return equal


@overload(are_different, strict=False)
def _are_different(left: Any, right: Any) -> Any:
    return lambda left, right: not are_equal(left, right)


_FOR_OPTIONAL: dict[Any, Any] = {
    bool: truth_of,
    operator.truth: truth_of,
    operator.not_: falsehood_of,
    operator.eq: are_equal,
    operator.ne: are_different,
}


def _first_for_optional(get_call_type: Any) -> Any:
    def call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
        stand_in = _FOR_OPTIONAL.get(self.typing_key)
        if stand_in is None or kws or not any(isinstance(kind, types.Optional) for kind in args):
            return get_call_type(self, context, args, kws)
        function = context.resolve_value_type(stand_in)
        try:
            signature = function.get_call_type(context, args, kws)
        except errors.TypingError:
            return get_call_type(self, context, args, kws)
        self._impl_keys[signature.args] = function.get_impl_key(signature)
        return signature

    return call_type


def _equal_instances(left: Any, right: Any) -> Any:
    """Instances of a class without `__eq__` are equal if they are the same."""
    if not isinstance(left, PlainInstance) or "__eq__" in left.jit_methods:
        return None
    if isinstance(right, PlainInstance):
        return None if "__eq__" in right.jit_methods else lambda left, right: left is right
    is_known = isinstance(right, types.Number | types.Boolean | types.UnicodeType | types.NoneType)
    return (lambda left, right: False) if is_known else None


def _is_false(value: Any) -> Any:
    return (lambda value: not bool(value)) if isinstance(value, PlainInstance) else None


def _place(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The address of an instance; zero for None."""
    if isinstance(kind, types.NoneType):
        return cgutils.intp_t(0)
    if isinstance(kind, types.Optional):
        optional = context.make_helper(builder, kind, value=value)
        place = _place(context, builder, kind.type, optional.data)
        return builder.select(cgutils.as_bool_bit(builder, optional.valid), place, cgutils.intp_t(0))
    instance = context.make_helper(builder, kind, value=value)
    return builder.ptrtoint(instance.data, cgutils.intp_t)


def _is_instance(kind: Any) -> bool:
    return isinstance(kind.type if isinstance(kind, types.Optional) else kind, PlainInstance)


@_lowering.lower(operator.is_, types.Optional, PlainInstance)
@_lowering.lower(operator.is_, PlainInstance, types.Optional)
@_lowering.lower(operator.is_, PlainInstance, PlainInstance)
@_lowering.lower(operator.is_, types.Optional, types.Optional)
def _is_same(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    if not all(map(_is_instance, sig.args)):
        raise errors.TypingError("a guest compares numbers that may be None with ==, not with is")
    places = [_place(context, builder, kind, value) for kind, value in zip(sig.args, args, strict=True)]
    return builder.icmp_unsigned("==", *places)
