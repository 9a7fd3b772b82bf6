"""Functions of NumPy, and forms of their arguments, that Numba lacks: values, dtypes and shapes are NumPy's.

`make one-liners` compares many more.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numba.core import errors

from tests.guest.numpy_guests import HEADER, compare, compile_guest
from truestep.guest import GuestBuildError, build_python
from truestep.guest.python.compiler.numpy_functions.subscripts import parse_subscripts

EXPRESSIONS = (
    "np.unique(k, return_counts=True)[1]",
    "x.sum(axis=(0, 2))",
    "np.maximum.accumulate(m, axis=1)",
    "np.c_[m[0], 0:5]",
    "x[:, ::-1].sum((0, 1))",
    "x.sum(axis=1, keepdims=True)",
    "x.max(axis=(0, 1))",
    "(x > 50).all(axis=2)",
    "m[m > 50]",
    "masked(m.copy())",
    "m[[0, 2], [1, 3]]",
    "np.zeros(3, dtype=int) + m.astype(int)[0, :3]",
    "np.sort(m, axis=0)",
    "np.percentile(m, [10, 90], axis=1)",
    "np.vstack([m, m[:1], k[:5]])",
    "np.pad(m, ((1, 0), (0, 2)), mode='reflect')",
    "np.roll(m, 1, axis=0)",
    "np.einsum('ij,kj->ik', k.reshape(2, 5), k.reshape(2, 5))",
    "np.where(m > 50, m, 0.5)",
    "np.mgrid[0:1:3j, 0:k[0] + 2]",
    "np.diff(m, axis=0, prepend=0)",
    "counted(k)",
    "np.subtract.outer(k, m[0])",
    "np.sum(m, axis=1, where=m > 50)",
    "np.take(x, [[-1, 7], [0, 1]], axis=2, mode='clip')",
    "np.choose(k % 2, [k, 7])",
    "np.piecewise(m, [m < 20, m > 70], [lambda a: -a, lambda a: a * 2, 7])",
    "np.vectorize(lambda a, b: a if a > b else b * 2)(k, 2)",
    "np.fromfunction(lambda i, j: i * 10 + j, (2, 3), dtype=int)",
    "np.gradient(k, 0.5, edge_order=2)",
    "np.histogram2d(k, k * 2.5, bins=(2, 3))[0]",
    "np.pad(k, (2, 1), constant_values=(5, 6))",
    "np.ptp(m.astype(np.uint8), axis=1)",
    "np.polymul([0, 1, 2], [1, 3])",
    "np.diagonal(x, 1, 2, 0)",
)
FUNCTIONS = """
def masked(a):
    a[a < 50] = 0
    a[a > 90] *= 2
    return a

def counted(k):
    counts = np.zeros((5, 2))
    np.add.at(counts, (k, [0, 1] * 5), 0.5)
    np.maximum.at(counts, [1, 1], 0.75)
    return counts

def put(out, place, result):
    flat = np.ascontiguousarray(result).reshape(-1)
    content = flat.view(np.uint8)
    out[place] = flat.itemsize
    out[place + 1] = result.ndim
    out[place + 2] = result.shape[0]
    out[place + 3 : place + 3 + content.size] = content
    return place + 3 + content.size

"""


@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.long)])
def test_values_dtypes_and_shapes_are_numpys(tmp_path: Path, step: int) -> None:
    """Every one of the expressions, or a few."""
    expressions = EXPRESSIONS[::step]
    each = "".join(
        f"def f{i}(out, place, x, m, k):\n    return put(out, place, {text})\n\n"
        for i, text in enumerate(expressions)
    )
    calls = "".join(f"    ends[{i + 1}] = f{i}(out, ends[{i}], x, m, k)\n" for i in range(len(expressions)))
    size = len(expressions) + 1
    main = (
        "def main(x):\n    m = x[0].copy()\n    k = m.ravel()[:10].astype(np.int64) % 4\n"
        f"    out = np.zeros({400 * size}, np.uint8)\n    ends = np.zeros({size}, np.int64)\n"
        f"{calls}    return np.concatenate((ends.view(np.uint8), out))\n"
    )
    guest = compile_guest(tmp_path, FUNCTIONS + each, main, "float32[:,:,:]")
    given = np.random.default_rng(7).random((3, 4, 5), dtype=np.float32) * 100
    found, expected = compare(guest, given)
    ends = [array[: 8 * size].view(np.int64) for array in (found, expected)]
    wrong: list[str] = []
    for index, text in enumerate(expressions):
        parts = [
            array[8 * size :][end[index] : end[index + 1]].tolist()
            for array, end in zip((found, expected), ends, strict=True)
        ]
        if parts[0] != parts[1]:
            wrong.append(f"{text}: {parts}")
    assert wrong == []


def test_what_must_be_known_is_asked_for(tmp_path: Path) -> None:
    source = tmp_path / "model.py"
    source.write_text(f"{HEADER}@truestep.guest\ndef main(x):\n    return x.sum(axis=0, keepdims=x[0] > 1)\n")
    with pytest.raises(GuestBuildError, match=r"^model\.py:5: a guest must know keepdims"):
        build_python(source, tmp_path / "model.elf")


def test_formulas_of_einsum() -> None:
    product = parse_subscripts("ij,jk->ik", [2, 2])
    assert (product.labels, product.kept, product.axes_of) == ("ikj", 2, (((0,), (), (1,)), ((), (1,), (0,))))
    assert parse_subscripts("ii", [2]).axes_of == (((0, 1),),)
    assert parse_subscripts("...ij,jk", [3, 2]).labels == "aikj"
    assert parse_subscripts("ij,jk,kl->il", [2, 2, 2]).first_pair() == ("ij,jk->ik", "ik,kl->il")
    for formula, ndims in (("ij,j", [2]), ("ij->k", [2]), ("ij", [3]), ("i->ii", [1])):
        with pytest.raises(errors.TypingError):
            parse_subscripts(formula, ndims)
