"""The routines of np.linalg against NumPy, on many small matrices: values, order and signs."""

from __future__ import annotations

import numpy as np
import pytest

from tests.guest.linear.routines import Routines, compile_routines

KINDS = (np.float64, np.complex128)
CASES = 60


@pytest.fixture(scope="module")
def routines(tmp_path_factory: pytest.TempPathFactory) -> Routines:
    return compile_routines(tmp_path_factory.mktemp("linear"))


def matrix(generator: np.random.Generator, rows: int, columns: int, dtype: type) -> np.ndarray:
    """Random items; now and then of a size whose squares are out of range."""
    a = generator.standard_normal((rows, columns))
    if dtype is np.complex128:
        a = a + 1j * generator.standard_normal((rows, columns))
    return a * generator.choice([1, 1, 1, 1e-200, 1e200])


def shapes(seed: int) -> list[tuple[np.random.Generator, int, int]]:
    generator = np.random.default_rng(seed)
    return [(generator, int(generator.integers(1, 16)), int(generator.integers(1, 16))) for _ in range(CASES)]


def is_near(found: np.ndarray, expected: np.ndarray, tolerance: float = 1e-9) -> bool:
    scale = np.abs(expected).max(initial=0)
    return found.shape == expected.shape and bool(
        np.abs(found - expected).max(initial=0) <= tolerance * scale
    )


@pytest.mark.parametrize("dtype", KINDS)
def test_singular_vectors_have_the_signs_of_lapack(routines: Routines, dtype: type) -> None:
    same = 0
    for generator, rows, columns in shapes(1):
        a, full = matrix(generator, rows, columns, dtype), bool(generator.integers(2))
        u, s, vh = routines.svd(a, full=full)
        shorter = min(rows, columns)
        expected = np.linalg.svd(a, full_matrices=full)
        assert is_near(s, expected[1])
        assert is_near((u[:, :shorter] * s) @ vh[:shorter], a)
        assert is_near(u.conj().T @ u, np.eye(u.shape[1]))
        assert is_near(vh @ vh.conj().T, np.eye(len(vh)))
        assert is_near(routines.pinv(a), np.linalg.pinv(a), 1e-5)
        same += is_near(u[:, :shorter], expected[0][:, :shorter], 1e-6)
    # Where the number of steps depends on the last bit, a sign does.
    assert same >= CASES - 4


@pytest.mark.parametrize("dtype", KINDS)
def test_eigenvectors_have_the_order_and_the_signs_of_lapack(routines: Routines, dtype: type) -> None:
    same = 0
    for generator, size, _ in shapes(2):
        a = matrix(generator, size, size, dtype)
        hermitian, triangle = a + a.conj().T, str(generator.choice(["L", "U"]))
        w, v = routines.eigh(hermitian, triangle)
        expected = np.linalg.eigh(hermitian, "U" if triangle == "U" else "L")
        assert is_near(w, expected[0])
        assert is_near((v * w) @ v.conj().T, hermitian)
        same += is_near(v, expected[1], 1e-6)
        a /= np.abs(a).max()
        w, v = routines.eig(a, wants_vectors=True)
        expected = np.linalg.eig(a)
        assert is_near(w, expected[0], 1e-6)
        assert is_near(a @ v, v * w, 1e-8)
        assert is_near(routines.eig(a, wants_vectors=False)[0], np.linalg.eigvals(a), 1e-6)
        same += is_near(v, expected[1], 1e-5)
    # NumPy's own BLAS has other last bits on other processors: 103 of 120 have been seen to be the same.
    assert same >= 2 * CASES - CASES // 3


def test_eigenvalues_of_sparse_and_triangular_matrices(routines: Routines) -> None:
    for generator, size, kind in shapes(3):
        a = generator.standard_normal((size, size))
        a = (
            np.triu(a)
            if kind % 3 == 0
            else np.tril(a)
            if kind % 3 == 1
            else a * (generator.random((size, size)) < 0.3)
        )
        w, v = routines.eig(a, wants_vectors=True)
        assert is_near(a @ v, v * w, 1e-7) or np.abs(a @ v - v * w).max() < 1e-12
        if kind % 3 == 0:
            np.testing.assert_array_equal(w, np.linalg.eigvals(a))
        w, _ = routines.eig(a.astype(np.complex128), wants_vectors=True)
        if kind % 3 == 0:
            np.testing.assert_array_equal(w, np.linalg.eigvals(a.astype(np.complex128)))


@pytest.mark.parametrize("dtype", KINDS)
def test_systems_and_factors(routines: Routines, dtype: type) -> None:
    for generator, rows, columns in shapes(4):
        a, b = matrix(generator, rows, columns, dtype), matrix(generator, rows, 2, dtype)
        for is_complete in (False, True):
            q, r = routines.qr(a, is_complete=is_complete)
            expected = np.linalg.qr(a, "complete" if is_complete else "reduced")
            assert is_near(q, expected[0]), (q, expected[0])
            assert is_near(r, expected[1])
        a, b = a / np.abs(a).max(), b / np.abs(b).max()
        found, wanted = routines.lstsq(a, b), np.linalg.lstsq(a, b, rcond=None)
        assert is_near(found[0], wanted[0], 1e-6)
        assert found[2] == wanted[2]
        assert rows <= columns or np.allclose(found[1], wanted[1])
        square = a.conj().T @ a + np.eye(columns)
        right = matrix(generator, columns, 3, dtype)
        solved = routines.solve(square, right)
        assert solved is not None
        assert is_near(solved, np.linalg.solve(square, right))
        assert np.allclose(routines.slogdet(square - 0.5), np.linalg.slogdet(square - 0.5))
        factor = routines.cholesky(square)
        assert factor is not None
        assert is_near(factor, np.linalg.cholesky(square))
        assert routines.cholesky(-square) is None
        assert routines.solve(square * 0, right) is None
