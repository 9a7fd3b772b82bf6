"""ONNX files that are damaged, or written to do harm, are refused with a sentence. No guest is built here."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import pytest

from truestep.models import ModelRefused, from_onnx, read_model

FLOAT, INT64, STRING = 1, 7, 8


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, value: int | float | str | bytes) -> bytes:
    """One field in the wire format."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, shape: list[int], raw: bytes, kind: int = FLOAT, more: bytes = b"") -> bytes:
    return b"".join(field(1, size) for size in shape) + field(2, kind) + field(8, name) + field(9, raw) + more


def attribute(name: str, value: int | float | str | list[int]) -> bytes:
    if isinstance(value, list):
        return field(1, name) + b"".join(field(8, each) for each in value) + field(20, 7)
    place, kind = {int: (3, 2), float: (2, 1), str: (4, 3)}[type(value)]
    return field(1, name) + field(place, value) + field(20, kind)


def node(operator: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> bytes:
    parts = [field(1, name) for name in inputs] + [field(2, name) for name in outputs]
    parts += [field(4, operator), field(7, domain)]
    return b"".join(parts) + b"".join(field(5, attribute(*each)) for each in attributes.items())


def port(name: str, shape: list[int | str], kind: int = FLOAT) -> bytes:
    sizes = [field(1, field(1, size) if isinstance(size, int) else field(2, size)) for size in shape]
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, b"".join(sizes))))


def model(
    nodes: list[bytes],
    *,
    shape: list[int | str] | None = None,
    tensors: list[bytes] | None = None,
    kind: int = FLOAT,
    output: str = "y",
) -> bytes:
    """An ONNX file with one input `x`."""
    graph = [field(1, each) for each in nodes] + [field(5, each) for each in tensors or []]
    graph += [
        field(11, port("x", ["N", 4] if shape is None else shape, kind)),
        field(12, port(output, ["N", 4])),
    ]
    return field(1, 8) + field(7, b"".join(graph)) + field(8, field(1, "") + field(2, 17))


RELU = node("Relu", ["x"], ["y"])


def test_the_plain_file_is_read() -> None:
    found = from_onnx(model([RELU]))
    assert (found.features, found.prediction.shape) == (4, (4,))


REFUSED: dict[str, tuple[bytes, str]] = {
    "cycle": (model([node("Add", ["x", "y"], ["z"]), node("Relu", ["z"], ["y"])]), "cycle"),
    "itself": (model([node("Add", ["x", "y"], ["y"])]), "cycle"),
    "order": (model([node("Relu", ["z"], ["y"]), node("Relu", ["x"], ["z"])]), "not in order"),
    "nobody writes": (model([node("Relu", ["nothing"], ["y"])]), "which no operator before it writes"),
    "no output": (model([RELU], output="z"), "depend on the input"),
    "twice": (
        model([node("Relu", ["x"], ["y"]), node("Abs", ["x"], ["y"])]),
        "writes 'y', which is written before",
    ),
    "unknown": (model([node("Resize", ["x"], ["y"])]), "does not have the operator Resize"),
    "domain": (model([node("Relu", ["x"], ["y"], "com.example")]), r"com\.example\.Relu"),
    "loop": (model([node("Loop", ["x"], ["y"])]), "operator Loop"),
    "name": (model([node("R\x1b[31m" + "u" * 999, ["x"], ["y"])]), r"operator R\?\[31m"),
    "huge tensor": (model([RELU], tensors=[tensor("w", [2**40, 2**40], b"")]), "at most 67108864 numbers"),
    "empty huge tensor": (model([RELU], tensors=[tensor("w", [0, 2**60], b"")]), "at most 67108864 numbers"),
    "negative": (model([RELU], tensors=[tensor("w", [-1, 4], b"")]), "at most 67108864 numbers"),
    "short tensor": (model([RELU], tensors=[tensor("w", [4], b"1234")]), "expected 4 numbers"),
    "odd tensor": (model([RELU], tensors=[tensor("w", [1], b"123")]), "whole numbers"),
    "axes": (model([RELU], tensors=[tensor("w", [1] * 99, b"1234")]), "8 axes"),
    "type": (model([RELU], tensors=[tensor("w", [1], b"1234", kind=77)]), "ONNX's type 77"),
    "elsewhere": (
        model(
            [RELU],
            tensors=[
                tensor(
                    "w",
                    [1],
                    b"",
                    more=field(13, field(1, "location") + field(2, "/etc/passwd")) + field(14, 1),
                )
            ],
        ),
        "in another file, which is not read",
    ),
    "rows": (model([RELU], shape=[7, 4]), "first axis of the input 'x' to be rows"),
    "sizes": (model([RELU], shape=["N", "M"]), "fixed sizes"),
    "large row": (model([RELU], shape=["N", 2**31, 2**31]), "numbers of a row"),
    "words": (model([RELU], kind=STRING), "float32, float64 or integers"),
    "no shape": (model([RELU], shape=[]), r"to have a shape \(rows, …\)"),
    "reshape": (
        model(
            [node("Reshape", ["x", "s"], ["y"])], tensors=[tensor("s", [2], struct.pack("<qq", 3, 5), INT64)]
        ),
        "do not fit each other",
    ),
    "mixes rows": (
        model(
            [node("Reshape", ["x", "s"], ["y"])], tensors=[tensor("s", [2], struct.pack("<qq", -1, 2), INT64)]
        ),
        "mixes rows",
    ),
    "rows moved": (model([node("Transpose", ["x"], ["y"], perm=[1, 0])]), "moves the axis of rows"),
    "rows joined": (model([node("Concat", ["x", "x"], ["y"], axis=0)]), "in the axis of rows"),
    "softmax of rows": (model([node("Softmax", ["x"], ["y"], axis=0)]), "over rows"),
    "axis": (model([node("Softmax", ["x"], ["y"], axis=9)]), "axis from -2 to 1"),
    "kind of attribute": (model([node("LeakyRelu", ["x"], ["y"], alpha="much")]), "to be like 0.01"),
    "expand": (
        model(
            [node("Expand", ["x", "s"], ["y"])],
            tensors=[tensor("s", [3], struct.pack("<qqq", 1, 2**40, 4), INT64)],
        ),
        "use a smaller model",
    ),
    "pad": (
        model(
            [node("Pad", ["x", "s"], ["y"])],
            tensors=[tensor("s", [4], struct.pack("<qqqq", 0, 2**50, 0, 0), INT64)],
        ),
        "pad by a few numbers",
    ),
    "range": (
        model(
            [node("Range", ["a", "b", "c"], ["z"]), node("Gather", ["x", "z"], ["y"], axis=1)],
            tensors=[
                tensor(name, [], struct.pack("<q", value), INT64)
                for name, value in (("a", 0), ("b", 2**60), ("c", 1))
            ],
        ),
        "Range",
    ),
    "matrix": (
        model([node("MatMul", ["x", "w"], ["y"])], tensors=[tensor("w", [3, 2], bytes(24))]),
        "of the shapes",
    ),
    "gather": (
        model(
            [node("Gather", ["x", "i"], ["y"], axis=1)],
            tensors=[tensor("i", [1], struct.pack("<q", 99), INT64)],
        ),
        "do not fit each other",
    ),
    "missing input": (model([node("Add", ["x"], ["y"])]), "to have an input number 1"),
    "image": (
        model(
            [node("Conv", ["x", "w"], ["y"], pads=[0, 0, 2**40, 0])],
            shape=["N", 1, 4, 4],
            tensors=[tensor("w", [1, 1, 2, 2], bytes(16))],
        ),
        "kernels, strides, dilations and pads",
    ),
    "window": (
        model(
            [node("Conv", ["x", "w"], ["y"])],
            shape=["N", 1, 2, 2],
            tensors=[tensor("w", [1, 1, 3, 3], bytes(36))],
        ),
        "larger than the image",
    ),
    "groups": (
        model(
            [node("Conv", ["x", "w"], ["y"], group=0)],
            shape=["N", 1, 4, 4],
            tensors=[tensor("w", [1, 1, 3, 3], bytes(36))],
        ),
        "in 0 groups",
    ),
    "doubled again and again": (
        model(
            [node("Concat", [name, name], [name + "x"], axis=1) for name in ("x" * n for n in range(1, 40))],
            output="x" * 40,
        ),
        "use a smaller model",
    ),
    "many constants": (
        model(
            [
                *(node("Expand", ["c", "s"], [f"c{n}"]) for n in range(3)),
                node("Add", ["c0", "c1"], ["d"]),
                node("Add", ["d", "c2"], ["e"]),
                node("Add", ["x", "e"], ["y"]),
            ],
            tensors=[tensor("s", [2], struct.pack("<qq", 1, 2**26), INT64), tensor("c", [1, 1], bytes(4))],
        ),
        "so many constants",
    ),
    "trees": (
        model(
            [
                node(
                    "TreeEnsembleRegressor",
                    ["x"],
                    ["y"],
                    "ai.onnx.ml",
                    nodes_treeids=[0],
                    nodes_nodeids=[0, 1],
                )
            ]
        ),
        "where 1 are expected",
    ),
    "no trees": (model([node("TreeEnsembleRegressor", ["x"], ["y"], "ai.onnx.ml")]), "with 0 nodes"),
    "empty": (b"", "without a graph"),
    "no graph": (field(1, 8), "without a graph"),
    "kind of field": (bytes([3]), "damaged"),
    "endless number": (b"\x08" + b"\xff" * 11, "more than 64 bits"),
    "beyond the end": (field(7, b"")[:-1] + b"\x7f", "beyond the end"),
    "number for a graph": (field(7, 5), "numbers in field 7"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_files_are_refused(name: str) -> None:
    content, said = REFUSED[name]
    with pytest.raises(ModelRefused, match=said) as refused:
        from_onnx(content)
    assert len(str(refused.value)) < 1500
    assert str(refused.value).isprintable()


def test_cut_and_flipped_files_end_in_a_sentence() -> None:
    """Any bytes are a model or refused; nothing else is raised."""
    whole = model(
        [node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), node("Softmax", ["c"], ["y"], axis=1)],
        shape=["N", 1, 4, 4],
        tensors=[tensor("w", [2, 1, 3, 3], bytes(72))],
    )
    chance = random.Random(3)
    for _ in range(1500):
        changed = bytearray(whole[: chance.randrange(1, len(whole) + 1)])
        for _ in range(chance.randrange(1, 5)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        try:
            from_onnx(bytes(changed))
        except ModelRefused as refused:
            assert str(refused)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x80\x04\x95abc", "whoever loads one runs the code"),
        (b"PK\x03\x04abc", "zip file"),
        (b' {"learner": 1}', "got JSON"),
        (b"", "empty"),
        (b"forest\n", "expected an ONNX file"),
    ],
)
def test_other_files_are_known_by_their_first_bytes(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model"
    path.write_bytes(content)
    with pytest.raises(ModelRefused, match=said):
        read_model(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ModelRefused, match="expected at most"):
        read_model(path)
