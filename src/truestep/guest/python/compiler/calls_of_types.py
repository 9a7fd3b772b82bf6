"""What `rewriting_calls` puts in the place of calls: dictionaries of keys, exact types, sorted pairs."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import enum
import operator
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, overload_method

from truestep.guest.python.compiler.int_or_float import IntOrFloat, holds_float

EXACT_KINDS: tuple[Any, ...] = (int, float, bool, complex, str, bytes, list, dict, set, tuple, np.ndarray)
_EXACT: dict[Any, Any] = {
    int: types.Integer,
    float: types.Float,
    bool: types.Boolean,
    complex: types.Complex,
    str: types.UnicodeType | types.StringLiteral,
    bytes: types.Bytes,
    list: types.List | types.ListType,
    dict: types.DictType,
    set: types.Set,
    tuple: types.BaseTuple,
    np.ndarray: types.Array,
}
_SIZED: Any = (
    types.List,
    types.ListType,
    types.DictType,
    types.Set,
    types.UnicodeType,
    types.BaseTuple,
    types.Bytes,
)


def install_calls_of_types() -> None:
    """Add what needs no rewriting."""
    overload(callable)(_callable)
    overload(operator.not_, strict=False)(_is_empty)
    overload(operator.or_, strict=False)(_merged)
    overload(operator.ior, strict=False)(_updated)
    overload_method(types.UniTuple, "count", strict=False)(_count)
    overload_method(types.UnicodeType, "removeprefix", strict=False)(_removeprefix)
    overload_method(types.UnicodeType, "removesuffix", strict=False)(_removesuffix)
    overload_method(types.UnicodeType, "translate", strict=False)(_translate)


def is_exactly(value: Any, kind: Any) -> bool:
    """`type(value) is kind`. Compiled only."""
    raise NotImplementedError


@overload(is_exactly, strict=False)
def _is_exactly(value: Any, kind: Any) -> Any:
    asked = next((known for known in EXACT_KINDS if getattr(kind, "typing_key", None) is known), None)
    if asked is None or isinstance(value, types.Optional):
        raise errors.TypingError(
            "a guest compares the type of a value with int, float, str, list and the like"
        )
    if isinstance(value, IntOrFloat):
        of_int, of_float = asked is int, asked is float
        return lambda value, kind: of_float if holds_float(value) else of_int
    given = types.unliteral(value)
    is_named = isinstance(given, types.NamedTuple | types.NamedUniTuple)
    is_same = isinstance(given, _EXACT[asked]) and not is_named
    is_narrow = isinstance(given, types.Integer | types.Float) and given.bitwidth != 64
    answer = is_same and not is_narrow and given != types.uint64
    return lambda value, kind: answer


def _callable(value: Any) -> Any:
    answer = isinstance(value, types.Callable) or hasattr(value, "get_call_type")
    return lambda value: answer


def _is_empty(value: Any) -> Any:
    if not isinstance(value, _SIZED):
        return None
    return lambda value: len(value) == 0


def _merged(left: Any, right: Any) -> Any:
    if not isinstance(left, types.DictType) or not isinstance(right, types.DictType):
        return None

    def merge(left: Any, right: Any) -> Any:
        result = left.copy()
        for key, value in right.items():
            result[key] = value
        return result

    return merge


def _updated(left: Any, right: Any) -> Any:
    if not isinstance(left, types.DictType) or not isinstance(right, types.DictType):
        return None

    def update(left: Any, right: Any) -> Any:
        for key, value in right.items():
            left[key] = value
        return left

    return update


def _count(items: Any, value: Any) -> Any:
    def count(items: Any, value: Any) -> int:
        number = 0
        for item in items:
            if item == value:
                number += 1
        return number

    return count


def _removeprefix(text: Any, prefix: Any) -> Any:
    return lambda text, prefix: text[len(prefix) :] if text.startswith(prefix) else text


def _removesuffix(text: Any, suffix: Any) -> Any:
    def removesuffix(text: Any, suffix: Any) -> Any:
        if len(suffix) > 0 and text.endswith(suffix):
            return text[: len(text) - len(suffix)]
        return text

    return removesuffix


def translation(letters: Any, others: Any, removed: Any = "") -> Any:
    """`str.maketrans(letters, others, removed)`: texts by the numbers of letters. Compiled only."""
    raise NotImplementedError


@overload(translation, strict=False)
def _translation(letters: Any, others: Any, removed: Any = "") -> Any:
    if not isinstance(letters, types.UnicodeType | types.StringLiteral):
        raise errors.TypingError("a guest's str.maketrans takes two or three texts")

    def table(letters: Any, others: Any, removed: Any = "") -> Any:
        if len(letters) != len(others):
            raise ValueError("the first two maketrans arguments must have equal length")
        made = {ord(letter): letter for letter in letters[:0]}
        for index in range(len(letters)):
            made[ord(letters[index])] = others[index]
        for letter in removed:
            made[ord(letter)] = ""
        return made

    return table


def _translate(text: Any, table: Any) -> Any:
    if not isinstance(table, types.DictType) or not isinstance(table.value_type, types.UnicodeType):
        raise errors.TypingError("a guest's translate takes what str.maketrans gives for two or three texts")

    def translated(text: Any, table: Any) -> str:
        parts = [letter for letter in text]  # noqa: C416 - as Numba compiles it best
        for index in range(len(parts)):
            code = ord(parts[index])
            if code in table:
                parts[index] = table[code]
        return "".join(parts)

    return translated


def bytes_of_hex(text: Any) -> Any:
    """`bytes.fromhex(text)`. Compiled only."""
    raise NotImplementedError


@overload(bytes_of_hex, strict=False)
def _bytes_of_hex(text: Any) -> Any:
    def from_hex(text: Any) -> Any:
        digits = "".join(text.split())
        if len(digits) % 2:
            raise ValueError("non-hexadecimal number found in fromhex() arg")
        content = np.zeros(len(digits) // 2, np.uint8)
        for place in range(len(content)):
            content[place] = int(digits[2 * place : 2 * place + 2], 16)
        return content.tobytes()

    return from_hex


def dictionary_of(keys: Any, value: Any) -> Any:
    """`dict.fromkeys(keys, value)`. Compiled only."""
    raise NotImplementedError


@overload(dictionary_of, strict=False)
def _dictionary_of(keys: Any, value: Any) -> Any:
    def made(keys: Any, value: Any) -> Any:
        return {key: value for key in keys}  # noqa: C420 - as Numba compiles it

    return made


def dictionary_from(items: Any) -> Any:
    """`dict(items)`. Compiled only."""
    raise NotImplementedError


@overload(dictionary_from, strict=False)
def _dictionary_from(items: Any) -> Any:
    if isinstance(items, types.DictType):
        return lambda items: items.copy()
    return lambda items: dict(items)  # noqa: PLW0108 - Numba asks for a function


def print_all(items: Any, separator: str, end: str) -> None:
    """`print(*items, sep=separator, end=end)`. Compiled only."""
    raise NotImplementedError


@overload(print_all, strict=False)
def _print_all(items: Any, separator: Any, end: Any) -> Any:
    from truestep.guest.python.compiler.printing import print_with

    if isinstance(items, types.BaseTuple):
        return lambda items, separator, end: print_with(separator, end, *items)
    return lambda items, separator, end: print_with("", end, separator.join([str(item) for item in items]))


def sorted_pairs(pairs: Any, reverse: bool) -> Any:
    """The second members of pairs in the order of the first ones. Compiled only."""
    raise NotImplementedError


@overload(sorted_pairs, strict=False)
def _sorted_pairs(pairs: Any, reverse: Any) -> Any:
    def ordered(pairs: Any, reverse: Any) -> Any:
        return [pair[1] for pair in sorted(pairs, key=_first_of, reverse=reverse)]

    return ordered


def _first_of(pair: Any) -> Any:
    return pair[0]


def least_pair(pairs: Any) -> Any:
    """The second member of the pair with the least first one. Compiled only."""
    raise NotImplementedError


@overload(least_pair, strict=False)
def _least_pair(pairs: Any) -> Any:
    def least(pairs: Any) -> Any:
        if len(pairs) == 0:
            raise ValueError("min() arg is an empty sequence")
        best = 0
        for index in range(1, len(pairs)):
            if pairs[index][0] < pairs[best][0]:
                best = index
        return pairs[best][1]

    return least


def greatest_pair(pairs: Any) -> Any:
    """The second member of the pair with the greatest first one. Compiled only."""
    raise NotImplementedError


@overload(greatest_pair, strict=False)
def _greatest_pair(pairs: Any) -> Any:
    def greatest(pairs: Any) -> Any:
        if len(pairs) == 0:
            raise ValueError("max() arg is an empty sequence")
        best = 0
        for index in range(1, len(pairs)):
            if pairs[index][0] > pairs[best][0]:
                best = index
        return pairs[best][1]

    return greatest


def is_enumeration(kind: Any) -> bool:
    """Whether it is a class of members that are no integers."""
    is_one = isinstance(kind, enum.EnumMeta) and len(kind) > 0
    return is_one and not issubclass(kind, enum.IntEnum | enum.Flag)


def member_with(kind: Any, value: Any) -> Any:
    """`Class(value)` of an Enum. Compiled only; `enumerations` says how."""
    raise NotImplementedError
