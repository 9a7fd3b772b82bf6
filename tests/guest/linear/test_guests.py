"""np.linalg in a guest against NumPy: values, order and signs, singular and tall matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import Comparison, compare, compile_guest

FUNCTIONS = """
def flat(*parts):
    return np.concatenate(parts)

def of_tall(a):
    x, left, rank, s = np.linalg.lstsq(a[:, 1:], a[:, 0], rcond=None)
    values = np.linalg.svd(a, full_matrices=False).S
    return flat(x, left, s, values, np.linalg.pinv(a)[0], np.array([float(rank)]))

def of_small(a):
    u, s, vh = np.linalg.svd(a)
    q, r = np.linalg.qr(a)
    square = a.T @ a + np.eye(a.shape[1])
    w, v = np.linalg.eig(a[:4])
    return flat(
        u.ravel(), s, vh.ravel(), q.ravel(), r.ravel(), np.linalg.eigh(square)[1].ravel(), w, v.ravel(),
        np.linalg.solve(square, a.T).ravel(), np.linalg.norm(a, axis=1), np.array([np.linalg.det(square)]),
    )

"""
MAIN = """
def main(a):
    return of_tall(a) if len(a) > 100 else of_small(a)
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compile_guest(tmp_path_factory.mktemp("linear"), FUNCTIONS, MAIN.strip() + "\n", "float64[:, :]")


@pytest.mark.parametrize("shape", [(6, 4), (20_000, 5)], ids=["small", "tall"])
def test_matrices_give_numpys_results(guest: Comparison, shape: tuple[int, int]) -> None:
    given = np.random.default_rng(9).random(shape)
    given[:4, :4] += given[:4, :4].T + np.diag([1.0, 2, 3, 4])
    given[:4, :4] = (given[:4, :4] + given[:4, :4].T) / 2
    found, expected = compare(guest, given)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-10)


def test_errors_are_numpys(tmp_path: Path) -> None:
    main = (
        "def main(a):\n"
        "    failed = np.zeros(4)\n"
        "    for index in range(4):\n"
        "        try:\n"
        "            if index == 0:\n"
        "                np.linalg.solve(a[:2], a[0, :2])\n"
        "            elif index == 1:\n"
        "                np.linalg.cholesky(a[:2] - 9)\n"
        "            elif index == 2:\n"
        "                np.linalg.eigvals(a[2:])\n"
        "            else:\n"
        "                np.linalg.det(a)\n"
        "        except Exception:\n"
        "            failed[index] = 1\n"
        "    failed[0] += a[:0].reshape(2, 0).size\n"
        "    return failed\n"
    )
    given = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 1.0], [-1.0, 0.0]])
    found, _ = compare(compile_guest(tmp_path, "", main, "float64[:, :]"), given)
    assert found.tolist() == [1, 1, 1, 1]
