"""Which operations of arrays Numba may join to one loop, without an array for each result in between.

In such a loop it computes with single numbers, for which it has other types than NumPy for arrays: two uint8
become a uint64, and a float32 beside a float of Python a float64. What would not be the same is left apart.
"""

# pyright: basic, reportAttributeAccessIssue=false
# Numba's rewriting has no types.

import operator
from typing import Any

import numpy as np
from numba.core import types
from numba.np.ufunc import array_exprs

from truestep.guest.python.compiler.python_numbers import python_kind

_REWRITE: Any = array_exprs.RewriteArrayExprs

_KEPT = {types.float64, types.int64, types.complex128, types.float32, types.boolean}
"""Types of which single numbers are computed as arrays are."""

_OF_BOOLS: set[Any] = {
    *(operator.and_, operator.or_, operator.xor, operator.invert),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.equal, np.not_equal),
}
"""Operations of truth values that have the same result for single ones."""


def install_array_expressions() -> None:
    """Let Numba join only what is the same joined."""
    match = _REWRITE._match_array_expr

    def match_if_same(rewrite: Any, instruction: Any, expression: Any, target: str) -> None:
        match(rewrite, instruction, expression, target)
        if rewrite.array_assigns.get(target) is not instruction:
            return
        operation = rewrite._get_array_operator(expression)
        kinds = [rewrite.typemap[operand.name] for operand in rewrite._get_operands(expression)]
        if not _is_same_joined(operation, kinds, rewrite.typemap[target]):
            del rewrite.array_assigns[target]

    _REWRITE._match_array_expr = match_if_same


def _is_same_joined(operation: Any, kinds: list[Any], result: Any) -> bool:
    pythons = [kind for kind in kinds if python_kind(kind)]
    items = [_item(kind) for kind in (*kinds, result) if not python_kind(kind)]
    if not all(item in _KEPT for item in items) or (pythons and types.float32 in items):
        return False
    return types.boolean not in items[:-1] or operation in _OF_BOOLS


def _item(kind: Any) -> Any:
    return kind.dtype if isinstance(kind, types.Array) else kind
