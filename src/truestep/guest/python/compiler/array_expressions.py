"""Which operations of arrays Numba may join to one loop, without an array for each result in between.

In such a loop it computes with single numbers, for which it has other types than NumPy for arrays: two uint8
become a uint64, and a float32 beside a float of Python a float64. What would not be the same is left apart.
"""

# pyright: basic, reportAttributeAccessIssue=false
# Numba's rewriting has no types.

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.np import npyimpl
from numba.np.ufunc import array_exprs

from truestep.guest.python.compiler.python_numbers import python_kind

_REWRITE: Any = array_exprs.RewriteArrayExprs
_OPERAND: Any = npyimpl._ArrayHelper
_WORD, _BYTE = ir.IntType(64), ir.IntType(8)

_KEPT = {types.float64, types.int64, types.complex128, types.float32, types.boolean}
"""Types of which single numbers are computed as arrays are."""

_OF_BOOLS: set[Any] = {
    *(operator.and_, operator.or_, operator.xor, operator.invert),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
    *(np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.equal, np.not_equal),
}
"""Operations of truth values that have the same result for single ones."""

_WITH_PYTHONS: set[Any] = {
    *(operator.add, operator.sub, operator.mul, operator.truediv),
    *(operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge),
}
"""Operations of float64 and numbers of Python that are joined. A power of single numbers is libm's."""


def install_array_expressions() -> None:
    """Let Numba join only what is the same joined."""
    match = _REWRITE._match_array_expr

    def match_if_same(rewrite: Any, instruction: Any, expression: Any, target: str) -> None:
        if _is_with_pythons(rewrite, expression):
            rewrite.array_assigns[target] = instruction
            return
        match(rewrite, instruction, expression, target)
        if rewrite.array_assigns.get(target) is not instruction:
            return
        operation = rewrite._get_array_operator(expression)
        kinds = [rewrite.typemap[operand.name] for operand in rewrite._get_operands(expression)]
        if not _is_same_joined(operation, kinds, rewrite.typemap[target]):
            del rewrite.array_assigns[target]

    _REWRITE._match_array_expr = match_if_same
    load_data = _OPERAND.load_data
    _OPERAND.create_iter_indices = _places
    _OPERAND.load_data = lambda operand, indices: (
        indices.load() if isinstance(indices, _Places) else load_data(operand, indices)
    )


def _places(operand: Any) -> "_Places":
    return _Places(operand)


class _Places:
    """Where the items of an operand lie: each index times a step that is 0 along an axis of one item.

    Numba chooses the index for each item. Steps are chosen once, before the loop, so that addresses are
    sums that LLVM counts up.
    """

    def __init__(self, operand: Any) -> None:
        builder = operand.builder
        self._operand = operand
        self._indices: list[Any] = []
        self._steps = [
            builder.select(builder.icmp_unsigned(">", size, _WORD(1)), step, _WORD(0))
            for size, step in zip(operand.shape, self._byte_steps(), strict=True)
        ]

    def _byte_steps(self) -> list[Any]:
        """The steps of the axes, in bytes, from the shape if it says them."""
        operand, builder = self._operand, self._operand.builder
        if operand.layout not in "CF" or not operand.ndim:
            return list(operand.strides)
        item_type = operand.context.get_data_type(operand.base_type)
        steps: list[Any] = [_WORD(operand.context.get_abi_sizeof(item_type))]
        sizes = operand.shape[:0:-1] if operand.layout == "C" else operand.shape[:-1]
        for size in sizes:
            steps.append(builder.mul(steps[-1], size))
        return steps[::-1] if operand.layout == "C" else steps

    def update_indices(self, loop_indices: Any, name: Any) -> None:
        """Go to the item at these indices of the result, which may have more axes."""
        del name
        self._indices = loop_indices[len(loop_indices) - len(self._steps) :]

    def as_values(self) -> "_Places":
        """What Numba gives to `load_data`."""
        return self

    def load(self) -> Any:
        """The item at the indices."""
        operand, builder = self._operand, self._operand.builder
        offset: Any = _WORD(0)
        for index, step in zip(self._indices, self._steps, strict=True):
            offset = builder.add(offset, builder.mul(index, step))
        first = builder.bitcast(operand.data, _BYTE.as_pointer())
        place = builder.bitcast(builder.gep(first, [offset]), operand.data.type)
        model = operand.context.data_model_manager[operand.base_type]
        return model.load_from_data_pointer(builder, place)


def _is_with_pythons(rewrite: Any, expression: Any) -> bool:
    """Whether it combines an array of float64 with a number of Python, which Numba's match passes over."""
    if expression.op != "binop" or expression.fn not in _WITH_PYTHONS:
        return False
    kinds = [rewrite.typemap[operand.name] for operand in expression.list_vars()]
    others = [kind for kind in kinds if not python_kind(kind)]
    return len(others) == 1 and isinstance(others[0], types.Array) and others[0].dtype == types.float64


def _is_same_joined(operation: Any, kinds: list[Any], result: Any) -> bool:
    pythons = [kind for kind in kinds if python_kind(kind)]
    items = [_item(kind) for kind in (*kinds, result) if not python_kind(kind)]
    if not all(item in _KEPT for item in items) or (pythons and types.float32 in items):
        return False
    return types.boolean not in items[:-1] or operation in _OF_BOOLS


def _item(kind: Any) -> Any:
    return kind.dtype if isinstance(kind, types.Array) else kind
