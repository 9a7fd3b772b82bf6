"""Texts as bytes and bytes as texts: `encode`, `decode`, `bytes(x)` and `tobytes()`."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import errors, types
from numba.core.extending import intrinsic, overload, overload_method

from truestep.guest.python.compiler.texts import begin, call_for_word, finished_text, put_plain

_POINTER = ir.IntType(8).as_pointer()

_ENCODINGS = {"utf-8": "utf-8", "utf8": "utf-8", "ascii": "ascii", "latin-1": "latin-1", "latin1": "latin-1"}


def install_encodings() -> None:
    """Add them to Numba's."""
    overload_method(types.Bytes, "decode")(_decode)
    overload_method(types.UnicodeType, "encode")(_encode)
    overload_method(types.Array, "tobytes")(_tobytes)
    overload(bytes)(_bytes)


@intrinsic
def _put_utf8(typing_context: Any, content: Any) -> Any:
    """Append bytes; whether they are UTF-8."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        address = builder.bitcast(array.data, _POINTER)
        return builder.trunc(
            call_for_word(builder, "truestep_put_utf8", address, array.nitems), ir.IntType(1)
        )

    return types.boolean(content), generate


def _encoding(kind: Any) -> str:
    said = getattr(kind, "literal_value", "utf-8" if isinstance(kind, str | types.Omitted) else "")
    known = _ENCODINGS.get(str(getattr(kind, "value", said)).lower().replace("_", "-"))
    if known is None:
        raise errors.TypingError("a guest knows the encodings 'utf-8', 'ascii' and 'latin-1'")
    return known


def _decode(content: Any, encoding: Any = "utf-8") -> Any:
    limit = {"utf-8": 256, "ascii": 128, "latin-1": 0}[_encoding(encoding)]

    def from_utf8(content: Any, encoding: Any = "utf-8") -> Any:
        begin()
        if limit < 1 << 8 and len(content) and np.frombuffer(content, np.uint8).max() >= limit:
            raise ValueError("bytes that are not in the encoding cannot be decoded")
        if not _put_utf8(content):
            raise ValueError("bytes that are not UTF-8 cannot be decoded")
        return finished_text()

    def from_latin1(content: Any, encoding: Any = "utf-8") -> Any:
        return "".join([chr(byte) for byte in content])

    return from_utf8 if limit else from_latin1


@intrinsic
def bytes_over(typing_context: Any, array: Any) -> Any:
    """A uint8 array as bytes over the same memory."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        content = context.make_array(signature.return_type)(context, builder)
        context.populate_array(
            content,
            data=given.data,
            shape=given.shape,
            strides=given.strides,
            itemsize=given.itemsize,
            meminfo=given.meminfo,
            parent=given.parent,
        )
        context.nrt.incref(builder, signature.args[0], arguments[0])
        return content._getvalue()

    return types.Bytes(types.uint8, 1, "C", readonly=True)(array), generate


def _tobytes(array: Any) -> Any:
    def tobytes(array: Any) -> Any:
        return bytes_over(np.ascontiguousarray(array).copy().reshape(-1).view(np.uint8))

    return tobytes


def _bytes_of_array(source: Any) -> Any:
    return source.tobytes()


def _same_bytes(source: Any) -> Any:
    return source


def _bytes_of_list(source: Any) -> Any:
    return np.array(source).astype(np.uint8).tobytes()


def _bytes(source: Any) -> Any:
    if isinstance(source, types.Array):
        if source.ndim != 1:
            return None
        return _bytes_of_array
    if isinstance(source, types.Bytes):
        return _same_bytes
    if isinstance(source, types.List) and isinstance(source.dtype, types.Integer):
        return _bytes_of_list
    return None


@intrinsic
def _put_into(typing_context: Any, array: Any) -> Any:
    """Copy the text's bytes into an array, or count them if it is empty."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        content = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        address = builder.bitcast(content.data, _POINTER)
        return call_for_word(builder, "truestep_copy_bytes", address, content.nitems)

    return types.int64(array), generate


def _encode(text: Any, encoding: Any = "utf-8") -> Any:
    if _encoding(encoding) != "utf-8":
        raise errors.TypingError("a guest encodes strings as 'utf-8'")

    def encode(text: Any, encoding: Any = "utf-8") -> Any:
        begin()
        put_plain(text)
        content = np.empty(_put_into(np.empty(0, np.uint8)), np.uint8)
        _put_into(content)
        return bytes_over(content)

    return encode
