"""Convolutions, pools and what goes with them."""

import math
from dataclasses import replace

import numpy as np

from truestep.models.description import Convolution, Operation, Pool, Reduce, Reduction, Window
from truestep.models.limits import NUMBERS_LIMIT
from truestep.models.onnx_file import Node, Tensor
from truestep.models.onnx_graph import Activation, Operator, Walk, attribute

Pair = tuple[int, int]
_AXIS_LIMIT = 2**15
"""Height and width, and padding of either: 32 bits hold any place in an image."""


def _as_image(walk: Walk, node: Node, source: Activation) -> Activation:
    """A sequence of (1, channels, length) is an image of one row."""
    if len(source.shape) == 3:
        return replace(source, shape=(1, source.shape[1], 1, source.shape[2]))
    if len(source.shape) != 4:
        walk.refuse(
            node, f"of inputs with {len(source.shape)} axes", "use images (rows, channels, height, width)"
        )
    return source


def _pair(node: Node, name: str, default: tuple[int, ...], first: int = 1) -> tuple[int, ...]:
    """Sizes of an attribute for both axes; those of sequences get `first` for the axis that they have not."""
    given = attribute(node, name, default)
    half = len(given) // 2
    if name == "pads" and len(given) == 2:
        return (0, given[0], 0, given[1])
    return given if len(given) != 1 or half else (first, given[0])


def _window(walk: Walk, node: Node, image: Activation, size: Pair) -> Window:
    steps, dilations = _pair(node, "strides", (1, 1)), _pair(node, "dilations", (1, 1))
    pads = _pair(node, "pads", (0, 0, 0, 0))
    numbers = (*steps, *dilations, *size)
    if (
        len(numbers) != 6
        or len(pads) != 4
        or min(numbers) < 1
        or min(pads) < 0
        or max(*numbers, *pads) > NUMBERS_LIMIT
    ):
        walk.refuse(
            node, f"with kernels, strides, dilations and pads {[*size, *steps, *dilations, *pads][:16]}"
        )
    area = (image.shape[2], image.shape[3])
    reach = [(size[axis] - 1) * dilations[axis] + 1 for axis in (0, 1)]
    before, after = list(pads[:2]), list(pads[2:])
    mode = attribute(node, "auto_pad", "NOTSET")
    if mode not in {"NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"}:
        walk.refuse(node, f"with auto_pad {mode}")
    if mode == "VALID":
        before, after = [0, 0], [0, 0]
    result: list[int] = []
    for axis in (0, 1):
        if mode.startswith("SAME"):
            count = -(-area[axis] // steps[axis])
            total = max((count - 1) * steps[axis] + reach[axis] - area[axis], 0)
            before[axis] = total // 2 if mode == "SAME_UPPER" else -(-total // 2)
            after[axis] = total - before[axis]
        result.append(
            _places(
                walk,
                node,
                area[axis] + before[axis] + after[axis] - reach[axis],
                steps[axis],
                before[axis],
                area[axis],
            )
        )
    return Window(
        channels=image.shape[1],
        image=area,
        size=size,
        steps=(steps[0], steps[1]),
        dilations=(dilations[0], dilations[1]),
        pads=(before[0], before[1]),
        result=(result[0], result[1]),
    )


def _places(walk: Walk, node: Node, room: int, step: int, before: int, size: int) -> int:
    """Where a window stands, along one axis."""
    if room < 0:
        walk.refuse(node, "whose window is larger than the image")
    if not attribute(node, "ceil_mode", 0):
        return room // step + 1
    count = -(-room // step) + 1
    # The last window must begin in the image or in the padding before it.
    return count - 1 if (count - 1) * step >= size + before else count


def _convolution(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    image, weights = _as_image(walk, node, source), walk.constant(node, 1)
    weights = weights[:, :, None, :] if weights.ndim == 3 else weights
    groups = attribute(node, "group", 1)
    if (
        weights.ndim != 4
        or groups < 1
        or len(weights) % groups
        or weights.shape[1] * groups != image.shape[1]
        or not weights.size
    ):
        walk.refuse(
            node, f"of {image.shape[1]} channels in {groups} groups with weights {list(weights.shape)}"
        )
    window = _window(walk, node, image, (weights.shape[2], weights.shape[3]))
    if (
        math.prod(window.result) * len(weights) > NUMBERS_LIMIT
        or max(*window.image, *window.pads) > _AXIS_LIMIT
    ):
        walk.refuse(node, "of so large an image", "use a smaller one")
    biases = (
        walk.constant(node, 2)
        if walk.optional(node, 2) is not None
        else np.zeros(len(weights), weights.dtype)
    )
    step = Convolution(
        source=image.value,
        window=window,
        weights=weights,
        biases=biases.reshape(len(weights)),
        groups=groups,
    )
    _write_image(walk, node, step, source, len(weights), window)


def _write_image(
    walk: Walk, node: Node, step: Convolution | Pool, source: Activation, channels: int, window: Window
) -> None:
    sizes = window.result if len(source.shape) == 4 else window.result[1:]
    walk.computed(node, step, source, (1, channels, *sizes))


def _pool(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    image = _as_image(walk, node, source)
    size = _pair(node, "kernel_shape", ())
    if len(size) != 2:
        walk.refuse(node, f"with the kernel_shape {list(size)[:8]}")
    is_mean = node.operator == "AveragePool"
    counts_padding = bool(attribute(node, "count_include_pad", 0))
    if is_mean and counts_padding and attribute(node, "ceil_mode", 0):
        walk.refuse(node, "with both ceil_mode and count_include_pad", "use one of them")
    if any(name and name in walk.uses for name in node.outputs[1:]) or attribute(node, "storage_order", 0):
        walk.refuse(node, "with indices", "use its first output alone")
    window = _window(walk, node, image, (size[0], size[1]))
    step = Pool(source=image.value, window=window, is_mean=is_mean, counts_padding=counts_padding)
    _write_image(walk, node, step, source, image.shape[1], window)


def _global_pool(walk: Walk, node: Node) -> None:
    source = walk.activation(node)
    if len(source.shape) < 3:
        walk.refuse(node, f"of {len(source.shape)} axes")
    kind = Reduction.MEAN if node.operator == "GlobalAveragePool" else Reduction.MAXIMUM
    step = Reduce(kind=kind, source=source.value, length=math.prod(source.shape[2:]))
    walk.computed(node, step, source, (*source.shape[:2], *(1 for _ in source.shape[2:])))


def _batch_normalization(walk: Walk, node: Node) -> None:
    """As ONNX Runtime does it: into the convolution before it if there is one, else a factor and a sum."""
    source = walk.activation(node)
    scale, shift, mean, variance = (walk.constant(node, place).astype(np.float64) for place in range(1, 5))
    channels = (source.shape[1],) if len(source.shape) > 1 else ()
    if any(each.shape != channels for each in (scale, shift, mean, variance)) or attribute(
        node, "training_mode", 0
    ):
        walk.refuse(
            node, "for training, or of other shapes than the channels", "export the model for inference"
        )
    factor = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    before = walk.draft.steps[source.value - 1] if source.value else None
    is_alone = walk.uses[node.inputs[0]] == 1 and source.value == len(walk.draft.steps)
    if isinstance(before, Convolution) and is_alone:
        dtype = walk.element(source.value).dtype
        walk.draft.steps[-1] = replace(
            before,
            weights=(before.weights * factor[:, None, None, None]).astype(dtype),
            biases=((before.biases - mean) * factor + shift).astype(dtype),
        )
        walk.write(node, source)
        return
    shape = (1, -1, *(1 for _ in source.shape[2:]))
    scaled = walk.combine(Operation.MULTIPLY, source, _shaped(factor, shape))
    walk.write(node, walk.combine(Operation.ADD, scaled, _shaped(shift - mean * factor, shape)))


def _shaped(numbers: Tensor, shape: tuple[int, ...]) -> Tensor:
    return numbers.reshape(shape)


IMAGES: dict[str, Operator] = {
    "Conv": _convolution,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalAveragePool": _global_pool,
    "GlobalMaxPool": _global_pool,
    "BatchNormalization": _batch_normalization,
}
