"""Products of matrices."""

import math
from dataclasses import replace

import numpy as np

from truestep.models.description import Dense, Operation, Product
from truestep.models.onnx_file import Node, Tensor
from truestep.models.onnx_graph import Activation, Operator, Walk, attribute


def dense(walk: Walk, source: Activation, weights: Tensor, biases: Tensor | None = None) -> Activation:
    """The last axis of `source` times a matrix of (inputs, outputs)."""
    inputs, outputs = weights.shape
    shape = (*source.shape[:-1], outputs)
    step = Dense(
        source=source.value,
        weights=weights,
        biases=biases if biases is not None else np.zeros(int(outputs)),
        rows=math.prod(source.shape) // inputs,
    )
    return replace(source, value=walk.add(step, math.prod(shape), source.value), shape=shape)


def _matmul(walk: Walk, node: Node) -> None:
    left, right = walk.activation(node), walk.input(node, 1)
    if isinstance(right, Activation):
        _product(walk, node, left, right)
        return
    if right.ndim > 2 and math.prod(right.shape[:-2]) == 1 and right.ndim <= len(left.shape):
        right = right.reshape(right.shape[-2:])
    if len(left.shape) < 2 or right.ndim != 2 or left.shape[-1:] != right.shape[:1] or not right.size:
        walk.refuse(node, f"of the shapes {list(left.shape)} and {list(right.shape)}")
    walk.write(node, dense(walk, left, right))


def _product(walk: Walk, node: Node, left: Activation, right: Activation) -> None:
    ranks = (len(left.shape), len(right.shape))
    batches, others = left.shape[:-2], right.shape[:-2]
    if ranks[0] != ranks[1] or ranks[0] < 3 or batches != others or left.shape[-1] != right.shape[-2]:
        walk.refuse(node, f"of the shapes {list(left.shape)} and {list(right.shape)}, both of the row")
    height, depth, width = *left.shape[-2:], right.shape[-1]
    right = walk.cast(right, walk.element(left.value))
    step = Product(
        left=left.value,
        right=right.value,
        batches=math.prod(batches),
        height=height,
        depth=depth,
        width=width,
    )
    walk.computed(node, step, left, (*batches, height, width))


def _gemm(walk: Walk, node: Node) -> None:
    source, weights = walk.activation(node), walk.constant(node, 1)
    if attribute(node, "transA", 0) or len(source.shape) != 2 or weights.ndim != 2:
        walk.refuse(node, "with a transposed first input, or of other shapes than (rows, inputs)")
    weights = weights.T if attribute(node, "transB", 0) else weights
    if weights.shape[0] != source.shape[1] or not weights.size:
        walk.refuse(node, f"of the shapes {list(source.shape)} and {list(weights.shape)}")
    alpha, beta = attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)
    added = walk.optional(node, 2)
    is_plain = alpha == 1 and (added is None or not isinstance(added, Activation))
    if is_plain and (added is None or not isinstance(added, Activation)):
        biases = None if added is None else np.broadcast_to(_scaled(added, beta), (1, weights.shape[1]))[0]
        walk.write(node, dense(walk, source, weights, biases))
        return
    result = dense(walk, source, weights)
    if alpha != 1:
        result = walk.combine(Operation.MULTIPLY, result, np.array([alpha]))
    if added is not None:
        more = (
            added
            if not isinstance(added, Activation) or beta == 1
            else walk.combine(Operation.MULTIPLY, added, np.array([beta]))
        )
        result = walk.combine(
            Operation.ADD, result, more if isinstance(more, Activation) else _scaled(more, beta)
        )
    walk.write(node, result)


def _scaled(numbers: Tensor, factor: float) -> Tensor:
    return numbers if factor == 1 else (numbers * factor).astype(numbers.dtype)


MATRICES: dict[str, Operator] = {"MatMul": _matmul, "Gemm": _gemm}
