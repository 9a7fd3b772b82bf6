"""Sums, means and medians of guests against NumPy: the same bits for every shape and every view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import Comparison, compare, compile_guest

SHAPES = (
    (3, 4, 5),
    (20, 30, 60),
    (2, 3, 9000),
    (300, 2, 20),
    (9000, 2, 2),
    (2, 9000, 2),
    (1, 1, 700),
    (5, 91, 91),
)
FUNCTIONS = """
def sums(x):
    return (
        x.sum(), x.T.sum(), x.transpose(2, 0, 1).sum(), x[::-1].sum(), x[:, ::-1, ::-2].sum(),
        x.transpose(1, 2, 0)[::2].sum(), x[0, 0, ::-1].sum(), x[:, 0].mean(), x.std(), x.T.var(),
        np.nansum(x), np.nansum(x.T), np.nanmean(x.transpose(1, 0, 2)), np.median(x), np.nanmedian(x),
    )

def of_axes(x):
    return np.concatenate((
        x.mean(0).ravel(), x.mean(2).ravel(), x.var(1).ravel(), np.nansum(x, 2).ravel(),
        np.nanmean(x, 0).ravel(),
    ))

"""
MAIN = """
def main(x):
    x = x.copy()
    first = np.array(sums(x))
    along = of_axes(x)
    x[0, 0, 3:5] = np.nan
    return np.concatenate((first, np.array(sums(x)), along, of_axes(x)))
"""


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compile_guest(tmp_path_factory.mktemp("sums"), FUNCTIONS, MAIN.strip() + "\n", "float32[:,:,:]")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_add_in_numpys_order(guest: Comparison, shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(list(shape))
    found, expected = compare(guest, generator.random(shape, dtype=np.float32) * 100)
    np.testing.assert_array_equal(found, expected)


def test_means_divide_by_the_exact_count_and_ties_keep_their_order(tmp_path: Path) -> None:
    main = (
        "def main(x):\n"
        "    many = np.zeros(2**24 + 1, dtype=np.float32)\n"
        "    many[0] = np.float32(2**24 - 1)\n"
        "    order = np.argsort(x, kind='mergesort')\n"
        "    integers = np.array([np.median(order[:4]), np.median(order.astype(np.int32))])\n"
        "    by_default = np.argsort(np.arange(400) * 7 % 5)\n"
        "    return np.concatenate((np.array([many.mean()]), order, integers, many[:1], by_default))\n"
    )
    guest = compile_guest(tmp_path, "", main, "float64[:]")
    found, expected = compare(guest, np.array([3.0, 1, 3, np.nan, 1, 2, 2, 1, -0.0, 0.0] * 5))
    # NumPy's default order of equal numbers depends on the processor; a guest's is the stable one.
    expected[-400:] = np.argsort(np.arange(400) * 7 % 5, kind="stable")
    np.testing.assert_array_equal(found, expected)
