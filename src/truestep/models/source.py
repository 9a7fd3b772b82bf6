"""Writes a model as C: calls of the layers in guest/c/models, and one file with all constants."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from truestep.models.description import (
    Apply,
    ArgMax,
    Combine,
    Convert,
    Convolution,
    Dense,
    Element,
    Join,
    Lookup,
    Model,
    Normalize,
    Operand,
    Pool,
    Product,
    Reduce,
    Softmax,
    Step,
    Take,
    Trees,
    Window,
)
from truestep.models.errors import ModelRefused
from truestep.models.forest_tables import forest_tables
from truestep.models.fusing import fused, is_left_out

_ALIGNMENT_BYTES = 64
_PANELS = (8, 4, 2, 1)
"""Outputs that are computed side by side (layers_of_type.h)."""
_ROWS_OF_TREES, _ROWS_OF_LAYERS = 32, 8
"""Rows at a time: trees let four walk side by side, layers use each weight for all before the next."""
_WORKING_BYTES = 2**20
"""What a few rows may take, so that it stays in a cache; if they take more, rows go one by one."""
_MEMORY_LIMIT_BYTES = 2**30
"""Of a guest's 1.5 GiB for variables."""

CONSTANTS_ASSEMBLY = """\
    .section .rodata.model_constants,"a",@progbits
    .balign 64
    .globl model_constants
model_constants:
    .incbin "constants.bin"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The two files of a model."""

    code: str
    constants: bytes


class _Writer:
    """Code and constants so far."""

    def __init__(self, model: Model, rows: int) -> None:
        self.model = model
        self.rows = rows
        self.constants = bytearray()
        self.declarations: list[str] = []
        self.body: list[str] = []

    def constant(self, c_type: str, numbers: npt.NDArray[Any]) -> str:
        """An expression for a pointer to the numbers."""
        self.constants += bytes(-len(self.constants) % _ALIGNMENT_BYTES)
        place = len(self.constants)
        self.constants += np.ascontiguousarray(numbers).tobytes()
        return f"(const {c_type} *)(model_constants + {place})"

    def value(self, number: int) -> str:
        """The value of one row, within a loop over rows."""
        return f"v{number} + row * {self.model.values[number].length}"

    def each_row(self, call: str) -> None:
        """A call for each row."""
        self.body.append(f"for (int64_t row = 0; row < count; row++) {call};")

    def all_rows(self, call: str) -> None:
        """A call for all rows together."""
        self.body.append(f"{call};")


def source_of(model: Model) -> Source:
    """The C source of a model. Raises ModelRefused if a guest would not have the memory."""
    model = fused(model)
    writer = _Writer(model, _rows_at_a_time(model))
    for place, step in enumerate(model.steps):
        if not is_left_out(step):
            _WRITERS[type(step)](writer, step, place + 1)
    return Source(code=_code(writer), constants=bytes(writer.constants) or b"\0")


def _row_bytes(model: Model) -> int:
    padded = sum(_padded_length(step) for step in model.steps if isinstance(step, Convolution))
    return 8 * (sum(value.length for value in model.values) + padded)


def _rows_at_a_time(model: Model) -> int:
    row_bytes = _row_bytes(model)
    rows = _ROWS_OF_TREES if model.trees else _ROWS_OF_LAYERS
    rows = rows if row_bytes * rows <= _WORKING_BYTES else 1
    if row_bytes * rows > _MEMORY_LIMIT_BYTES:
        raise ModelRefused(
            f"expected a model whose layers take at most {_MEMORY_LIMIT_BYTES} bytes for a row,"
            f" got {row_bytes}; use a smaller input or model"
        )
    return rows


def _code(writer: _Writer) -> str:
    model, shown = writer.model, writer.model.prediction
    arrays = [
        f"static {value.element.value} v{number}[{value.length * writer.rows}];"
        for number, value in enumerate(model.values)
        if number == 0 or not is_left_out(model.steps[number - 1])
    ]
    value = model.values[shown.value]
    is_double = value.element is Element.DOUBLE
    size = 8 if shown.is_integer or is_double else 4
    shape = ", ".join(map(str, shown.shape or (0,)))
    kind = "'i'" if shown.is_integer else "'f'"
    lines = [
        '#include "layers.h"',
        '#include "rows.h"',
        '#include "trees.h"',
        "#include <math.h>",
        "#include <string.h>",
        "extern const uint8_t model_constants[];",
        *arrays,
        *([] if is_double else [f"static double shown[{value.length * writer.rows}];"]),
        *writer.declarations,
        f"static const prediction EACH = {{{kind}, {size}, {value.length},"
        f" {len(shown.shape)}, {{{shape}}}}};",
        "static void predict(int64_t count) {",
        *(f"    {line}" for line in writer.body),
        "    (void)count;",
        "}",
        "int main(void) {",
        f"    rows all = open_rows({model.features});",
        "    begin_predictions(&all, &EACH);",
        "    for (int64_t done = 0; done < all.count;) {",
        f"        int64_t count = all.count - done < {writer.rows} ? all.count - done : {writer.rows};",
        "        read_rows(&all, v0, count);",
        "        predict(count);",
        *([] if is_double else [f"        widen(v{shown.value}, count * {value.length}, shown);"]),
        f"        write_predictions(&all, &EACH, {f'v{shown.value}' if is_double else 'shown'}, count);",
        "        done += count;",
        "    }",
        "    return 0;",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    if np.isnan(value):
        return "NAN"
    if np.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return float(value).hex()


def _packed(weights: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """A matrix of (inputs, outputs) as panels of a few outputs each."""
    parts: list[npt.NDArray[np.floating]] = []
    at = 0
    for lanes in _PANELS:
        while weights.shape[1] - at >= lanes:
            parts.append(weights[:, at : at + lanes].ravel())
            at += lanes
    return np.concatenate(parts)


def _convert(writer: _Writer, step: Convert, to: int) -> None:
    function = "narrow" if writer.model.values[to].element is Element.FLOAT else "widen"
    writer.all_rows(f"{function}(v{step.source}, count * {writer.model.values[to].length}, v{to})")


def _dense(writer: _Writer, step: Dense, to: int) -> None:
    element = writer.model.values[to].element
    inputs, outputs = step.weights.shape
    weights = writer.constant(element.value, _packed(step.weights).astype(element.dtype))
    biases = writer.constant(element.value, step.biases.astype(element.dtype))
    writer.all_rows(
        f"dense_{element.value}(v{step.source}, count * {step.rows}, {inputs}, {weights}, {biases}, {inputs},"
        f" {outputs}, v{to}, {outputs}, 1, {int(step.is_rectified)})"
    )


def _padded(step: Convolution) -> tuple[int, int]:
    """The size of the image with its padding: as far as windows reach."""
    window = step.window
    reach = [
        (window.result[axis] - 1) * window.steps[axis] + (window.size[axis] - 1) * window.dilations[axis] + 1
        for axis in (0, 1)
    ]
    height, width = (max(window.image[axis] + window.pads[axis], reach[axis]) for axis in (0, 1))
    return height, width


def _padded_length(step: Convolution) -> int:
    return step.window.channels * math.prod(_padded(step))


def _offsets(step: Convolution, width: int, height: int) -> npt.NDArray[np.int32]:
    """Where what a filter sees lies, from the first place that its window covers."""
    window = step.window
    channels = np.arange(window.channels // step.groups)[:, None, None] * (height * width)
    down = np.arange(window.size[0])[:, None] * (window.dilations[0] * width)
    return (channels + down + np.arange(window.size[1]) * window.dilations[1]).astype(np.int32)


def _window(writer: _Writer, to: int, window: Window, groups: int, filters: int, counts_padding: bool) -> str:
    numbers = (
        window.channels,
        *window.image,
        *window.size,
        *window.steps,
        *window.dilations,
        *window.pads,
        *window.result,
        groups,
        filters,
        int(counts_padding),
    )
    writer.declarations.append(f"static const window w{to} = {{{', '.join(map(str, numbers))}}};")
    return f"&w{to}"


def _convolution(writer: _Writer, step: Convolution, to: int) -> None:
    element = writer.model.values[to].element
    filters = len(step.weights) // step.groups
    by_group = step.weights.reshape(step.groups, filters, -1)
    packed = np.concatenate([_packed(group.T) for group in by_group]).astype(element.dtype)
    weights = writer.constant(element.value, packed)
    biases = writer.constant(element.value, step.biases.astype(element.dtype))
    (height, width), image = _padded(step), step.window.image
    offsets = writer.constant("int32_t", _offsets(step, width, height))
    window = _window(writer, to, replace(step.window, image=(height, width)), step.groups, filters, False)
    source = writer.value(step.source)
    if (height, width) != image:
        writer.declarations.append(f"static {element.value} padded{to}[{_padded_length(step)}];")
        sizes = ", ".join(map(str, (step.window.channels, *image, *step.window.pads, height, width)))
        pad = f"pad_{element.value}({source}, {sizes}, padded{to}), "
        source = f"padded{to}"
    else:
        pad = ""
    writer.each_row(
        f"{pad}convolve_{element.value}({source}, {window}, {offsets}, {weights}, {biases},"
        f" {writer.value(to)}, {int(step.is_rectified)})"
    )


def _pool(writer: _Writer, step: Pool, to: int) -> None:
    element = writer.model.values[to].element
    window = _window(writer, to, step.window, 1, 1, step.counts_padding)
    writer.each_row(
        f"pool_{element.value}({writer.value(step.source)}, {window}, {int(step.is_mean)},"
        f" {writer.value(to)})"
    )


def _apply(writer: _Writer, step: Apply, to: int) -> None:
    value = writer.model.values[to]
    writer.all_rows(
        f"apply_{value.element.value}({int(step.function)}, v{step.source}, count * {value.length},"
        f" {_number(step.alpha)}, {_number(step.beta)}, v{to})"
    )


def _combine(writer: _Writer, step: Combine, to: int) -> None:
    value = writer.model.values[to]

    def operand(each: Operand) -> str:
        if isinstance(each, int):
            length = writer.model.values[each].length
            return f"{writer.value(each)}, {int(length > 1 or value.length == 1)}"
        numbers = each.numbers.astype(value.element.dtype)
        return f"{writer.constant(value.element.value, numbers)}, {int(numbers.size > 1)}"

    writer.each_row(
        f"combine_{value.element.value}({int(step.operation)}, {operand(step.left)}, {operand(step.right)},"
        f" {value.length}, {writer.value(to)})"
    )


def _take(writer: _Writer, step: Take, to: int) -> None:
    value = writer.model.values[to]
    places = writer.constant("int32_t", step.places.astype(np.int32))
    writer.each_row(
        f"take_{value.element.value}({writer.value(step.source)}, {places}, {value.length},"
        f" {_number(step.filler)}, {writer.value(to)})"
    )


def _join(writer: _Writer, step: Join, to: int) -> None:
    at = 0
    for source in step.sources:
        length = writer.model.values[source].length
        writer.each_row(
            f"memcpy({writer.value(to)} + {at}, {writer.value(source)}, {length} * sizeof *v{to})"
        )
        at += length


def _grouped(name: str) -> Callable[[_Writer, Reduce | Normalize, int], None]:
    def write(writer: _Writer, step: Reduce | Normalize, to: int) -> None:
        groups = writer.model.values[step.source].length // step.length
        element = writer.model.values[to].element.value
        writer.all_rows(
            f"{name}_{element}({int(step.kind)}, v{step.source}, count * {groups}, {step.length}, v{to})"
        )

    return write


def _softmax(writer: _Writer, step: Softmax, to: int) -> None:
    value = writer.model.values[to]
    groups = value.length // step.length
    writer.all_rows(
        f"softmax_{value.element.value}(v{step.source}, count * {groups}, {step.length},"
        f" {int(step.is_log)}, v{to})"
    )


def _argmax(writer: _Writer, step: ArgMax, to: int) -> None:
    value = writer.model.values[to]
    writer.all_rows(
        f"argmax_{value.element.value}(v{step.source}, count * {value.length}, {step.length},"
        f" {int(step.is_last)}, v{to})"
    )


def _lookup(writer: _Writer, step: Lookup, to: int) -> None:
    value = writer.model.values[to]
    table = writer.constant(value.element.value, step.table.astype(value.element.dtype))
    last = len(step.table) - 1
    index = f"v{step.source}[i]"
    place = f"{index} > {last} ? {last} : {index} > 0 ? (int64_t){index} : 0"
    writer.all_rows(f"for (int64_t i = 0; i < count * {value.length}; i++) v{to}[i] = ({table})[{place}]")


def _product(writer: _Writer, step: Product, to: int) -> None:
    element = writer.model.values[to].element.value
    writer.each_row(
        f"multiply_{element}({writer.value(step.left)}, {writer.value(step.right)}, {step.batches},"
        f" {step.height}, {step.depth}, {step.width}, {writer.value(to)})"
    )


def _trees(writer: _Writer, step: Trees, to: int) -> None:
    value, features = writer.model.values[to], writer.model.values[step.source].length
    tables = forest_tables(step, value.element.dtype)
    pointers = [
        writer.constant(c_type, numbers)
        for c_type, numbers in (
            ("tree_node", tables.nodes),
            ("tree_column", tables.columns),
            ("tree_set", tables.sets),
            ("uint32_t", tables.set_words),
            ("int32_t", tables.roots),
            ("int32_t", tables.targets),
        )
    ]
    counts = (
        len(step.trees),
        len(tables.columns),
        features,
        value.length,
        tables.values_per_leaf,
        len(tables.sets),
    )
    flushed = float(step.flushed).hex()
    writer.declarations += [
        f"static const forest f{to} = {{{', '.join(pointers)}, {', '.join(map(str, counts))}, {flushed}}};",
        f"static double columns{to}[TREE_COLUMNS({len(tables.columns)})];",
    ]
    start = writer.constant(value.element.value, step.start.astype(value.element.dtype))
    leaves = writer.constant(value.element.value, tables.values)
    writer.each_row(f"memcpy({writer.value(to)}, {start}, {value.length} * sizeof *v{to})")
    writer.all_rows(
        f"add_trees_{value.element.value}(&f{to}, {leaves}, v{step.source}, count, columns{to}, v{to})"
    )


_WRITERS: dict[type[Step], Callable[[_Writer, Any, int], None]] = {
    Convert: _convert,
    Dense: _dense,
    Convolution: _convolution,
    Pool: _pool,
    Apply: _apply,
    Combine: _combine,
    Take: _take,
    Join: _join,
    Reduce: _grouped("reduce"),
    Normalize: _grouped("divide_by"),
    Softmax: _softmax,
    ArgMax: _argmax,
    Lookup: _lookup,
    Product: _product,
    Trees: _trees,
}
