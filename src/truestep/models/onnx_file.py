"""Reads ONNX files. Nothing outside of the file is read: tensors in other files are refused."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from truestep.models import protobuf
from truestep.models.errors import ModelRefused
from truestep.models.limits import AXES_LIMIT, NUMBERS_LIMIT, STEPS_LIMIT

Tensor = npt.NDArray[Any]
Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | tuple[str, ...] | Tensor


class DataType(IntEnum):
    """The types of tensors that are read; the numbers are ONNX's."""

    FLOAT = 1
    UINT8 = 2
    INT8 = 3
    UINT16 = 4
    INT16 = 5
    INT32 = 6
    INT64 = 7
    STRING = 8
    BOOL = 9
    FLOAT16 = 10
    DOUBLE = 11
    UINT32 = 12
    UINT64 = 13


DTYPES = {
    DataType.FLOAT: np.dtype("<f4"),
    DataType.UINT8: np.dtype("u1"),
    DataType.INT8: np.dtype("i1"),
    DataType.UINT16: np.dtype("<u2"),
    DataType.INT16: np.dtype("<i2"),
    DataType.INT32: np.dtype("<i4"),
    DataType.INT64: np.dtype("<i8"),
    DataType.BOOL: np.dtype("?"),
    DataType.FLOAT16: np.dtype("<f2"),
    DataType.DOUBLE: np.dtype("<f8"),
    DataType.UINT32: np.dtype("<u4"),
    DataType.UINT64: np.dtype("<u8"),
}
_EXTERNAL = 1
_NAMES_LIMIT = 200
"""Characters of a name in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An operator and the names of what it reads and writes; "" for what is left out."""

    operator: str
    domain: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    @property
    def title(self) -> str:
        """For messages."""
        domain = f"{shortened(self.domain)}." if self.domain else ""
        name = f" ({shortened(self.name)})" if self.name else ""
        return f"{domain}{shortened(self.operator)}{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """An input or output of the whole graph. A size that is not fixed is None."""

    name: str
    data_type: int
    """0 if it is no tensor."""
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A model's graph, in the order of its nodes."""

    nodes: tuple[Node, ...]
    initializers: Mapping[str, Tensor]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    opset: int
    """The version of the standard operators."""


def shortened(name: str) -> str:
    """A name from a file, fit for a message."""
    return "".join(c if c.isprintable() else "?" for c in name[:_NAMES_LIMIT])


def read_onnx(content: bytes) -> Graph:
    """The graph in an ONNX file. Raises ModelRefused with what to do."""
    model = protobuf.read_message(memoryview(content))
    graph = protobuf.message(model, 7)
    if graph is None:
        raise ModelRefused("expected an ONNX file, got one without a graph; export the model again")
    versions = {
        protobuf.text(fields, 1): protobuf.integer(fields, 2)
        for fields in map(protobuf.read_message, protobuf.messages(model, 8))
    }
    fields = protobuf.read_message(graph)
    if protobuf.messages(fields, 15):
        raise ModelRefused("a guest has no sparse initializers; export the model with dense ones")
    nodes = protobuf.messages(fields, 1)
    if len(nodes) > STEPS_LIMIT:
        raise ModelRefused(f"expected at most {STEPS_LIMIT} operators, got {len(nodes)}")
    tensors = [_named_tensor(each) for each in protobuf.messages(fields, 5)]
    return Graph(
        nodes=tuple(map(_node, nodes)),
        initializers=dict(tensors),
        inputs=tuple(map(_port, protobuf.messages(fields, 11))),
        outputs=tuple(map(_port, protobuf.messages(fields, 12))),
        opset=versions.get("", versions.get("ai.onnx", 1)),
    )


def _texts(fields: protobuf.Fields, number: int) -> tuple[str, ...]:
    return tuple(bytes(each).decode("utf-8", errors="replace") for each in protobuf.messages(fields, number))


def _node(content: memoryview) -> Node:
    fields = protobuf.read_message(content)
    attributes = (_attribute(each) for each in protobuf.messages(fields, 5))
    domain = protobuf.text(fields, 7)
    return Node(
        operator=protobuf.text(fields, 4),
        domain="" if domain == "ai.onnx" else domain,
        name=protobuf.text(fields, 3),
        inputs=_texts(fields, 1),
        outputs=_texts(fields, 2),
        attributes={name: value for name, value in attributes if value is not None},
    )


def _attribute(content: memoryview) -> tuple[str, Attribute | None]:
    """Name and value; None for graphs and others, which no operator that a guest knows has."""
    fields = protobuf.read_message(content)
    name, kind = protobuf.text(fields, 1), protobuf.integer(fields, 20)
    match kind:
        case 1:
            return name, (protobuf.floats(fields, 2) or [0.0])[-1]
        case 2:
            return name, protobuf.integer(fields, 3)
        case 3:
            return name, protobuf.text(fields, 4)
        case 4:
            tensor = protobuf.message(fields, 5)
            return name, _named_tensor(tensor)[1] if tensor is not None else None
        case 6:
            return name, tuple(protobuf.floats(fields, 7))
        case 7:
            return name, tuple(protobuf.integers(fields, 8))
        case 8:
            return name, _texts(fields, 9)
        case _:
            return name, None


def _port(content: memoryview) -> Port:
    fields = protobuf.read_message(content)
    kind = protobuf.read_message(protobuf.message(fields, 2) or memoryview(b""))
    tensor = protobuf.message(kind, 1)
    if tensor is None:
        return Port(name=protobuf.text(fields, 1), data_type=0, shape=None)
    tensor_fields = protobuf.read_message(tensor)
    shape = protobuf.message(tensor_fields, 2)
    return Port(
        name=protobuf.text(fields, 1),
        data_type=protobuf.integer(tensor_fields, 1),
        shape=None
        if shape is None
        else tuple(map(_size, protobuf.messages(protobuf.read_message(shape), 1))),
    )


def _size(content: memoryview) -> int | None:
    fields = protobuf.read_message(content)
    size = protobuf.integer(fields, 1)
    return size if 1 in fields and size > 0 else None


def _named_tensor(content: memoryview) -> tuple[str, Tensor]:
    fields = protobuf.read_message(content)
    name = protobuf.text(fields, 8)
    if protobuf.integer(fields, 14) == _EXTERNAL or protobuf.messages(fields, 13):
        raise ModelRefused(
            f"the tensor {shortened(name)!r} is in another file, which is not read; save all in one file"
            " (onnx.save_model without save_as_external_data, torch.onnx.export with external_data=False)"
        )
    shape = tuple(protobuf.integers(fields, 1))
    kind = protobuf.integer(fields, 2)
    if kind == DataType.STRING:
        words = np.array(_texts(fields, 6), object)
        return name, _shaped(name, words, shape)
    if kind not in DTYPES:
        raise ModelRefused(
            f"the tensor {shortened(name)!r} has numbers of ONNX's type {kind}, which a guest has not;"
            " export the model with float32 or float64"
        )
    return name, _shaped(name, _numbers(fields, DataType(kind)), shape)


def _shaped(name: str, numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
    count = math.prod(shape)
    is_sound = len(shape) <= AXES_LIMIT and all(0 <= size <= NUMBERS_LIMIT for size in shape)
    if not is_sound or count > NUMBERS_LIMIT:
        raise ModelRefused(
            f"expected the tensor {shortened(name)!r} to have at most {NUMBERS_LIMIT} numbers, in at most"
            f" {AXES_LIMIT} axes, got the shape {list(shape[:AXES_LIMIT])}"
        )
    if numbers.size != count:
        raise ModelRefused(
            f"expected {count} numbers in the tensor {shortened(name)!r}, as its shape says, got"
            f" {numbers.size}; the file is damaged"
        )
    return numbers.reshape(shape)


def _numbers(fields: protobuf.Fields, kind: DataType) -> Tensor:
    dtype = DTYPES[kind]
    raw = protobuf.message(fields, 9)
    if raw is not None and len(raw):
        if len(raw) % dtype.itemsize:
            raise ModelRefused("expected whole numbers in a tensor's bytes; the file is damaged")
        return np.frombuffer(bytes(raw), dtype)
    match kind:
        case DataType.FLOAT:
            return np.array(protobuf.floats(fields, 4), dtype)
        case DataType.DOUBLE:
            return np.array(protobuf.floats(fields, 10, 8), dtype)
        case DataType.INT64:
            return np.array(protobuf.integers(fields, 7), np.int64)
        case DataType.UINT32 | DataType.UINT64:
            return np.array(protobuf.integers(fields, 11), np.int64).astype(dtype)
        case DataType.FLOAT16:
            return np.array(protobuf.integers(fields, 5), np.int64).astype(np.uint16).view(dtype)
        case _:
            return np.array(protobuf.integers(fields, 5), np.int64).astype(dtype)
