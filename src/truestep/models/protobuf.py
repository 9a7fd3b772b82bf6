"""Reads messages in the wire format of protocol buffers, as far as a file of models has them.

A file from a stranger may say anything: each size is checked against what is left, and the number of fields
is limited, so that a small file cannot become a large one in memory.
"""

import struct
from collections.abc import Mapping

from truestep.models.errors import ModelRefused

FIELDS_LIMIT = 2**24
"""Fields of one message: each number of a tree ensemble is one, and there are up to NODES_LIMIT in a list."""
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_VARINT_SIZE_BYTES = 10
_SIGN_BIT = 63

Content = int | float | memoryview
Fields = Mapping[int, list[Content]]


def read_message(content: memoryview) -> Fields:
    """The fields of one message by their numbers; inner messages and text remain bytes.

    Numbers of 4 and 8 bytes are floats. Raises ModelRefused.
    """
    fields: dict[int, list[Content]] = {}
    place, count = 0, 0
    while place < len(content):
        key, place = _varint(content, place)
        kind, number = key & 7, key >> 3
        value: Content
        if kind == _VARINT:
            value, place = _varint(content, place)
        elif kind == _BYTES:
            size, place = _varint(content, place)
            value, place = content[place : place + size], place + size
        elif kind == _FOUR_BYTES:
            value, place = _float(content, place, "<f", 4)
        elif kind == _EIGHT_BYTES:
            value, place = _float(content, place, "<d", 8)
        else:
            raise _damaged(f"a field of kind {kind}")
        count += 1
        if place > len(content):
            raise _damaged("a field that goes beyond the end")
        if count > FIELDS_LIMIT:
            raise _damaged(f"more than {FIELDS_LIMIT} fields")
        fields.setdefault(number, []).append(value)
    return fields


def _damaged(found: str) -> ModelRefused:
    return ModelRefused(f"expected an ONNX file, got {found}; the file is damaged or of another kind")


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for index in range(_VARINT_SIZE_BYTES):
        if place >= len(content):
            raise _damaged("a number that breaks off")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value & (1 << 64) - 1, place
    raise _damaged("a number of more than 64 bits")


def _float(content: memoryview, place: int, kind: str, size: int) -> tuple[float, int]:
    if place + size > len(content):
        raise _damaged("a number that breaks off")
    return struct.unpack_from(kind, content, place)[0], place + size


def messages(fields: Fields, number: int) -> list[memoryview]:
    """All inner messages, texts or bytes of a field."""
    found = fields.get(number, [])
    if not all(isinstance(each, memoryview) for each in found):
        raise _damaged(f"numbers in field {number}")
    return [each for each in found if isinstance(each, memoryview)]


def message(fields: Fields, number: int) -> memoryview | None:
    """The inner message of a field; the last one counts."""
    found = messages(fields, number)
    return found[-1] if found else None


def text(fields: Fields, number: int) -> str:
    """The text of a field; empty without one."""
    return bytes(message(fields, number) or b"").decode("utf-8", errors="replace")


def integers(fields: Fields, number: int) -> list[int]:
    """All integers of a field, signed, whether they are packed together or not."""
    found: list[int] = []
    for each in fields.get(number, []):
        if isinstance(each, int):
            found.append(_signed(each))
        elif isinstance(each, memoryview):
            place = 0
            while place < len(each):
                value, place = _varint(each, place)
                found.append(_signed(value))
                if len(found) > FIELDS_LIMIT:
                    raise _damaged(f"more than {FIELDS_LIMIT} integers")
        else:
            raise _damaged(f"floats in field {number}")
    return found


def integer(fields: Fields, number: int) -> int:
    """The integer of a field; 0 without one."""
    found = integers(fields, number)
    return found[-1] if found else 0


def floats(fields: Fields, number: int, size: int = 4) -> list[float]:
    """All floats of a field, of `size` bytes each where they are packed together."""
    found: list[float] = []
    for each in fields.get(number, []):
        if isinstance(each, float):
            found.append(each)
        elif isinstance(each, memoryview) and len(each) % size == 0:
            found += struct.unpack(f"<{len(each) // size}{'f' if size == 4 else 'd'}", each)
        else:
            raise _damaged(f"no floats in field {number}")
    return found


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> _SIGN_BIT else value
