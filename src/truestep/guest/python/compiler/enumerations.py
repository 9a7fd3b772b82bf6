"""Members of an Enum as variables: which member it is, by its place, with its name, value, text and methods.

Numba keeps the value, which must be a number, and knows no more of a member. An IntEnum stays an integer.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import enum
from types import FunctionType
from typing import Any

import numba
from numba.core import datamodel, errors, imputils, types, typing
from numba.core.extending import (
    infer,
    infer_getattr,
    intrinsic,
    overload,
    overload_attribute,
    overload_method,
)
from numba.core.typing import templates
from numba.core.typing.typeof import typeof_impl
from numba.experimental.jitclass import base

from truestep.guest.python.compiler.calls_of_types import member_with
from truestep.guest.python.compiler.ownership import is_users_function
from truestep.guest.python.compiler.starting_over import when_starting_over

_jitclass: Any = base
_lowering: Any = imputils.builtin_registry
_INDEX: Any = types.int64


class EnumOf(types.EnumClass):
    """A class of members."""

    @property
    def member_type(self) -> Any:
        """The type of a member."""
        return Member(self.instance_class, _INDEX)


class Member(types.EnumMember):
    """A member, which is kept as its place in the class."""

    class_type_class = EnumOf


def install_enumerations() -> None:
    """Replace Numba's types of members that are no integers."""
    typeof: Any = typeof_impl
    known, known_class = typeof.dispatch(enum.Enum), typeof.dispatch(enum.EnumMeta)

    def typeof_member(value: Any, context: Any) -> Any:
        is_number = isinstance(value, enum.IntEnum | enum.Flag)
        return known(value, context) if is_number else Member(type(value), _INDEX)

    def typeof_class(value: Any, context: Any) -> Any:
        is_number = issubclass(value, enum.IntEnum | enum.Flag) or not list(value)
        return known_class(value, context) if is_number else EnumOf(value, _INDEX)

    typeof.register(enum.Enum)(typeof_member)
    typeof.register(enum.EnumMeta)(typeof_class)
    datamodel.register_default(Member)(datamodel.models.EnumModel)
    datamodel.register_default(EnumOf)(datamodel.models.OpaqueModel)
    _lowering.lower_constant(Member)(_constant)
    _lowering.lower_getattr_generic(EnumOf)(_member_of_class)
    _lowering.lower("static_getitem", EnumOf, types.StringLiteral)(_member_by_name)


def _members(kind: Any) -> list[Any]:
    return list(kind.instance_class)


def _constant(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.get_constant_generic(builder, _INDEX, _members(kind).index(value))


def _member_of_class(context: Any, builder: Any, kind: Any, value: Any, attr: str) -> Any:
    del value
    return _constant(context, builder, kind, getattr(kind.instance_class, attr))


def _member_by_name(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    del args
    kind, name = sig.args
    return _constant(context, builder, kind, kind.instance_class[name.literal_value])


@intrinsic
def place_of(typing_context: Any, member: Any) -> Any:
    """The place of a member in its class."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, builder, signature
        return arguments[0]

    return _INDEX(member), generate


def _looked_up(values: list[Any]) -> Any:
    """A function that gives what a member has of these."""
    kinds = {type(value) for value in values}
    if len(kinds) > 1 or not kinds <= {int, float, str, bool}:
        raise errors.TypingError("a guest knows the values of an Enum if all are numbers or all are texts")
    table = tuple(values)

    def look_up(member: Any) -> Any:
        return table[place_of(member)]

    return look_up


def _every(kind: Any) -> Any:
    return types.UniTuple(kind.member_type, len(_members(kind)))


@infer
class _Iteration(templates.AbstractTemplate):
    key = "getiter"

    def generic(self, args: Any, kws: Any) -> Any:
        """`for member in Class`."""
        del kws
        kind = args[0]
        if not isinstance(kind, EnumOf):
            return None
        return templates.signature(types.UniTupleIter(_every(kind)), kind)


@_lowering.lower("getiter", EnumOf)
def _iterator(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    del args
    kind = sig.args[0]
    every = _every(kind)
    made = context.get_constant_generic(builder, every, tuple(_members(kind)))
    iterate = context.get_function("getiter", templates.signature(sig.return_type, every))
    return iterate(builder, (made,))


@overload(len, strict=False)
def _length(obj: Any) -> Any:
    if not isinstance(obj, EnumOf):
        return None
    count = len(_members(obj))
    return lambda obj: count


@overload(list, strict=False)
def _list(iterable: Any) -> Any:
    if not isinstance(iterable, EnumOf):
        return None
    return lambda iterable: [member for member in iterable]  # noqa: C416 - what Numba compiles


@overload(member_with, strict=False)
def _member_with(kind: Any, value: Any) -> Any:
    if not isinstance(kind, EnumOf):
        return None
    if isinstance(value, Member):
        return lambda kind, value: value
    every = tuple(_members(kind))
    _looked_up([member.value for member in every])
    values = tuple(member.value for member in every)
    count, name = len(every), kind.instance_class.__qualname__

    def find(kind: Any, value: Any) -> Any:
        for place in range(count):
            if values[place] == value:
                return every[place]
        raise ValueError(repr(value) + " is not a valid " + name)

    return find


@overload_attribute(Member, "value")
def _value(member: Any) -> Any:
    return _looked_up([one.value for one in _members(member)])


@overload_attribute(Member, "name")
def _name(member: Any) -> Any:
    return _looked_up([one.name for one in _members(member)])


@overload_attribute(types.IntEnumMember, "name")
def _name_of_number(member: Any) -> Any:
    names = tuple(one.name for one in member.instance_class)
    values = tuple(int(one) for one in member.instance_class)

    def name(member: Any) -> Any:
        return names[values.index(member.value)]

    return name


@overload_method(Member, "__hash__", strict=False)
def _hash(member: Any) -> Any:
    del member

    def hashed(member: Any) -> Any:
        return place_of(member)

    return hashed


@overload(str, strict=False)
def _str(object: Any) -> Any:  # noqa: A002 - as in str()
    if isinstance(object, types.IntEnumMember):
        return lambda object: str(object.value)  # noqa: A006 - as in str()
    return _texts(object, str) if isinstance(object, Member) else None


@overload(repr, strict=False)
def _repr(obj: Any) -> Any:
    return _texts(obj, repr) if isinstance(obj, Member) else None


def _texts(kind: Any, text_of: Any) -> Any:
    table = tuple(text_of(member) for member in _members(kind))
    if text_of is str:
        return lambda object: table[place_of(object)]  # noqa: A006 - as in str()
    return lambda obj: table[place_of(obj)]


def put_member(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    """Print a member."""
    from truestep.guest.python.compiler.printing import put_item

    if not isinstance(kind, Member):
        put_item(context, builder, kind.dtype, value, is_quoted=False)
        return
    look_up = _looked_up([(repr if is_quoted else str)(member) for member in _members(kind)])
    signature = typing.signature(types.unicode_type, kind)
    text = context.compile_internal(builder, look_up, signature, [value])
    put_item(context, builder, types.unicode_type, text, is_quoted=False)


@infer_getattr
class _Attribute(templates.AttributeTemplate):
    key = Member

    def generic_resolve(self, member: Any, attr: str) -> Any:
        """A method that the class defines, or another member of it."""
        found = vars(member.instance_class).get(attr)
        if isinstance(found, FunctionType) and is_users_function(found):
            return types.BoundFunction(_method_template(found), member)
        if isinstance(found, property) and is_users_function(found.fget):
            kind = types.Dispatcher(_compiled(found.fget))
            return kind.get_call_type(self.context, (member,), {}).return_type
        return None


_dispatchers: dict[Any, Any] = {}


when_starting_over(_dispatchers.clear)


def _compiled(function: FunctionType) -> Any:
    if function not in _dispatchers:
        _dispatchers[function] = numba.njit(function)
    return _dispatchers[function]


def _method_template(function: FunctionType) -> Any:
    name = f"{function.__module__}.{function.__qualname__}"

    class Method(templates.AbstractTemplate):
        key = (Member, name)

        def generic(self, args: Any, kws: Any) -> Any:
            """The signature."""
            _lower_method(name, function)
            kind = types.Dispatcher(_compiled(function))
            return kind.get_call_type(self.context, (self.this, *args), kws).as_method()

    return Method


_lowered: set[str] = set()


def _lower_method(name: str, function: FunctionType) -> None:
    if name in _lowered:
        return
    _lowered.add(name)

    def call_method(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        call = context.get_function(types.Dispatcher(_compiled(function)), sig)
        _jitclass._add_linking_libs(context, call)
        return imputils.impl_ret_new_ref(context, builder, sig.return_type, call(builder, args))

    _lowering.lower((Member, name), Member, types.VarArg(types.Any))(call_method)


@_lowering.lower_getattr_generic(Member)
def _get(context: Any, builder: Any, kind: Any, value: Any, attr: str) -> Any:
    """A property."""
    function = vars(kind.instance_class)[attr].fget
    dispatcher = types.Dispatcher(_compiled(function))
    signature = dispatcher.get_call_type(context.typing_context, (kind,), {})
    call = context.get_function(dispatcher, signature)
    _jitclass._add_linking_libs(context, call)
    return imputils.impl_ret_new_ref(context, builder, signature.return_type, call(builder, [value]))
