"""Operators that move numbers about. What they do to constants, they do to the places of a row's numbers."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from truestep.models.limits import NUMBERS_LIMIT
from truestep.models.onnx_file import DTYPES, DataType, Node, Tensor
from truestep.models.onnx_graph import Activation, Known, Operator, Walk, attribute, axis_of


def _moved(walk: Walk, node: Node, source: Known, move: Callable[[Tensor], Tensor]) -> None:
    if isinstance(source, Activation):
        walk.write(node, walk.rearranged(source, np.asarray(move(walk.places(source)))))
    else:
        walk.write(node, np.asarray(move(source)))


def _reshape(walk: Walk, node: Node) -> None:
    source, wanted = walk.input(node, 0), walk.numbers(node, 1)
    if wanted is None:
        wanted = attribute(node, "shape", ())
    keeps_zero = bool(attribute(node, "allowzero", 0))
    shape = tuple(
        source.shape[axis] if size == 0 and not keeps_zero else size for axis, size in enumerate(wanted)
    )
    if isinstance(source, Activation):
        walk.require_rows(node, is_kept=bool(wanted) and (wanted[0] != 1 or -1 not in wanted))
    _moved(walk, node, source, lambda numbers: numbers.reshape(shape))


def _flatten(walk: Walk, node: Node) -> None:
    source = walk.input(node, 0)
    axis = attribute(node, "axis", 1)
    if isinstance(source, Activation):
        walk.require_rows(node, is_kept=axis % len(source.shape) != 0 or axis == len(source.shape))
    axis = axis if axis == len(source.shape) else axis_of(node, axis, len(source.shape))
    shape = (math.prod(source.shape[:axis]), math.prod(source.shape[axis:]))
    _moved(walk, node, source, lambda numbers: numbers.reshape(shape))


def _axes(walk: Walk, node: Node) -> tuple[int, ...] | None:
    axes = walk.numbers(node, 1)
    return axes if axes is not None else attribute(node, "axes", None)


def _squeeze(walk: Walk, node: Node) -> None:
    source, axes = walk.input(node, 0), _axes(walk, node)
    if axes is None and isinstance(source, Activation):
        walk.refuse(node, "without axes, which takes away the axis of rows", "give it axes")
    _moved(walk, node, source, lambda numbers: np.squeeze(numbers, axes))


def _unsqueeze(walk: Walk, node: Node) -> None:
    source, axes = walk.input(node, 0), _axes(walk, node) or ()
    if isinstance(source, Activation):
        rank = len(source.shape) + len(axes)
        walk.require_rows(node, is_kept=all(axis % rank for axis in axes))
    _moved(walk, node, source, lambda numbers: np.expand_dims(numbers, axes))


def _transpose(walk: Walk, node: Node) -> None:
    source = walk.input(node, 0)
    order = attribute(node, "perm", tuple(reversed(range(len(source.shape)))))
    if isinstance(source, Activation) and (not order or order[0] != 0):
        walk.refuse(node, "that moves the axis of rows", "keep the first axis where it is")
    _moved(walk, node, source, lambda numbers: np.transpose(numbers, order))


def _concat(walk: Walk, node: Node) -> None:
    sources = [walk.input(node, place) for place in range(len(node.inputs))]
    axis = axis_of(node, attribute(node, "axis", 0), len(sources[0].shape))
    activations = [each for each in sources if isinstance(each, Activation)]
    if not activations:
        walk.write(
            node,
            np.concatenate([np.asarray(each) for each in sources if not isinstance(each, Activation)], axis),
        )
        return
    if len(activations) != len(sources):
        walk.refuse(node, "of constants and numbers of the row")
    if axis == 0:
        walk.refuse(node, "in the axis of rows", "keep the first axis for rows")
    kind = walk.element(activations[0].value)
    activations = [walk.cast(each, kind) for each in activations]
    joined = walk.join(activations)
    if math.prod(sources[0].shape[:axis]) == 1:
        shape = (*(1,) * axis, sum(each.shape[axis] for each in activations), *sources[0].shape[axis + 1 :])
        if math.prod(shape) != joined.length:
            walk.refuse(node, "of different shapes")
        walk.write(node, replace(joined, shape=shape))
        return
    at = 0
    places: list[Tensor] = []
    for each in activations:
        places.append(walk.places(each) + at)
        at += each.length
    walk.write(node, walk.rearranged(joined, np.concatenate(places, axis)))


def _slice(walk: Walk, node: Node) -> None:
    source = walk.input(node, 0)
    starts, ends = walk.numbers(node, 1), walk.numbers(node, 2)
    if starts is None or ends is None:
        starts, ends = attribute(node, "starts", ()), attribute(node, "ends", ())
        axes, steps = attribute(node, "axes", tuple(range(len(starts)))), (1,) * len(starts)
    else:
        axes = walk.numbers(node, 3) or tuple(range(len(starts)))
        steps = walk.numbers(node, 4) or (1,) * len(starts)
    ways = [slice(None)] * len(source.shape)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at, size = axis_of(node, axis, len(source.shape)), source.shape[axis]
        # With a step back, an end before the first number means that the first is taken.
        last = None if step < 0 and end < -size else end
        ways[at] = slice(start, last, step)
        if at == 0 and isinstance(source, Activation):
            walk.refuse(node, "of rows", "keep all rows")
    _moved(walk, node, source, lambda numbers: numbers[tuple(ways)])


def _gather(walk: Walk, node: Node) -> None:
    source = walk.input(node, 0)
    indices = walk.constant(node, 1).astype(np.int64)
    axis = axis_of(node, attribute(node, "axis", 0), len(source.shape))
    if axis == 0 and isinstance(source, Activation):
        walk.refuse(node, "of rows", "keep all rows")
    if math.prod(source.shape) // max(source.shape[axis], 1) * indices.size > NUMBERS_LIMIT:
        walk.refuse(node, "of so many numbers", "use a smaller model")
    _moved(walk, node, source, lambda numbers: np.take(numbers, indices, axis))


def _split(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    axis = axis_of(node, attribute(node, "axis", 0), len(source.shape))
    parts = walk.numbers(node, 1) or attribute(node, "split", None)
    size, count = source.shape[axis], len(node.outputs)
    if parts is None:
        part = -(-size // count)
        parts = tuple(min(part, size - part * place) for place in range(count))
    if axis == 0 or sum(parts) != size or min(parts) < 0 or len(parts) != count:
        walk.refuse(node, f"of {size} numbers into {list(parts)[:8]}", "split another axis than that of rows")
    borders = np.cumsum(parts)[:-1]
    for place, part in enumerate(np.split(walk.places(source), borders, axis)):
        walk.write(node, walk.rearranged(source, part), place)


def _pad(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    if attribute(node, "mode", "constant") != "constant":
        walk.refuse(node, "with another mode than constant")
    widths = walk.numbers(node, 1) or attribute(node, "pads", ())
    filler = walk.optional(node, 2)
    value = attribute(node, "value", 0.0) if filler is None else walk.constant(node, 2).item()
    axes = walk.numbers(node, 3) or tuple(range(len(widths) // 2))
    before = [0] * len(source.shape)
    after = [0] * len(source.shape)
    for axis, low, high in zip(axes, widths[: len(axes)], widths[len(axes) :], strict=True):
        at = axis_of(node, axis, len(source.shape))
        before[at], after[at] = low, high
    if min(before + after) < 0 or max(before + after) > NUMBERS_LIMIT:
        walk.refuse(node, f"by {list(widths)[:16]}", "pad by a few numbers")
    sizes = [low + size + high for low, size, high in zip(before, source.shape, after, strict=True)]
    if math.prod(sizes) > NUMBERS_LIMIT:
        walk.refuse(node, f"to {sizes}", "use a smaller model")
    ways = list(zip(before, after, strict=True))
    walk.write(
        node, walk.rearranged(source, np.pad(walk.places(source), ways, constant_values=-1), float(value))
    )


def _expand(walk: Walk, node: Node) -> None:
    source, shape = walk.input(node, 0), walk.numbers(node, 1) or ()
    result = np.broadcast_shapes(source.shape, shape)
    if math.prod(result) > NUMBERS_LIMIT:
        walk.refuse(node, f"to {list(result)}", "use a smaller model")
    if isinstance(source, Activation):
        walk.require_rows(node, is_kept=len(result) == len(source.shape))
    _moved(walk, node, source, lambda numbers: np.broadcast_to(numbers, result))


def _shape(walk: Walk, node: Node) -> None:
    source = walk.input(node, 0)
    # A size of 0 stands for that of the input's first axis where a shape is used (Reshape).
    has_rows = isinstance(source, Activation) and walk.has_free_rows
    shape = (0, *source.shape[1:]) if has_rows else source.shape
    start, end = attribute(node, "start", 0), attribute(node, "end", len(shape))
    walk.write(node, np.array(shape[start:end], np.int64))


def _constant(walk: Walk, node: Node) -> None:
    for name, dtype in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", np.int64),
        ("value_ints", np.int64),
    ):
        if name in node.attributes:
            found: Any = node.attributes[name]
            walk.write(node, np.array(found, dtype))
            return
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        walk.refuse(node, "without numbers")
    walk.write(node, value)


def _constant_of_shape(walk: Walk, node: Node) -> None:
    shape = walk.numbers(node, 0) or ()
    value = attribute(node, "value", None)
    if math.prod(shape) > NUMBERS_LIMIT or any(not 0 <= size <= NUMBERS_LIMIT for size in shape):
        walk.refuse(node, f"of the shape {list(shape)[:8]}", "use a smaller model")
    filler = np.zeros(1, np.float32) if value is None else value.ravel()[:1]
    walk.write(node, np.full(shape, filler[0], filler.dtype))


def _range(walk: Walk, node: Node) -> None:
    """`Range` of constants, as exports of shapes have it."""
    start, limit, delta = (walk.constant(node, place).item() for place in range(3))
    if delta == 0 or abs((limit - start) / delta) > NUMBERS_LIMIT:
        walk.refuse(node, f"from {start} to {limit} by {delta}")
    walk.write(node, np.arange(start, limit, delta, dtype=DTYPES[DataType.INT64]))


SHAPES: dict[str, Operator] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Concat": _concat,
    "Slice": _slice,
    "Gather": _gather,
    "Split": _split,
    "Pad": _pad,
    "Expand": _expand,
    "Shape": _shape,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
}
