"""A quantised model as a program for the machine: it computes what its circuit proves (C9)."""

import tempfile
from collections.abc import Iterable
from math import prod
from pathlib import Path

import numpy as np

from truestep.circuits.model import Convolution, Dense, Layer, Model, Output
from truestep.circuits.rows import slot_bytes
from truestep.guest.build import BuiltGuest, build_c

_ASSEMBLY = """\
    .section .rodata.model_weights,"a",@progbits
    .globl model_weights
model_weights:
    .incbin "weights.bin"
"""

_FUNCTIONS = """\
#include <stdint.h>
#include <truestep.h>

extern const int8_t model_weights[];

static uint8_t requantised(int32_t sum, int64_t multiplier, int shift) {
    int64_t scaled = (sum * multiplier + ((int64_t)1 << (shift - 1))) >> shift;
    return (uint8_t)(scaled < 0 ? 0 : scaled > 255 ? 255 : scaled);
}

static int32_t product(const int8_t *weights, const uint8_t *values, int count) {
    int32_t sum = 0;
    for (int i = 0; i < count; i++) sum += weights[i] * values[i];
    return sum;
}

static void put_word(uint32_t word) {
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(word >> (24 - 8 * i));
    write_output(bytes, 4);
}
"""
"""A sum has 31 bits whatever the input (C1.4), and so has each part of it: none overflows."""


def build_guest(model: Model, output: Path) -> BuiltGuest:
    """Compile the model into `output`. The same model gives the same bytes on every computer.

    Raises GuestBuildError, and ToolchainMissing if there is no compiler.
    """
    weights = b"".join(layer.weights.astype(np.int8).tobytes() for layer in model.layers)
    with tempfile.TemporaryDirectory(prefix="truestep-quantised-") as name:
        folder = Path(name)
        sources = folder / "model.c", folder / "weights.s"
        sources[0].write_text(guest_source(model), encoding="utf-8")
        sources[1].write_text(_ASSEMBLY, encoding="utf-8")
        (folder / "weights.bin").write_bytes(weights)
        return build_c(sources, output, optimisation="3", include_paths=[folder])


def guest_source(model: Model) -> str:
    """The program in C, but for the weights."""
    shapes, lines = model.shapes(), [_FUNCTIONS]
    calls, start = list[str](), 0
    for number, layer in enumerate(model.layers, 1):
        lines += _constants(number, layer)
        kind = "int32_t" if layer.requantisation is None else "uint8_t"
        lines.append(f"static {kind} values{number}[{prod(shapes[number])}];\n")
        lines += _layer_lines(number, layer, start, shapes[number - 1], shapes[number])
        calls.append(f"    layer{number}({'input' if number == 1 else f'values{number - 1}'});")
        start += layer.weights.size
    lines += _main_lines(model, calls, f"values{len(model.layers)}", prod(shapes[-1]))
    return "\n".join(lines) + "\n"


def _constants(number: int, layer: Layer) -> Iterable[str]:
    yield f"static const int32_t biases{number}[] = {_list(layer.biases.tolist())};"
    if layer.requantisation is not None:
        factors = _list(layer.requantisation.multipliers)
        yield f"static const uint16_t multipliers{number}[] = {factors};"


def _list(numbers: Iterable[int]) -> str:
    return "{" + ", ".join(map(str, numbers)) + "}"


def _kept(number: int, layer: Layer, channel: str) -> str:
    """What becomes of a sum (C3)."""
    rule = layer.requantisation
    return "sum" if rule is None else f"requantised(sum, multipliers{number}[{channel}], {rule.shift})"


def _layer_lines(
    number: int, layer: Layer, start: int, before: tuple[int, ...], after: tuple[int, ...]
) -> Iterable[str]:
    if isinstance(layer, Dense):
        return _dense_lines(number, layer, start, before, after)
    return _convolution_lines(number, layer, start, before, after)


def _dense_lines(
    number: int, layer: Dense, start: int, before: tuple[int, ...], after: tuple[int, ...]
) -> Iterable[str]:
    """C2.1"""
    width = prod(before)
    yield f"static void layer{number}(const uint8_t *values) {{"
    yield f"    for (int o = 0; o < {after[0]}; o++) {{"
    yield f"        const int8_t *weights = model_weights + {start} + o * {width};"
    yield f"        int32_t sum = biases{number}[o] + product(weights, values, {width});"
    yield f"        values{number}[o] = {_kept(number, layer, 'o')};"
    yield "    }"
    yield "}\n"


def _convolution_lines(
    number: int, layer: Convolution, start: int, before: tuple[int, ...], after: tuple[int, ...]
) -> Iterable[str]:
    """C2.2: the input with its padding around it, and the window moves over that."""
    channels, rows, columns = before
    top, left, bottom, right = layer.padding
    height, width = rows + top + bottom, columns + left + right
    window = layer.weights.shape[2:]
    size = prod(layer.weights.shape[1:])
    padded = f"padded{number}"
    yield f"static uint8_t {padded}[{channels}][{height}][{width}];\n"
    yield f"static void layer{number}(const uint8_t *values) {{"
    yield f"    for (int c = 0; c < {channels}; c++) for (int i = 0; i < {height}; i++) {{"
    yield f"        for (int j = 0; j < {width}; j++) {{"
    inside = f"i >= {top} && i < {top + rows} && j >= {left} && j < {left + columns}"
    place = f"values[(c * {rows} + i - {top}) * {columns} + j - {left}]"
    yield f"            {padded}[c][i][j] = {inside} ? {place} : {layer.padding_value};"
    yield "        }"
    yield "    }"
    yield f"    for (int o = 0; o < {after[0]}; o++) for (int i = 0; i < {after[1]}; i++) {{"
    yield f"        for (int j = 0; j < {after[2]}; j++) {{"
    yield f"            const int8_t *weights = model_weights + {start} + o * {size};"
    yield f"            int32_t sum = biases{number}[o];"
    yield f"            for (int c = 0; c < {channels}; c++) for (int u = 0; u < {window[0]}; u++) {{"
    row = f"&{padded}[c][i * {layer.strides[0]} + u][j * {layer.strides[1]}]"
    yield f"                sum += product(weights, {row}, {window[1]});"
    yield f"                weights += {window[1]};"
    yield "            }"
    target = f"values{number}[(o * {after[1]} + i) * {after[2]} + j]"
    yield f"            {target} = {_kept(number, layer, 'o')};"
    yield "        }"
    yield "    }"
    yield "}\n"


def _main_lines(model: Model, calls: list[str], scores: str, count: int) -> Iterable[str]:
    yield "int main(void) {"
    yield "    const uint8_t *input;"
    yield "    size_t size;"
    yield "    read_input(&input, &size);"
    slot = slot_bytes(model.input_size)
    yield f"    uint64_t expected = (shard_count() - 1) * {slot} + {model.input_size};"
    yield "    if (size != expected) {"
    yield '        debug_printf("expected an input of %zu bytes, got %zu\\n", (size_t)expected, size);'
    yield "        return TRUESTEP_EXIT_INPUT;"
    yield "    }"
    yield f"    input += shard_index() * {slot};"
    yield from calls
    if model.output is Output.CLASS:
        yield "    uint32_t best = 0;"
        yield f"    for (uint32_t i = 1; i < {count}; i++) if ({scores}[i] > {scores}[best]) best = i;"
        yield "    put_word(best);"
    else:
        yield f"    for (int i = 0; i < {count}; i++) put_word((uint32_t){scores}[i] + 0x80000000u);"
    yield "    return 0;"
    yield "}"
