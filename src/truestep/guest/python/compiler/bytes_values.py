"""bytes: slices, sums, comparisons and methods. A text in Latin-1 has the same items in the same order."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import operator
from typing import Any

import numpy as np
from numba.core import imputils, types
from numba.core.extending import overload, overload_method, register_jitable
from numba.core.typing import npydecl
from numba.core.typing.templates import builtin_registry
from numba.cpython import charseq, unicode

from truestep.guest.python.compiler.encodings_of_texts import bytes_over
from truestep.guest.python.compiler.texts import forget_overload

_of_python: Any = operator
_SPACES = (9, 10, 11, 12, 13, 32)
_HEXADECIMAL = "0123456789abcdef"


def install_bytes_values() -> None:
    """Add them, and forget what Numba has."""
    for rules in (npydecl.NumpyRulesArrayOperator, npydecl.NumpyRulesInplaceArrayOperator):
        rules.generic = _not_of_bytes(rules.generic)
    _forget_methods()
    for add in (_of_python.add, _of_python.iadd):
        forget_overload(add, charseq.charseq_concat)
    forget_overload(_of_python.mul, charseq.charseq_repeat)
    for keep, numbas in ((_of_python.add, charseq.charseq_concat), (_of_python.mul, charseq.charseq_repeat)):
        overload(keep)(_not_for_bytes(numbas))
    overload(operator.getitem, strict=False)(_slice)
    for add in (_of_python.add, _of_python.iadd):
        overload(add, strict=False)(_sum)
    for multiply in (_of_python.mul, _of_python.imul):
        overload(multiply, strict=False)(_repeated)
    overload(operator.contains, strict=False)(_contains)
    overload(operator.not_, strict=False)(_is_empty)
    overload(bool, strict=False)(_is_filled)
    overload_method(types.Bytes, "__hash__", strict=False)(_hash)
    for name, method in _METHODS.items():
        overload_method(types.Bytes, name, strict=False)(method)


def _not_of_bytes(generic: Any) -> Any:
    def generic_of_arrays(self: Any, args: Any, kws: Any) -> Any:
        has_bytes = any(isinstance(kind, types.Bytes) for kind in args)
        # Of what may be None, Numba passes on a list of what it else is, and then adds a tuple to it.
        return None if has_bytes else generic(self, tuple(args), kws)

    return generic_of_arrays


def _not_for_bytes(of_texts: Any) -> Any:
    """Numba's sums and repetitions of NumPy's texts, whose bytes have no length that `len` finds."""

    def of_both(a: Any, b: Any) -> Any:
        return None if isinstance(a, types.Bytes) or isinstance(b, types.Bytes) else of_texts(a, b)

    return of_both


def _forget_methods() -> None:
    """Numba's methods of bytes, which go by the characters of NumPy's texts."""
    typed, lowered = builtin_registry.attributes, imputils.builtin_registry.functions
    typed[:] = [
        template
        for template in typed
        if template.key is not types.Bytes or getattr(template, "_attr", None) not in _METHODS
    ]
    keys = {(types.Bytes, name) for name in _METHODS}
    lowered[:] = [entry for entry in lowered if entry[1] not in keys]


@register_jitable
def text_of(content: Any) -> Any:
    """The characters of which the bytes are the numbers. Compiled only."""
    text = unicode._empty_string(1, len(content), 0)
    for place in range(len(content)):
        unicode._set_code_point(text, place, content[place])
    return text


@register_jitable
def bytes_of(text: Any) -> Any:
    """The numbers of the characters. Compiled only."""
    content = np.empty(len(text), np.uint8)
    for place in range(len(text)):
        content[place] = unicode._get_code_point(text, place)
    return bytes_over(content)


def _is_bytes(*kinds: Any) -> bool:
    return all(isinstance(kind, types.Bytes) for kind in kinds)


def _slice(content: Any, place: Any) -> Any:
    if not _is_bytes(content) or not isinstance(place, types.SliceType):
        return None
    return lambda content, place: np.frombuffer(content, np.uint8)[place].tobytes()


def _sum(left: Any, right: Any) -> Any:
    if not _is_bytes(left, right):
        return None

    def add(left: Any, right: Any) -> Any:
        content = np.empty(len(left) + len(right), np.uint8)
        for place in range(len(left)):
            content[place] = left[place]
        for place in range(len(right)):
            content[len(left) + place] = right[place]
        return bytes_over(content)

    return add


def _repeated(left: Any, right: Any) -> Any:
    if _is_bytes(left) and isinstance(right, types.Integer):

        def repeat(left: Any, right: Any) -> Any:
            content = np.empty(len(left) * max(right, 0), np.uint8)
            for place in range(len(content)):
                content[place] = left[place % len(left)]
            return bytes_over(content)

        return repeat
    if _is_bytes(right) and isinstance(left, types.Integer):
        return lambda left, right: right * left
    return None


def _contains(content: Any, item: Any) -> Any:
    if not _is_bytes(content, item):
        return None
    return lambda content, item: text_of(item) in text_of(content)


def _is_empty(content: Any) -> Any:
    return (lambda content: len(content) == 0) if _is_bytes(content) else None


def _is_filled(content: Any) -> Any:
    return (lambda content: len(content) > 0) if _is_bytes(content) else None


def _hash(content: Any) -> Any:
    return lambda content: hash(text_of(content))


def _hex(content: Any) -> Any:
    def to_hex(content: Any) -> Any:
        digits = unicode._empty_string(1, 2 * len(content), 1)
        for place in range(len(content)):
            unicode._set_code_point(digits, 2 * place, ord(_HEXADECIMAL[content[place] >> 4]))
            unicode._set_code_point(digits, 2 * place + 1, ord(_HEXADECIMAL[content[place] & 15]))
        return digits

    return to_hex


@register_jitable
def shown_bytes(content: Any) -> Any:
    """`repr` of bytes. Compiled only."""
    quote = 34 if 39 in content and 34 not in content else 39
    parts = ["b", chr(quote)]
    for item in content:
        if item in (quote, 92):
            parts.append("\\" + chr(item))
        elif item == 9:
            parts.append("\\t")
        elif item == 10:
            parts.append("\\n")
        elif item == 13:
            parts.append("\\r")
        elif 32 <= item < 127:
            parts.append(chr(item))
        else:
            parts.append("\\x" + _HEXADECIMAL[item >> 4] + _HEXADECIMAL[item & 15])
    parts.append(chr(quote))
    return "".join(parts)


def _found_by(name: str) -> Any:
    """A method of texts that takes a text and gives a number or a truth value."""

    def method(content: Any, item: Any, start: Any = None, end: Any = None) -> Any:
        if isinstance(item, types.Integer) and name not in {"startswith", "endswith"}:
            return _with_places(name, is_number=True)
        return _with_places(name, is_number=False) if _is_bytes(item) else None

    return method


def _with_places(name: str, *, is_number: bool) -> Any:
    item = "chr(item)" if is_number else "text_of(item)"
    source = (
        "def found(content, item, start=None, end=None):\n"
        "    first = 0 if start is None else start\n"
        "    last = len(content) if end is None else end\n"
        f"    return text_of(content).{name}({item}, first, last)\n"
    )
    scope: dict[str, Any] = {"text_of": text_of}
    exec(source, scope)  # the method's name is the only difference
    return scope["found"]


def _split(content: Any, sep: Any = None, maxsplit: Any = -1) -> Any:
    if not _is_bytes(sep):

        def at_spaces(content: Any, sep: Any = None, maxsplit: Any = -1) -> Any:
            parts = [content[0:0] for _ in range(0)]
            place = _after_spaces(content, 0)
            while place < len(content):
                end = place
                if maxsplit == len(parts):
                    end = len(content)
                while end < len(content) and content[end] not in _SPACES:
                    end += 1
                parts.append(content[place:end])
                place = _after_spaces(content, end)
            return parts

        return at_spaces
    return lambda content, sep=None, maxsplit=-1: [
        bytes_of(part) for part in text_of(content).split(text_of(sep), maxsplit)
    ]


@register_jitable
def _after_spaces(content: Any, place: Any) -> Any:
    while place < len(content) and content[place] in _SPACES:
        place += 1
    return place


def _replace(content: Any, old: Any, new: Any, count: Any = -1) -> Any:
    return lambda content, old, new, count=-1: bytes_of(
        text_of(content).replace(text_of(old), text_of(new), count)
    )


def _join(content: Any, parts: Any) -> Any:
    def join(content: Any, parts: Any) -> Any:
        texts = [text_of(part) for part in parts]
        return bytes_of(text_of(content).join(texts))

    return join


def _strip(*, left: bool, right: bool) -> Any:
    def method(content: Any, chars: Any = None) -> Any:
        def strip(content: Any, chars: Any = None) -> Any:
            taken = _taken(chars)
            start, end = 0, len(content)
            while left and start < end and content[start] in taken:
                start += 1
            while right and start < end and content[end - 1] in taken:
                end -= 1
            return content[start:end]

        return strip

    return method


def _taken(chars: Any) -> Any:
    """What is stripped. Compiled only."""
    raise NotImplementedError


@overload(_taken, strict=False)
def _taken_of(chars: Any) -> Any:
    if _is_bytes(chars):
        return lambda chars: chars
    return lambda chars: b"\t\n\x0b\x0c\r "


def _cased(first: str, last: str, change: int) -> Any:
    begin, end = ord(first), ord(last)

    def method(content: Any) -> Any:
        def cased(content: Any) -> Any:
            changed = np.empty(len(content), np.uint8)
            for place in range(len(content)):
                item = content[place]
                changed[place] = item + change if begin <= item <= end else item
            return bytes_over(changed)

        return cased

    return method


def _all_in(*ranges: str) -> Any:
    """Whether there are bytes and all of them are between the characters of a pair."""
    known = bytes(number for pair in ranges for number in range(ord(pair[0]), ord(pair[1]) + 1))

    def method(content: Any) -> Any:
        def are_all(content: Any) -> bool:
            for item in content:
                if item not in known:
                    return False
            return len(content) > 0

        return are_all

    return method


def _justified(name: str) -> Any:
    def method(content: Any, width: Any, fillchar: Any = b" ") -> Any:
        del content, width, fillchar
        source = (
            "def justified(content, width, fillchar=b' '):\n"
            f"    return bytes_of(text_of(content).{name}(width, text_of(fillchar)))\n"
        )
        scope: dict[str, Any] = {"text_of": text_of, "bytes_of": bytes_of}
        exec(source, scope)  # the method's name is the only difference
        return scope["justified"]

    return method


_METHODS: dict[str, Any] = {
    "hex": _hex, "split": _split, "replace": _replace, "join": _join,
    "strip": _strip(left=True, right=True), "lstrip": _strip(left=True, right=False),
    "rstrip": _strip(left=False, right=True),
    "upper": _cased("a", "z", -32), "lower": _cased("A", "Z", 32),
    "isdigit": _all_in("09"), "isalpha": _all_in("AZ", "az"), "isalnum": _all_in("09", "AZ", "az"),
    **{name: _found_by(name) for name in
       ("find", "rfind", "index", "rindex", "count", "startswith", "endswith")},
    **{name: _justified(name) for name in ("ljust", "rjust", "center")},
}  # fmt: skip
