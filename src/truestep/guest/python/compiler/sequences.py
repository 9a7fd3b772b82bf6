"""Lists and arrays as text: loops that are compiled into the guest itself."""

from typing import Any

from numba.core import types
from numba.core.extending import intrinsic, overload

from truestep.guest.python.compiler.item_tuples import ItemTuple
from truestep.guest.python.compiler.printing import put_item, put_text


@intrinsic
def put(typing_context: Any, item: Any) -> Any:
    """Append an item as `repr` would write it."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        put_item(context, builder, signature.args[0], arguments[0], is_quoted=True)
        return context.get_dummy_value()

    return types.none(item), generate


@intrinsic(prefer_literal=True)
def put_word(typing_context: Any, text: Any) -> Any:
    """Append a constant text."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del arguments
        put_text(context, builder, signature.args[0].literal_value)
        return context.get_dummy_value()

    return types.none(text), generate


def put_items(sequence: Any) -> None:
    """Append a list or an array. Compiled only: `_put_items_of` says how for a type."""
    _put_members(sequence)


def _put_members(sequence: Any) -> None:
    raise NotImplementedError


@overload(_put_members)
def _put_items_of(sequence: Any) -> Any:
    if isinstance(sequence, types.Array):
        return _put_array if sequence.ndim else _put_scalar_array
    if isinstance(sequence, types.DictType):
        return _put_dictionary
    if isinstance(sequence, types.RangeType):
        return _put_range
    if isinstance(sequence, ItemTuple):
        return _put_tuple
    return _put_list


def _put_list(sequence: Any) -> None:
    put_word("[")
    for index in range(len(sequence)):
        if index:
            put_word(", ")
        put(sequence[index])
    put_word("]")


def _put_tuple(sequence: Any) -> None:
    put_word("(")
    for index in range(len(sequence)):
        if index:
            put_word(", ")
        put(sequence[index])
    if len(sequence) == 1:
        put_word(",")
    put_word(")")


def _put_dictionary(sequence: Any) -> None:
    put_word("{")
    is_first = True
    for key, value in sequence.items():
        if not is_first:
            put_word(", ")
        is_first = False
        put(key)
        put_word(": ")
        put(value)
    put_word("}")


def _put_range(sequence: Any) -> None:
    put_word("range(")
    put(sequence.start)
    put_word(", ")
    put(sequence.stop)
    if sequence.step != 1:
        put_word(", ")
        put(sequence.step)
    put_word(")")


def _put_array(sequence: Any) -> None:
    put_word("[")
    for index in range(len(sequence)):
        if index:
            put_word(" ")
        put(sequence[index])
    put_word("]")


def _put_scalar_array(sequence: Any) -> None:
    put(sequence[()])
