"""Strings made from values: str, repr, format, hex, bin and oct.

The runtime puts a text together (guest/c/python/text.c, format.c); then it becomes a string of Numba.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, errors, types, typing
from numba.core.extending import intrinsic, overload, register_jitable
from numba.core.typing.templates import builtin_registry
from numba.cpython import builtins, unicode

from truestep.guest.python.compiler.int_or_float import (
    IntOrFloat,
    float_of,
    holds_float,
    int_of,
    parts_of,
)
from truestep.guest.python.compiler.printing import call, put_item, put_text
from truestep.guest.python.compiler.texts_of_instances import described, holds_instances

_WORD = ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()

_ONE_BYTE, _TWO_BYTES, _FOUR_BYTES = 1, 2, 4
"""The kinds of strings of Numba: bytes a character."""


def install_texts() -> None:
    """Replace Numba's `str` and `repr`, which know few types, and add what it lacks."""
    forget_overload(str, builtins.ol_str_generic)
    forget_overload(repr, builtins.ol_repr_generic)
    overload(str)(_str)
    overload(repr)(_repr)
    overload(format)(_format)
    for function, specification in ((hex, "#x"), (bin, "#b"), (oct, "#o")):
        overload(function)(_in_base(specification))


def forget_overload(function: Any, implementation: Any) -> None:
    """Remove one of the implementations that Numba registered for a function."""

    def is_kept(template: Any) -> bool:
        return getattr(template, "_overload_func", None) is not implementation

    registry = builtin_registry
    registry.globals[:] = [
        entry
        for entry in registry.globals
        if entry[0] is not function or all(map(is_kept, entry[1].templates))
    ]
    registry.functions[:] = [template for template in registry.functions if is_kept(template)]


@intrinsic
def begin(typing_context: Any) -> Any:
    """Begin a text."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature, arguments
        call(builder, "truestep_begin_line")
        return context.get_dummy_value()

    return types.none(), generate


def _putter(*, is_quoted: bool) -> Any:
    @intrinsic
    def put(typing_context: Any, value: Any) -> Any:
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            put_item(context, builder, signature.args[0], arguments[0], is_quoted=is_quoted)
            return context.get_dummy_value()

        return types.none(value), generate

    return put


put_plain = _putter(is_quoted=False)
_put_quoted = _putter(is_quoted=True)


@intrinsic
def _measure(typing_context: Any) -> Any:
    """(number of characters of the text, the largest of them)."""
    del typing_context
    kind = types.UniTuple(types.int64, 2)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del arguments
        largest = cgutils.alloca_once(builder, _WORD)
        length = call_for_word(builder, "truestep_measure_line", largest)
        return context.make_tuple(builder, signature.return_type, [length, builder.load(largest)])

    return kind(), generate


@intrinsic
def _copy_into(typing_context: Any, text: Any) -> Any:
    """Fill a new string with the text."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        string = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
        call(builder, "truestep_copy_line", string.data, builder.zext(string.kind, _WORD))
        return context.get_dummy_value()

    return types.none(text), generate


def call_for_word(builder: Any, name: str, *arguments: Any) -> Any:
    """Call a function of the runtime that returns 64 bits."""
    kind = ir.FunctionType(_WORD, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def call_for_pointer(builder: Any, name: str, *arguments: Any) -> Any:
    """Call a function of the runtime that returns an address."""
    kind = ir.FunctionType(_POINTER, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def units_of(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Any, Any]:
    """Address, length and bytes a character of a string."""
    string = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    return string.data, string.length, builder.zext(string.kind, _WORD)


@register_jitable
def finished_text() -> Any:
    """The text as a string. Compiled only."""
    length, largest = _measure()
    kind = _ONE_BYTE if largest < 1 << 8 else _TWO_BYTES if largest < 1 << 16 else _FOUR_BYTES
    text = unicode._empty_string(kind, length, 1 if largest < 1 << 7 else 0)
    _copy_into(text)
    return text


def _check_can_be_text(kind: Any) -> None:
    if isinstance(kind, types.Array):
        raise errors.TypingError(
            "a guest cannot turn an array into a string; print it, or join the texts of its numbers"
        )


def _itself(object: Any = "") -> Any:  # noqa: A002 - as in str()
    return object


def _of_characters(object: Any = "") -> Any:  # noqa: A002 - as in str()
    return object.__str__()


def _of_container(object: Any = "") -> Any:  # noqa: A002 - as in str()
    return described(object)


def _str(object: Any = "") -> Any:  # noqa: A002 - as in str()
    if isinstance(object, types.ClassInstanceType | types.DType | types.EnumMember):
        return None
    if isinstance(object, types.Omitted | types.UnicodeType):
        return _itself
    if isinstance(object, types.UnicodeCharSeq | types.CharSeq):
        return _of_characters
    if holds_instances(object):
        return _of_container
    _check_can_be_text(object)

    def text(object: Any = "") -> Any:  # noqa: A002
        begin()
        put_plain(object)
        return finished_text()

    return text


def _of_instance(obj: Any) -> Any:
    return obj.__repr__()


def _repr_of_container(obj: Any) -> Any:
    return described(obj)


def _repr(obj: Any) -> Any:
    if isinstance(obj, types.ClassInstanceType):
        return _of_instance if "__repr__" in obj.jit_methods else None
    if isinstance(obj, types.EnumMember):
        return None
    if holds_instances(obj):
        return _repr_of_container
    _check_can_be_text(obj)

    def text(obj: Any) -> Any:
        begin()
        _put_quoted(obj)
        return finished_text()

    return text


def _magnitude_and_sign(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any, Any]:
    is_signed = isinstance(kind, types.Integer) and kind.signed
    word = context.cast(builder, value, kind, types.int64 if is_signed else types.uint64)
    is_negative = builder.icmp_signed("<", word, _WORD(0)) if is_signed else ir.IntType(1)(0)
    magnitude = builder.select(is_negative, builder.neg(word), word)
    return magnitude, builder.zext(is_negative, _WORD)


def _as_double(context: Any, builder: Any, kind: Any, value: Any) -> tuple[Any]:
    return (context.cast(builder, value, kind, types.float64),)


_FORMATTERS: tuple[tuple[Any, Any], ...] = (
    (types.Boolean | types.Integer, ("truestep_format_integer", _magnitude_and_sign, 0)),
    (types.Float, ("truestep_format_double", _as_double, 0.0)),
    (types.UnicodeType, ("truestep_format_text", units_of, "")),
)
"""Types, what formats them, and a value on which a specification is tried."""


def _as_text(value: Any, format_spec: Any = "") -> Any:
    return str(value)


def _as_double_text(value: Any, format_spec: Any = "") -> Any:
    """NumPy formats a float32 as a float of Python."""
    return str(np.float64(value))


def _format(value: Any, format_spec: Any = "") -> Any:
    return _formatting(value)[0] if not isinstance(format_spec, str | types.Omitted) else _plain(value)


def _plain(value: Any) -> Any:
    return _as_double_text if value == types.float32 else _as_text


def _formatting(value: Any) -> tuple[Any, Any]:
    """(implementation of `format`, how the runtime does it and a value on which specifications are tried)."""
    if isinstance(value, IntOrFloat):
        return _format_either, _OF_EITHER
    for accepted, formatter in _FORMATTERS:
        if isinstance(types.unliteral(value), accepted):
            return _format_by(_putting(formatter)), formatter
    raise errors.TypingError(f"a guest formats numbers and strings, not {value}")


def _putting(formatter: Any) -> Any:
    @intrinsic
    def put(typing_context: Any, value: Any, specification: Any) -> Any:
        """Append a formatted value; whether that failed."""
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            text = units_of(context, builder, signature.args[1], arguments[1])
            return _put_formatted(context, builder, formatter, (signature.args[0], arguments[0]), text)

        return types.boolean(value, specification), generate

    return put


def _put_formatted(context: Any, builder: Any, formatter: Any, typed_value: Any, text: Any) -> Any:
    """Append it; whether that failed."""
    if formatter is _OF_EITHER:
        is_float, whole, real = parts_of(context, builder, typed_value[1])
        failed = cgutils.alloca_once_value(builder, cgutils.false_bit)
        with builder.if_else(is_float) as (then, otherwise):
            for branch, kind, number in ((then, types.float64, real), (otherwise, types.int64, whole)):
                with branch:
                    inner = _formatting(kind)[1]
                    said = _put_formatted(context, builder, inner, (kind, number), text)
                    builder.store(said, failed)
        return builder.load(failed)
    name, convert, _ = formatter
    failed = call_for_word(builder, name, *convert(context, builder, *typed_value), *text)
    return builder.icmp_signed("!=", failed, _WORD(0))


_OF_EITHER: Any = ("", None, 0)
"""Numbers that may be ints or floats: tried on an int, which takes what floats take, and more."""


def _format_either(value: Any, format_spec: Any = "") -> Any:
    return format(float_of(value), format_spec) if holds_float(value) else format(int_of(value), format_spec)


def _format_by(put: Any) -> Any:
    def formatted(value: Any, format_spec: Any = "") -> Any:
        begin()
        if put(value, str(format_spec)):
            raise ValueError("Invalid format specifier")
        return finished_text()

    return formatted


_WHOLE = {"", "!r", "!s"}


@intrinsic(prefer_literal=True)
def joined(typing_context: Any, *parts: Any) -> Any:
    """An f-string: texts and values with their specifications by turns, as `joined("a", 1.5, ".2f", "b")`.

    A specification of "!r" means the value's repr, one of "!s" its str.
    """
    del typing_context
    return _joined(parts, has_arrays=False)


@intrinsic(prefer_literal=True)
def joined_for_error(typing_context: Any, *parts: Any) -> Any:
    """As `joined`, for the message of an error, in which arrays look as `print` writes them."""
    del typing_context
    return _joined(parts, has_arrays=True)


def _joined(parts: Any, *, has_arrays: bool) -> Any:
    if not _is_text(parts[0]):
        return None  # asked again without the texts
    kinds = tuple(kind if _is_text(kind) else types.unliteral(kind) for kind in parts)
    for kind, specification in zip(kinds[1::3], kinds[2::3], strict=True):
        if not has_arrays or not isinstance(kind, types.Array):
            _check_part(kind, getattr(specification, "literal_value", None))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (kinds,), (given,) = signature.args, arguments
        members = [(kind, builder.extract_value(given, index)) for index, kind in enumerate(kinds)]
        values = [value_or_its_text(context, builder, *member) for member in members[1::3]]
        call(builder, "truestep_begin_line")
        for index, (kind, _) in enumerate(members[::3]):
            put_text(context, builder, kind.literal_value)
            if index < len(values):
                _put_part(context, builder, values[index], members[3 * index + 2])
        return context.compile_internal(builder, finished_text, typing.signature(types.unicode_type), ())

    return types.unicode_type(types.StarArgTuple(kinds)), generate


def _is_text(kind: Any) -> bool:
    return isinstance(kind, types.StringLiteral)


def _check_part(kind: Any, specification: str | None) -> None:
    _check_can_be_text(kind)
    if specification in _WHOLE or isinstance(kind, types.ClassInstanceType | types.DType):
        return
    _, (_, _, sample) = _formatting(kind)
    try:
        format(sample, specification or "")
    except ValueError as error:
        raise errors.TypingError(f"a guest cannot format by {specification!r}: {error}") from error


def _str_of(value: Any) -> str:
    return str(value)


def _repr_of(value: Any) -> str:
    return described(value)


def value_or_its_text(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """The value; of an instance or a dtype, its text."""
    if holds_instances(kind):
        text = context.compile_internal(
            builder, _repr_of, typing.signature(types.unicode_type, kind), [value]
        )
        return types.unicode_type, text
    if not isinstance(kind, types.ClassInstanceType | types.DType):
        return kind, value
    if isinstance(kind, types.ClassInstanceType) and not {"__str__", "__repr__"} & set(kind.jit_methods):
        name, _, place = kind.classname.partition(" of ")
        remedy = "write a loop that shows its items" if place else "write a __str__ for its class"
        raise errors.TypingError(f"a guest cannot turn an instance of {name} into text; {remedy}")
    text = context.compile_internal(builder, _str_of, typing.signature(types.unicode_type, kind), [value])
    return types.unicode_type, text


def _put_part(context: Any, builder: Any, typed_value: Any, typed_specification: Any) -> None:
    kind, value = typed_value
    specification = getattr(typed_specification[0], "literal_value", None)
    if specification in _WHOLE:
        if kind == types.float32 and not specification:  # NumPy formats it as a float of Python
            kind, value = types.float64, context.cast(builder, value, kind, types.float64)
        put_item(context, builder, kind, value, is_quoted=specification == "!r")
        return
    if isinstance(kind, types.StringLiteral):
        value = context.cast(builder, value, kind, types.unicode_type)
        kind = types.unicode_type
    if specification is not None:
        typed_specification = (
            types.unicode_type,
            context.get_constant_generic(builder, types.unicode_type, specification),
        )
    text = units_of(context, builder, *typed_specification)
    failed = _put_formatted(context, builder, _formatting(kind)[1], (kind, value), text)
    with builder.if_then(failed, likely=False):
        context.call_conv.return_user_exc(builder, ValueError, ("Invalid format specifier",))


def _in_base(specification: str) -> Any:
    def in_base(number: Any) -> Any:
        if not isinstance(number, types.Integer | types.Boolean):
            return None
        return formatted

    def formatted(number: Any) -> Any:
        return format(number, specification)

    return in_base
