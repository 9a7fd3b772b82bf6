"""Generator.choice, shuffle, permutation and permuted."""

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.choosing import uniform_indices
from truestep.guest.python.compiler.randomness.drawing import is_integer
from truestep.guest.python.compiler.randomness.overloading import implement_method
from truestep.guest.python.compiler.randomness.owners import Generator, bits_of
from truestep.guest.python.compiler.randomness.selecting import (
    can_be_shuffled,
    choice_of,
    permuted_number,
    shuffle_items,
)
from truestep.guest.python.compiler.sums import is_none

_chosen = choice_of(
    uniform_indices,
    {"bits_of": bits_of},
    "def draw(self, a, size=None, replace=True, p=None, axis=0, shuffle=True):\n",
    "bits_of(self)",
)


def install_selections() -> None:
    """Register the methods."""
    implement_method(Generator, "choice", _choice)
    implement_method(Generator, "shuffle", _shuffle)
    implement_method(Generator, "permutation", _permutation)
    implement_method(Generator, "permuted", _permuted)


def _choice(
    self: Any,
    a: Any,
    size: Any = None,
    replace: Any = True,
    p: Any = None,
    axis: Any = 0,
    shuffle: Any = True,
) -> Any:
    del self, shuffle
    return _chosen(a, size, replace, p, axis)


def _shuffle(self: Any, x: Any, axis: Any = 0) -> Any:
    del self
    if not can_be_shuffled(x) or not is_integer(axis):
        return None

    def of_rows(self: Any, x: Any, axis: Any = 0) -> Any:
        shuffle_items(bits_of(self), np.moveaxis(x, axis, 0))

    def of_items(self: Any, x: Any, axis: Any = 0) -> Any:
        shuffle_items(bits_of(self), x)

    return of_rows if isinstance(x, types.Array) and x.ndim > 1 else of_items


def _permutation(self: Any, x: Any, axis: Any = 0) -> Any:
    del self, axis

    def of_rows(self: Any, x: Any, axis: Any = 0) -> Any:
        out = x.copy()
        shuffle_items(bits_of(self), np.moveaxis(out, axis, 0))
        return out

    def of_items(self: Any, x: Any, axis: Any = 0) -> Any:
        return permuted_number(bits_of(self), x)

    return of_rows if isinstance(x, types.Array) and x.ndim > 1 else of_items


@register_jitable
def _permute_rows(bits: Any, rows: Any) -> None:
    """Shuffle each row of the last axis, in C order of the others."""
    for index in np.ndindex(rows.shape[:-1]):
        shuffle_items(bits, rows[index])


def _permuted(self: Any, x: Any, axis: Any = None, out: Any = None) -> Any:
    del self
    if not isinstance(x, types.Array) or x.ndim == 0 or not is_none(out):
        return None

    if is_none(axis) and x.ndim > 1 and x.layout == "A":
        raise errors.TypingError("a guest permutes contiguous arrays: use np.ascontiguousarray(x)")

    def in_fortran_order(self: Any, x: Any, axis: Any = None, out: Any = None) -> Any:
        items = x.T.copy().reshape(x.size)
        shuffle_items(bits_of(self), items)
        return items.reshape(x.T.shape).T

    def of_everything(self: Any, x: Any, axis: Any = None, out: Any = None) -> Any:
        items = x.copy().reshape(x.size)
        shuffle_items(bits_of(self), items)
        return items.reshape(x.shape)

    def of_row(self: Any, x: Any, axis: Any = None, out: Any = None) -> Any:
        items = x.copy()
        shuffle_items(bits_of(self), items)
        return items

    def of_rows(self: Any, x: Any, axis: Any = None, out: Any = None) -> Any:
        items = x.copy()
        _permute_rows(bits_of(self), np.moveaxis(items, axis, -1))
        return items

    if is_none(axis):
        return in_fortran_order if x.layout == "F" and x.ndim > 1 else of_everything
    return of_row if x.ndim == 1 else of_rows
