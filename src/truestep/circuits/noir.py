"""Noir source of a model: the circuit that docs/circuits.md describes, with the weights as constants."""

from collections.abc import Iterable
from math import prod

from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Convolution, Dense, Layer, Model, Output, Requantisation, bounds
from truestep.circuits.poseidon import FIELD_ORDER
from truestep.circuits.reference import (
    BYTES_PER_FIELD,
    INPUT_TAG,
    MAX_STATED_BYTES,
    PUBLIC_INPUTS,
    STATED_PUBLIC_INPUTS,
    WORD_BITS,
    WORDS_PER_FIELD,
    Shown,
)
from truestep.circuits.rows import JOIN, KECCAK, ROOT_LANES, root_lines

ROOT_TAG = 5 << 64
"""So that a challenge that begins with a row's root is of nothing else (C5.1)."""
PACKED_BITS = 253
"""Scaled sums are packed for the sponge into fields of so many bits (C6.2)."""

SPONGE = """\
fn sponge<let N: u32>(words: [Field; N], tag: Field) -> Field {
    let mut state = [0, 0, 0, tag];
    for i in 0..N {
        state[i % 3] += words[i];
        if (i % 3 == 2) | (i == N - 1) { state = std::hash::poseidon2_permutation(state); }
    }
    state[0]
}
"""


def noir_source(model: Model, shown: Shown = Shown.DIGEST) -> str:
    """The program. Raises `CircuitError` if the input is too large to be shown."""
    if shown is Shown.BYTES and model.input_size > MAX_STATED_BYTES:
        raise CircuitError(
            f"the model's input has {model.input_size} bytes; expected at most {MAX_STATED_BYTES}, for proofs"
            " that a contract ties to a job: use a smaller model, or a proof of the input's digest"
        )
    count = public_input_count(model, shown)
    shapes = model.shapes()
    parts = [SPONGE, KECCAK, JOIN] if shown is Shown.ROOT else [SPONGE]
    body: list[str] = [*_input_lines(model, shown, count - 2)]
    arguments = [f"    input: [u8; {model.input_size}],"]
    for number, layer in enumerate(model.layers, 1):
        parts.append(_constants(number, layer))
        if layer.requantisation is not None:
            parts.append("\n".join(_parts_function(number, layer, layer.requantisation)))
            arguments += _layer_arguments(number, prod(shapes[number]))
        body += _layer_lines(number, layer, shapes[number - 1], shapes[number])
    first = ROOT_LANES if shown is Shown.ROOT else count - 2
    body += _output_lines(model, len(model.layers), first, shown)
    arguments.append(f"    public: pub [Field; {count}],")
    return "\n".join([*parts, "fn main(", *arguments, ") {", *(f"    {line}" for line in body), "}", ""])


def public_input_count(model: Model, shown: Shown) -> int:
    """How many public inputs the circuit has (C4, C11.2)."""
    if shown is Shown.ROOT:
        return ROOT_LANES + model.output_words
    return PUBLIC_INPUTS if shown is Shown.DIGEST else STATED_PUBLIC_INPUTS


def _input_lines(model: Model, shown: Shown, fields: int) -> Iterable[str]:
    count = -(-model.input_size // BYTES_PER_FIELD)
    yield f"let x0: [Field; {model.input_size}] = input.map(|byte: u8| byte as Field);"
    if shown is Shown.ROOT:
        yield from root_lines(model.input_size)
        yield f"let s0 = sponge([{', '.join(f'public[{i}]' for i in range(ROOT_LANES))}], {ROOT_TAG});"
        return
    yield f"let mut packed: [Field; {count}] = [0; {count}];"
    yield f"for i in 0..{model.input_size} {{"
    yield f"    packed[i / {BYTES_PER_FIELD}] = packed[i / {BYTES_PER_FIELD}] * 256 + x0[i];"
    yield "}"
    yield f"let s0 = sponge(packed, {INPUT_TAG + model.input_size});"
    if shown is Shown.DIGEST:
        yield "assert(s0 == public[0]);"
        return
    yield f"for i in 0..{count} {{ assert(packed[i] == public[i]); }}"
    yield f"for i in {count}..{fields} {{ assert(public[i] == 0); }}"


def _constants(number: int, layer: Layer) -> str:
    rows = layer.weights.reshape(layer.weights.shape[0], -1)
    count, width = rows.shape
    lines = ",\n".join("    " + _list(row) for row in rows.tolist())
    text = f"global W{number}: [[Field; {width}]; {count}] = [\n{lines},\n];\n"
    text += f"global B{number}: [Field; {count}] = {_list(layer.biases.tolist())};\n"
    if layer.requantisation is not None:
        factors = layer.requantisation.multipliers
        text += f"global M{number}: [Field; {count}] = {_list(factors)};\n"
        if isinstance(layer, Convolution):
            inverses = [pow(each, -1, FIELD_ORDER) for each in factors]
            text += f"global I{number}: [Field; {count}] = {_list(inverses)};\n"
    return text


def _list(numbers: Iterable[int]) -> str:
    return "[" + ", ".join(map(str, numbers)) + "]"


def _layer_arguments(number: int, count: int) -> list[str]:
    return [
        f"    negative{number}: [bool; {count}],",
        f"    over{number}: [Field; {count}],",
        f"    value{number}: [u8; {count}],",
        f"    rest{number}: [Field; {count}],",
    ]


def part_bits(layer: Layer, rule: Requantisation) -> tuple[int, int]:
    """The bits below the byte of a scaled sum, and those above it (C3.2)."""
    return rule.shift, max(0, bounds(layer).scaled(rule) - rule.shift - 8)


def _parts_function(number: int, layer: Layer, rule: Requantisation) -> Iterable[str]:
    """From the parts of a scaled sum to the sum, and to the byte that it becomes (C3)."""
    rest, over = part_bits(layer, rule)
    yield f"fn parts{number}(negative: bool, over: Field, value: u8, rest: Field) -> (Field, Field) {{"
    yield f"    rest.assert_max_bit_size::<{rest}>();"
    yield "    let is_negative = negative as Field;"
    yield "    let byte = value as Field;"
    if over:
        yield f"    over.assert_max_bit_size::<{over}>();"
        yield f"    let magnitude = over * {1 << (rest + 8)} + byte * {1 << rest} + rest;"
        yield "    let kept = 255 + (over == 0) as Field * (byte - 255);"
    else:
        yield f"    let magnitude = over * 0 + byte * {1 << rest} + rest;"
        yield "    let kept = byte;"
    yield "    (magnitude - is_negative * (2 * magnitude + 1), kept - is_negative * kept)"
    yield "}\n"


def _parts(number: int, index: str) -> str:
    names = ", ".join(f"{part}{number}[{index}]" for part in ("negative", "over", "value", "rest"))
    return f"parts{number}({names})"


def _layer_lines(number: int, layer: Layer, before: tuple[int, ...], after: tuple[int, ...]) -> Iterable[str]:
    if isinstance(layer, Dense):
        return _dense_lines(number, layer, before, after)
    return _convolution_lines(number, layer, before, after)


def _dense_lines(number: int, layer: Dense, before: tuple[int, ...], after: tuple[int, ...]) -> Iterable[str]:
    """Every sum is computed in the circuit, and split into parts."""
    source, target, count = f"x{number - 1}", f"x{number}", after[0]
    yield f"let mut {target}: [Field; {count}] = [0; {count}];"
    yield f"for i in 0..{count} {{"
    yield f"    let mut sum = B{number}[i];"
    yield f"    for j in 0..{prod(before)} {{ sum += W{number}[i][j] * {source}[j]; }}"
    if layer.requantisation is None:
        yield f"    {target}[i] = sum;"
    else:
        yield f"    let (scaled, byte) = {_parts(number, 'i')};"
        yield f"    assert(scaled == sum * M{number}[i] + {layer.requantisation.half});"
        yield f"    {target}[i] = byte;"
    yield "}"
    yield f"let s{number} = s{number - 1};"


def _convolution_lines(
    number: int, layer: Convolution, before: tuple[int, ...], after: tuple[int, ...]
) -> Iterable[str]:
    """The sums are given, and compared with the input at a random combination of channels (C6)."""
    yield from _padded_lines(number, layer, before)
    channels, count = after[0], prod(after[1:])
    rule = layer.requantisation
    if rule is None:
        yield from _plain_convolution_lines(number, layer, before, after)
        return
    total = channels * count
    rest, over = part_bits(layer, rule)
    bits = rest + over + 9
    per_field = PACKED_BITS // bits
    fields = -(-total // per_field)
    yield f"let mut t{number}: [Field; {total}] = [0; {total}];"
    yield f"let mut x{number}: [Field; {total}] = [0; {total}];"
    yield f"let mut packed{number}: [Field; {fields}] = [0; {fields}];"
    yield f"for i in 0..{total} {{"
    yield f"    let (scaled, byte) = {_parts(number, 'i')};"
    yield f"    t{number}[i] = scaled;"
    yield f"    x{number}[i] = byte;"
    yield f"    let before = packed{number}[i / {per_field}] * {1 << bits};"
    yield f"    packed{number}[i / {per_field}] = before + scaled + {1 << (bits - 1)};"
    yield "}"
    yield f"let s{number} = sponge([s{number - 1}, sponge(packed{number}, {fields})], 2);"
    yield from _combination_lines(number, layer, rule, before, after)


def _combination_lines(
    number: int, layer: Convolution, rule: Requantisation, before: tuple[int, ...], after: tuple[int, ...]
) -> Iterable[str]:
    channels, rows, columns = after
    width = prod(layer.weights.shape[1:])
    yield f"let mut power{number}: Field = 1;"
    yield f"let mut bias{number}: Field = 0;"
    yield f"let mut shares{number}: [Field; {channels}] = [0; {channels}];"
    yield f"let mut kernel{number}: [Field; {width}] = [0; {width}];"
    yield f"for m in 0..{channels} {{"
    yield f"    shares{number}[m] = power{number} * I{number}[m];"
    yield f"    bias{number} += power{number} * B{number}[m] + shares{number}[m] * {rule.half};"
    yield f"    for k in 0..{width} {{ kernel{number}[k] += power{number} * W{number}[m][k]; }}"
    yield f"    power{number} *= s{number};"
    yield "}"
    yield f"for i in 0..{rows} {{ for j in 0..{columns} {{"
    yield f"    let mut sum = bias{number};"
    yield from (f"    {line}" for line in _window_lines(number, layer, before, f"kernel{number}[k]"))
    yield "    let mut claimed: Field = 0;"
    yield f"    for m in 0..{channels} {{"
    yield f"        claimed += shares{number}[m] * t{number}[(m * {rows} + i) * {columns} + j];"
    yield "    }"
    yield "    assert(sum == claimed);"
    yield "} }"


def _plain_convolution_lines(
    number: int, layer: Convolution, before: tuple[int, ...], after: tuple[int, ...]
) -> Iterable[str]:
    """Only of a last layer, whose sums are the result."""
    channels, rows, columns = after
    yield f"let mut x{number}: [Field; {prod(after)}] = [0; {prod(after)}];"
    yield f"for m in 0..{channels} {{ for i in 0..{rows} {{ for j in 0..{columns} {{"
    yield f"    let mut sum = B{number}[m];"
    yield from (f"    {line}" for line in _window_lines(number, layer, before, f"W{number}[m][k]"))
    yield f"    x{number}[(m * {rows} + i) * {columns} + j] = sum;"
    yield "} } }"
    yield f"let s{number} = s{number - 1};"


def _window_lines(number: int, layer: Convolution, before: tuple[int, ...], weight: str) -> Iterable[str]:
    """Add the window at row i and column j to `sum`."""
    _, channels, height, width = layer.weights.shape
    rows, columns = _padded_sides(layer, before)
    source = f"padded{number}" if any(layer.padding) else f"x{number - 1}"
    row, column = f"i * {layer.strides[0]} + u", f"j * {layer.strides[1]} + v"
    yield f"for c in 0..{channels} {{ for u in 0..{height} {{ for v in 0..{width} {{"
    yield f"    let k = (c * {height} + u) * {width} + v;"
    yield f"    sum += {weight} * {source}[(c * {rows} + {row}) * {columns} + {column}];"
    yield "} } }"


def _padded_sides(layer: Convolution, before: tuple[int, ...]) -> tuple[int, int]:
    top, left, bottom, right = layer.padding
    return before[1] + top + bottom, before[2] + left + right


def _padded_lines(number: int, layer: Convolution, before: tuple[int, ...]) -> Iterable[str]:
    if not any(layer.padding):
        return
    channels, rows, columns = before
    height, width = _padded_sides(layer, before)
    total = channels * height * width
    yield f"let mut padded{number}: [Field; {total}] = [{layer.padding_value}; {total}];"
    yield f"for c in 0..{channels} {{ for i in 0..{rows} {{ for j in 0..{columns} {{"
    place = f"(c * {height} + i + {layer.padding[0]}) * {width} + j + {layer.padding[1]}"
    yield f"    padded{number}[{place}] = x{number - 1}[(c * {rows} + i) * {columns} + j];"
    yield "} } }"


def _output_lines(model: Model, number: int, first: int, shown: Shown) -> Iterable[str]:
    """The result is public, from place `first` on."""
    scores, count = f"x{number}", prod(model.shapes()[-1])
    if model.output is Output.CLASS:
        yield from _class_lines(scores, count, first, shown)
        return
    offset = 1 << (WORD_BITS - 1)
    if shown is Shown.ROOT:
        yield f"for i in 0..{count} {{ assert({scores}[i] + {offset} == public[{first} + i]); }}"
        return
    for half in (0, 1):
        yield f"let mut output{half}: Field = 0;"
        for position in range(half * WORDS_PER_FIELD, (half + 1) * WORDS_PER_FIELD):
            word = f"{scores}[{position}] + {offset}" if position < count else "0"
            yield f"output{half} = output{half} * {1 << WORD_BITS} + {word};"
        yield f"assert(output{half} == public[{first + half}]);"


def _class_lines(scores: str, count: int, first: int, shown: Shown) -> Iterable[str]:
    """The class is that of one score; those before it are less, those behind it not greater (C4.3)."""
    if shown is Shown.ROOT:
        yield f"let class = public[{first}];"
    else:
        yield f"let class = public[{first}] / {1 << (WORD_BITS * (WORDS_PER_FIELD - 1))};"
        yield f"assert(public[{first + 1}] == 0);"
    yield "let mut best: Field = 0;"
    yield "let mut hits: Field = 0;"
    yield f"for i in 0..{count} {{"
    yield "    let is_class = (class == i as Field) as Field;"
    yield f"    best += is_class * {scores}[i];"
    yield "    hits += is_class;"
    yield "}"
    yield "assert(hits == 1);"
    yield "let mut found: Field = 0;"
    yield f"for i in 0..{count} {{"
    yield "    found += (class == i as Field) as Field;"
    yield f"    (best - {scores}[i] - (1 - found)).assert_max_bit_size::<{WORD_BITS}>();"
    yield "}"
