"""The harness of one-liners: what is the same value, and what is read from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.guest import python_programs
from tests.guest.one_liners.cases import read_cases, read_pieces
from tests.guest.one_liners.values import difference

LINES_MIN = 394
PIECES_MIN = 60


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (np.float64(2), 2.0),
        (np.int64(2), 2),
        (np.bool_(True), True),
        (np.array([1, np.nan]), np.array([1, np.nan])),
        ((np.int64(1), "a", None), (1, "a", None)),
        ([np.float32(1)], [np.float32(1)]),
        ({1: np.int64(2)}, {1: 2}),
        ({1, 2}, frozenset({2, 1})),
    ],
)
def test_same(found: Any, expected: Any) -> None:
    assert difference(found, expected, is_close_enough=False) == ""


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (np.float64(2), 2),
        (np.float32(2), 2.0),
        (np.array(2.0), 2.0),
        (np.float64(-0.0), 0.0),
        (np.nextafter(np.float64(1), 2), 1.0),
        (np.zeros((1, 2)), np.zeros(2)),
        (np.zeros(2, np.int32), np.zeros(2, np.int64)),
        ((np.int64(1),), [1]),
        ("a", b"a"),
        (None, 0),
        (np.int64(0), 1 << 64),
        ({1: np.int64(2), 3: np.int64(4)}, {3: 4, 1: 2}),
    ],
)
def test_different(found: Any, expected: Any) -> None:
    assert difference(found, expected, is_close_enough=False) != ""


def test_last_bits_may_differ_where_a_line_says_so() -> None:
    assert difference(np.nextafter(np.float64(1), 2), 1.0, is_close_enough=True) == ""
    assert difference(np.float64(1.0001), 1.0, is_close_enough=True) != ""


def test_a_line_goes_on_where_it_is_indented(tmp_path: Path) -> None:
    (tmp_path / "sums.txt").write_text("# Sums\nx + 1\n\n~ r = 0\n    for v in x:\n        r += v\n    r\n")
    one, other = read_cases(tmp_path)
    assert (one.topic, one.text, one.is_close_enough) == ("sums", "x + 1", False)
    assert (other.text, other.is_close_enough) == ("r = 0\nfor v in x:\n    r += v\nr", True)


def test_there_are_enough_lines_and_none_twice() -> None:
    texts = [case.text for case in read_cases()]
    assert len(texts) >= LINES_MIN
    assert sorted(set(texts)) == sorted(texts)


def test_there_are_enough_pieces_of_public_python() -> None:
    pieces = read_pieces(Path(python_programs.__file__).with_name("pieces.txt"))
    assert len(pieces) >= PIECES_MIN
    assert all(piece.text and piece.setup for piece in pieces)
