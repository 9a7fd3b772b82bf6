"""The input and output of models: rows as .npy files and as text, shards, and what is refused."""

from __future__ import annotations

import io
import math
import random
import struct

import numpy as np
import pytest

from tests.models.running import npy, program_of, run
from truestep.machine.program import Program
from truestep.models.description import Convert, Draft, Element, Model, Prediction, Take


def echo(features: int, *, element: Element = Element.DOUBLE, is_integer: bool = False) -> Program:
    """A model that says what it is given, in the same order."""
    draft = Draft(features)
    value = draft.add(Take(source=0, places=np.arange(features)), features, Element.DOUBLE)
    if element is Element.FLOAT:
        value = draft.add(Convert(source=value), features, Element.FLOAT)
    shape = (features,) if features > 1 else ()
    model: Model = draft.model("echo", Prediction(value=value, shape=shape, is_integer=is_integer))
    return program_of(model)


@pytest.fixture(scope="module")
def three() -> Program:
    return echo(3)


@pytest.fixture(scope="module")
def one() -> Program:
    return echo(1)


ROWS = np.array([[1, 2.5, np.nan], [-0.0, 1e-310, -np.inf], [7, 8, 9], [0.1, 1e22, 123456789.123]])


def test_npy_files_of_all_types_and_orders(three: Program) -> None:
    np.testing.assert_array_equal(run(three, npy(ROWS)).array, ROWS)
    np.testing.assert_array_equal(run(three, npy(np.asfortranarray(ROWS))).array, ROWS)
    np.testing.assert_array_equal(run(three, npy(ROWS.astype(np.float32))).array, ROWS.astype(np.float32))
    for dtype in (np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.bool_):
        integers = np.array([[0, 1, 100], [3, -1 % 200, 5]]).astype(dtype)
        np.testing.assert_array_equal(run(three, npy(integers)).array, integers.astype(float))
    assert run(three, npy(np.empty((0, 3)))).array.shape == (0, 3)
    images = np.arange(24.0).reshape(8, 1, 3)
    np.testing.assert_array_equal(run(three, npy(images)).array, images[:, 0])
    other = np.asfortranarray(np.arange(12.0).reshape(4, 3, 1))
    np.testing.assert_array_equal(run(three, npy(other)).array, other[:, :, 0])


def test_a_column_and_numbers_in_single_precision(one: Program) -> None:
    np.testing.assert_array_equal(run(one, npy(ROWS[:, 0])).array, ROWS[:, 0])
    assert run(one, b"1\n2\n").report.output == b"1.0\n2.0\n"
    singles = echo(2, element=Element.FLOAT)
    assert run(singles, npy(ROWS[:, :2])).array.dtype == np.float32
    assert run(singles, b"0.1,16777217\n").report.output == b"0.1,16777216.0\n"
    integers = echo(1, is_integer=True)
    assert run(integers, b"3\n-4e3\n").report.output == b"3\n-4000\n"
    assert run(integers, npy(np.array([3.0, -4000.0]))).array.tolist() == [3, -4000]


def test_text_with_headers_separators_and_missing_values(three: Program) -> None:
    expected = b"1.0,2.5,nan\n-0.0,1e-310,-inf\n"
    for text in (
        b"a,b,c\n1,2.5,\n-0,1e-310,-inf\n",
        b"\xef\xbb\xbfa,b,c\r\n\r\n1 ,\t2.5,nan\r\n-0.0,1.0E-310,-Infinity\r\n\r\n",
        b"1;2.5;NaN\n-0;1e-310;-inf",
        b'"a x";b;c\n"1";+2.5; \n-0;.1e-309;-inf\n',
        b"1\t2.5\tnan\n-0\t1e-310\t-inf\n",
    ):
        assert run(three, text).report.output == expected, text
    assert run(three, b"").report.output == b""
    assert run(three, b"a,b,c\n").report.output == b""
    assert run(three, b"1,2,3").report.output == b"1.0,2.0,3.0\n"


def test_shards_are_stretches_of_rows_that_cover_all(three: Program) -> None:
    text = b"a,b,c\n" + b"".join(b"%d,0,0\n" % row for row in range(11))
    array = np.arange(33.0).reshape(11, 3)
    for count in (1, 2, 3, 4, 12):
        parts = [run(three, text, (index, count)).report.output for index in range(count)]
        assert b"".join(parts) == b"".join(b"%d.0,0.0,0.0\n" % row for row in range(11))
        arrays = [run(three, npy(array), (index, count)).array for index in range(count)]
        np.testing.assert_array_equal(np.concatenate(arrays), array)


def test_decimals_are_read_and_written_as_python_does(one: Program) -> None:
    chance = random.Random(11)
    numbers = [struct.unpack("<d", chance.randbytes(8))[0] for _ in range(150)]
    numbers = [number for number in numbers if not math.isnan(number)]
    numbers += [chance.random() for _ in range(150)] + [float(2**k) for k in range(-60, 80, 7)]
    numbers += [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 9007199254740993.0, 1e23, 0.3]
    said = run(one, "".join(f"{number!r}\n" for number in numbers).encode())
    assert said.report.output.decode().split() == [repr(number) for number in numbers]
    texts = [
        "0.1000000000000000055511151231257827",
        "1e400",
        "-1e-400",
        "179769313486231580793e289",
        "00012",
        "1.",
    ]
    said = run(one, "\n".join(texts).encode())
    assert said.report.output.decode().split() == [repr(float(text)) for text in texts]


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"


def file_with(header: str, items: bytes = bytes(48)) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + items


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1,2\n", "got more or fewer in line 1"),
        (b"a,b,c\n1,2,3\n1,2,3,4\n", "got more or fewer in line 3"),
        (b"1,2,3\n\n1,two,3\n", "expected numbers in line 3, got two"),
        (npy(np.zeros((2, 4))), "rows of this many numbers: 4"),
        (npy(np.zeros(3)), "one dimension"),
        (npy(np.zeros(())), "single number"),
        (npy(np.zeros((2, 3), complex)), "of another type"),
        (npy(np.zeros((2, 3), ">f8")), "of another type"),
        (npy(np.zeros((2, 3), np.float16)), "of another type"),
        (npy(np.zeros(2, [("a", "<f8")])), "type with fields"),
        (npy(np.zeros((2, 3)))[:-1], "more or fewer bytes"),
        (npy(np.zeros((2, 3)))[:40], "header breaks off"),
        (b"\x93NUMPY\x01\x00", "breaks off"),
        (file_with(HEADER.replace("(2, 3)", "(99999999999999999999, 3)")), "too large"),
        (file_with(HEADER.replace("(2, 3)", "(4611686018427387905, 3)")), "more or fewer bytes"),
        (file_with(HEADER.replace("(2, 3)", "(2, x)")), "not one of numbers"),
        (file_with(HEADER.replace("(2, 3), }", "(2, 3")), "breaks off"),
        (file_with(HEADER.replace("'shape'", "'form'")), "without a shape"),
        (file_with(HEADER.replace("(2, 3)", "(" + "1, " * 9 + "3)")), "more than 8 dimensions"),
    ],
)
def test_other_inputs_end_the_run_with_a_sentence(three: Program, content: bytes, said: str) -> None:
    finished = run(three, content)
    assert finished.report.exit_code == 139
    assert said in finished.printed


def test_a_model_without_rows_writes_a_whole_file(three: Program) -> None:
    """More shards than rows: each output is a file of its own."""
    output = run(three, npy(ROWS[:1]), (0, 4)).report.output
    assert np.load(io.BytesIO(output)).shape == (0, 3)
