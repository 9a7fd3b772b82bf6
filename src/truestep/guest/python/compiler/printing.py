"""`print` and the text of exceptions: items become text in the guest's runtime (guest/c/python/text.c)."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, errors, types, typing
from numba.core.extending import intrinsic, overload
from numba.cpython import printimpl

from truestep.guest.python.compiler.int_or_float import IntOrFloat, parts_of
from truestep.guest.python.compiler.item_tuples import ItemTuple

_INT64 = ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()
_VOID = ir.VoidType()


def install_printing() -> None:
    """Replace Numba's `print`, which calls the interpreter."""
    printimpl.registry.functions.clear()
    printimpl.registry.lower(print, types.VarArg(types.Any))(_print)


def print_with(separator: str, end: str, *items: Any) -> None:
    """`print(*items, sep=separator, end=end)`. Compiled only."""
    raise NotImplementedError


@overload(print_with)
def _print_with(separator: Any, end: Any, *items: Any) -> Any:
    def put_all(separator: Any, end: Any, *items: Any) -> None:
        _put_line(separator, end, items)

    return put_all


@intrinsic
def _put_line(typing_context: Any, separator: Any, end: Any, items: Any) -> Any:
    """Print the members of a tuple."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        call(builder, "truestep_begin_line")
        for index, kind in enumerate(signature.args[2].types):
            if index:
                put_item(context, builder, signature.args[0], arguments[0], is_quoted=False)
            value = builder.extract_value(arguments[2], index)
            put_item(context, builder, kind, value, is_quoted=False)
        put_item(context, builder, signature.args[1], arguments[1], is_quoted=False)
        call(builder, "truestep_print")
        return context.get_dummy_value()

    return types.none(separator, end, items), generate


def _print(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    from truestep.guest.python.compiler.texts import value_or_its_text

    items = [
        value_or_its_text(context, builder, kind, value)
        for kind, value in zip(signature.args, arguments, strict=True)
    ]
    call(builder, "truestep_begin_line")
    for index, (kind, value) in enumerate(items):
        if index:
            put_text(context, builder, " ")
        put_item(context, builder, kind, value, is_quoted=False)
    put_text(context, builder, "\n")
    call(builder, "truestep_print")
    return context.get_dummy_value()


def call(builder: Any, name: str, *arguments: Any) -> Any:
    """Call a function of the runtime that returns nothing."""
    kind = ir.FunctionType(_VOID, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def put_text(context: Any, builder: Any, text: str) -> None:
    """Append a constant."""
    content = text.encode()
    data = context.insert_const_string(builder.module, text)
    call(builder, "truestep_put", builder.bitcast(data, _POINTER), _INT64(len(content)))


def put_item(context: Any, builder: Any, kind: Any, value: Any, *, is_quoted: bool) -> None:
    """Append a value as `str` (or, quoted, as `repr`) would write it."""
    if isinstance(kind, types.LiteralList | types.LiteralStrKeyDict):
        raise errors.TypingError("a guest cannot turn a list or dictionary of different kinds into text")
    for accepted, put in _WRITERS:
        if isinstance(kind, accepted):
            put(context, builder, kind, value, is_quoted)
            return
    raise errors.TypingError(
        f"a guest cannot turn {kind} into text; print its numbers, strings, lists, tuples or arrays"
    )


def _put_literal(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del value
    put_text(context, builder, repr(kind.literal_value) if is_quoted else str(kind.literal_value))


def _put_none(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del kind, value, is_quoted
    put_text(context, builder, "None")


def _put_boolean(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del is_quoted
    is_true = context.is_true(builder, kind, value)
    with builder.if_else(is_true) as (then, otherwise):
        with then:
            put_text(context, builder, "True")
        with otherwise:
            put_text(context, builder, "False")


def _put_integer(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del is_quoted
    wide = types.int64 if kind.signed else types.uint64
    word = context.cast(builder, value, kind, wide)
    call(builder, "truestep_put_signed" if kind.signed else "truestep_put_unsigned", word)


def _put_float(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del is_quoted
    if kind.bitwidth == 32:
        call(builder, "truestep_put_single", value)
    else:
        call(builder, "truestep_put_double", context.cast(builder, value, kind, types.float64))


def _put_either(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del kind
    is_float, whole, real = parts_of(context, builder, value)
    with builder.if_else(is_float) as (then, otherwise):
        with then:
            _put_float(context, builder, types.float64, real, is_quoted)
        with otherwise:
            _put_integer(context, builder, types.int64, whole, is_quoted)


def _put_complex(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del is_quoted
    parts = context.make_complex(builder, kind, value=value)
    wide = [
        context.cast(builder, part, kind.underlying_float, types.float64) for part in (parts.real, parts.imag)
    ]
    is_single = _INT64(int(kind.underlying_float.bitwidth == 32))
    call(builder, "truestep_put_complex", *wide, is_single)


def _put_string(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    text = cgutils.create_struct_proxy(kind)(context, builder, value=value)
    unit_size = builder.zext(text.kind, _INT64)
    call(builder, "truestep_put_string", text.data, text.length, unit_size, _INT64(int(is_quoted)))


def _put_bytes(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del is_quoted
    from truestep.guest.python.compiler.bytes_values import shown_bytes

    text = context.compile_internal(builder, shown_bytes, typing.signature(types.unicode_type, kind), [value])
    _put_string(context, builder, types.unicode_type, text, is_quoted=False)


def _put_tuple(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    del is_quoted
    put_text(context, builder, "(")
    for index, member in enumerate(kind.types):
        if index:
            put_text(context, builder, ", ")
        put_item(context, builder, member, builder.extract_value(value, index), is_quoted=True)
    put_text(context, builder, ",)" if len(kind.types) == 1 else ")")


def _put_optional(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    optional = context.make_helper(builder, kind, value=value)
    with builder.if_else(optional.valid) as (then, otherwise):
        with then:
            put_item(context, builder, kind.type, optional.data, is_quoted=is_quoted)
        with otherwise:
            put_text(context, builder, "None")


def _put_sequence(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    """A list or an array, item by item. Arrays look as in NumPy, but without padding and line breaks."""
    del is_quoted
    from truestep.guest.python.compiler.sequences import put_items

    context.compile_internal(builder, put_items, typing.signature(types.none, kind), [value])


def _put_member(context: Any, builder: Any, kind: Any, value: Any, is_quoted: bool) -> None:
    from truestep.guest.python.compiler.enumerations import put_member

    put_member(context, builder, kind, value, is_quoted)


_WRITERS: tuple[tuple[Any, Any], ...] = (
    (types.EnumMember, _put_member),
    (types.Literal, _put_literal),
    (types.NoneType, _put_none),
    (types.Optional, _put_optional),
    (types.Boolean, _put_boolean),
    (types.Integer, _put_integer),
    (types.Float, _put_float),
    (IntOrFloat, _put_either),
    (types.Complex, _put_complex),
    (types.UnicodeType, _put_string),
    (types.BaseTuple, _put_tuple),
    (types.Bytes, _put_bytes),
    (
        (types.List, types.ListType, types.Array, types.DictType, types.RangeType, ItemTuple),
        _put_sequence,
    ),
)
