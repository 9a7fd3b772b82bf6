"""Operators that make one number, or shares, out of groups of numbers."""

import math

import numpy as np

from truestep.models.description import ArgMax, Element, Reduce, Reduction, Softmax
from truestep.models.onnx_file import Node
from truestep.models.onnx_graph import Activation, Operator, Walk, attribute, axis_of

_OPSET_OF_ONE_AXIS = 13
"""From here on, softmax is of one axis; before, of all axes from one on together."""

_REDUCTIONS = {
    "ReduceSum": Reduction.SUM,
    "ReduceMean": Reduction.MEAN,
    "ReduceMax": Reduction.MAXIMUM,
    "ReduceMin": Reduction.MINIMUM,
    "ReduceL1": Reduction.L1,
    "ReduceL2": Reduction.L2,
    "ReduceProd": Reduction.PRODUCT,
}


def _last(walk: Walk, source: Activation, axes: tuple[int, ...]) -> Activation:
    """The same numbers with these axes behind all others."""
    order = [axis for axis in range(len(source.shape)) if axis not in axes] + list(axes)
    return walk.rearranged(source, np.transpose(walk.places(source), order))


def _softmax(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    rank = len(source.shape)
    is_of_one = walk.graph.opset >= _OPSET_OF_ONE_AXIS
    axis = axis_of(node, attribute(node, "axis", -1 if is_of_one else 1), rank)
    axes = (axis,) if is_of_one else tuple(range(axis, rank))
    _require_no_rows(walk, node, axes)
    moved = _last(walk, source, axes)
    length = math.prod(source.shape[axis] for axis in axes)
    step = Softmax(source=moved.value, length=length, is_log=node.operator == "LogSoftmax")
    result = Activation(value=walk.add(step, moved.length, moved.value), shape=moved.shape)
    back = np.argsort([axis for axis in range(rank) if axis not in axes] + list(axes))
    walk.write(node, walk.rearranged(result, np.transpose(walk.places(result), back)))


def _require_no_rows(walk: Walk, node: Node, axes: tuple[int, ...]) -> None:
    if 0 in axes:
        walk.refuse(node, "over rows", "give it an axis behind the first")


def _argmax(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    axis = axis_of(node, attribute(node, "axis", 0), len(source.shape))
    _require_no_rows(walk, node, (axis,))
    moved = _last(walk, source, (axis,))
    if node.operator == "ArgMin":
        walk.refuse(node, "", "use ArgMax of the negated numbers")
    step = ArgMax(
        source=moved.value, length=source.shape[axis], is_last=bool(attribute(node, "select_last_index", 0))
    )
    found = walk.add(step, moved.length // source.shape[axis], moved.value)
    result = walk.cast(Activation(value=found, shape=moved.shape[:-1]), Element.DOUBLE)
    shape = _kept_shape(source, (axis,), keeps=bool(attribute(node, "keepdims", 1)))
    walk.write(node, Activation(value=result.value, shape=shape, is_integer=True))


def _kept_shape(source: Activation, axes: tuple[int, ...], *, keeps: bool) -> tuple[int, ...]:
    if keeps:
        return tuple(1 if axis in axes else size for axis, size in enumerate(source.shape))
    return tuple(size for axis, size in enumerate(source.shape) if axis not in axes)


def _reduce(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    given = walk.numbers(node, 1)
    given = given if given is not None else attribute(node, "axes", ())
    if not given and attribute(node, "noop_with_empty_axes", 0):
        walk.write(node, source)
        return
    axes = tuple(
        sorted({axis_of(node, axis, len(source.shape)) for axis in given or range(len(source.shape))})
    )
    _require_no_rows(walk, node, axes)
    moved = _last(walk, source, axes)
    length = math.prod(source.shape[axis] for axis in axes)
    if not length:
        walk.refuse(node, "of no numbers")
    step = Reduce(kind=_REDUCTIONS[node.operator], source=moved.value, length=length)
    value = walk.add(step, moved.length // length, moved.value)
    shape = _kept_shape(source, axes, keeps=bool(attribute(node, "keepdims", 1)))
    walk.write(node, Activation(value=value, shape=shape))


GROUPS: dict[str, Operator] = {
    "Softmax": _softmax,
    "LogSoftmax": _softmax,
    "ArgMax": _argmax,
    **dict.fromkeys(_REDUCTIONS, _reduce),
}
