"""np.linalg in a guest against NumPy: values, order and signs, singular and tall matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import Comparison, compare, compile_guest, refusal, returned

FUNCTIONS = """
def flat(*parts):
    return np.concatenate(parts)

def of_tall(a):
    x, left, rank, s = np.linalg.lstsq(a[:, 1:], a[:, 0], rcond=None)
    return flat(x, left, s, np.linalg.pinv(a)[0], np.array([float(rank)]))

def of_small(a):
    u, s, vh = np.linalg.svd(a)
    q, r = np.linalg.qr(a)
    w, v = np.linalg.eig(a[:4])
    parts = flat(u.ravel(), s, vh.ravel(), q.ravel(), r.ravel(), w, v.ravel())
    return flat(parts, np.linalg.eigh(a[:4])[1].ravel(), np.linalg.norm(a, axis=1))

def failures(a):
    failed = np.zeros(3)
    for index in range(3):
        try:
            if index == 0:
                np.linalg.solve(a[:2], a[0])
            elif index == 1:
                np.linalg.eig(a[2:])
            else:
                np.linalg.lstsq(a[:, :0], a[:3, 0])
        except Exception:
            failed[index] = 1
    return flat(failed, a[:0].reshape(2, 0).ravel())

"""
SINGULAR = "        return np.linalg.inv(a)[0]"
MAIN = f"""
def main(a):
    if a.shape[1] == 3:
{SINGULAR}
    return failures(a) if a.shape[1] == 2 else of_tall(a) if len(a) > 100 else of_small(a)
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compile_guest(tmp_path_factory.mktemp("linear"), FUNCTIONS, MAIN.strip() + "\n", "float64[:, :]")


def test_small_matrices_give_numpys_results(guest: Comparison) -> None:
    given = np.random.default_rng(9).random((6, 4))
    given[:4, :4] += given[:4, :4].T + np.diag([1.0, 2, 3, 4])
    found, expected = compare(guest, given)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-10)


def test_tall_matrices_fit_into_memory(guest: Comparison) -> None:
    # What is expected comes from the normal equations: NumPy's own threads would take longer than the guest.
    given = np.random.default_rng(9).random((20_000, 5))
    right, a = given[:, 0], given[:, 1:]
    gram = np.einsum("ij,ik->jk", a, a)
    x = np.linalg.solve(gram, np.einsum("ij,i->j", a, right))
    left = ((right - np.einsum("ij,j->i", a, x)) ** 2).sum()
    values = np.sqrt(np.linalg.eigvalsh(gram))[::-1]
    inverse = np.linalg.inv(np.einsum("ij,ik->jk", given, given))
    parts = (x, [left], values, np.einsum("j,ij->i", inverse[0], given), [4.0])
    np.testing.assert_allclose(returned(guest, given), np.concatenate(parts), rtol=1e-9)


def test_what_numpy_refuses_is_refused(guest: Comparison) -> None:
    # A singular matrix, complex eigenvalues (which NumPy would return), a right side that is too short.
    found = returned(guest, np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 1.0], [-1.0, 0.0]]))
    assert found.tolist() == [1, 1, 1]


def test_an_exception_of_numpys_names_the_users_line(guest: Comparison) -> None:
    source = Path(str(guest.module.__file__)).read_text().split("\n")
    line = 1 + source.index(SINGULAR)
    assert refusal(guest, np.ones((3, 3))) == f"model.py:{line}: LinAlgError: Singular matrix\n"
