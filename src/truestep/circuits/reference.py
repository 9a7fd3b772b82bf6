"""What a circuit computes, in plain integers: the law of docs/circuits.md. Tests and witnesses share it."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from truestep.circuits.errors import CircuitError
from truestep.circuits.model import (
    SUM_BITS,
    Convolution,
    Dense,
    Int64Array,
    Layer,
    Model,
    Output,
    Requantisation,
)
from truestep.circuits.poseidon import sponge
from truestep.circuits.rows import row_public_inputs

BYTES_PER_FIELD = 31
WORDS_PER_FIELD = 7
WORD_BITS = 32
PUBLIC_INPUTS = 3
"""The digest of the input, and two fields of output (C4)."""
MAX_STATED_BYTES = 26 * BYTES_PER_FIELD
"""28 by 28 bytes fit. A verifier is made for a number of public inputs: so one number serves all (C4.4)."""
STATED_PUBLIC_INPUTS = MAX_STATED_BYTES // BYTES_PER_FIELD + 2
INPUT_TAG = 1 << 64
"""What is added to the length of what the sponge takes up, so that an input is never a challenge (C5.1)."""


class Shown(StrEnum):
    """What the public inputs of a circuit show of its input (C4.1, C4.4)."""

    DIGEST = "digest"
    BYTES = "bytes"
    ROOT = "root"
    """Of circuits whose proofs another circuit checks (C11.2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A run: the sums of each layer, with the channel first, and the result."""

    sums: tuple[Int64Array, ...]
    words: tuple[int, ...]


def run(model: Model, content: bytes) -> Trace:
    """Run the model on an input of bytes. Raises `CircuitError` if it has another size."""
    if len(content) != model.input_size:
        raise CircuitError(
            f"expected an input of {model.input_size} bytes, one for each value of the shape"
            f" {model.input_shape}; got {len(content)}"
        )
    values = np.frombuffer(content, dtype=np.uint8).astype(np.int64).reshape(model.input_shape)
    sums: list[Int64Array] = []
    for layer in model.layers:
        sums.append(_sums(layer, values))
        if layer.requantisation is not None:
            values = requantised(layer.requantisation, sums[-1])
    return Trace(sums=tuple(sums), words=_words(model.output, sums[-1].reshape(-1)))


def _sums(layer: Layer, values: Int64Array) -> Int64Array:
    if isinstance(layer, Dense):
        return layer.weights @ values.reshape(-1) + layer.biases
    products = np.einsum("oiyx,irsyx->ors", layer.weights, windows(layer, values), optimize=True)
    return products + layer.biases[:, None, None]


def windows(layer: Convolution, values: Int64Array) -> Int64Array:
    """What each output of a convolution looks at: [channel, row, column, row of window, column of it]."""
    top, left, bottom, right = layer.padding
    padded = np.pad(values, ((0, 0), (top, bottom), (left, right)), constant_values=layer.padding_value)
    views = np.lib.stride_tricks.sliding_window_view(padded, layer.weights.shape[2:], axis=(1, 2))
    return views[:, :: layer.strides[0], :: layer.strides[1]]


def scaled(rule: Requantisation, sums: Int64Array) -> Int64Array:
    """Sums times their channel's multiplier, plus one half of what is shifted out (C3.1)."""
    factors = np.array(rule.multipliers, dtype=np.int64).reshape(-1, *(1,) * (sums.ndim - 1))
    return sums * factors + rule.half


def requantised(rule: Requantisation, sums: Int64Array) -> Int64Array:
    """The bytes that the next layer sees (C3)."""
    return np.clip(scaled(rule, sums) >> rule.shift, 0, 255)


def _words(output: Output, scores: Int64Array) -> tuple[int, ...]:
    """The result: the first class of the greatest score, or each score plus 2^31 (C4)."""
    if output is Output.CLASS:
        return (int(scores.argmax()),)
    return tuple(int(score) + (1 << SUM_BITS) for score in scores)


def output_bytes(words: tuple[int, ...]) -> bytes:
    """The result as the guest writes it (C9.2)."""
    return b"".join(word.to_bytes(4, "big") for word in words)


def public_inputs(content: bytes, words: tuple[int, ...], shown: Shown = Shown.DIGEST) -> tuple[int, ...]:
    """What a proof states, as the contract or circuit that checks it gets it (C4, C11.2)."""
    if shown is Shown.ROOT:
        return row_public_inputs(content, words)
    first = (input_digest(content),) if shown is Shown.DIGEST else stated_input(content)
    return *first, *_output_fields(words)


def stated_input(content: bytes) -> tuple[int, ...]:
    """The bytes of an input themselves, and zeros up to a fixed number of fields (C4.4)."""
    if len(content) > MAX_STATED_BYTES:
        raise CircuitError(
            f"expected an input of at most {MAX_STATED_BYTES} bytes, for a proof that states it;"
            f" got {len(content)}: use a smaller input, or a proof of its digest"
        )
    blocks = _packed(content)
    return *blocks, *[0] * (MAX_STATED_BYTES // BYTES_PER_FIELD - len(blocks))


def _packed(content: bytes) -> list[int]:
    starts = range(0, len(content), BYTES_PER_FIELD)
    return [int.from_bytes(content[start : start + BYTES_PER_FIELD], "big") for start in starts]


def input_digest(content: bytes) -> int:
    """The digest of an input (C5.2)."""
    return sponge(_packed(content), INPUT_TAG + len(content))


def _output_fields(words: tuple[int, ...]) -> tuple[int, ...]:
    """Seven words a field, the first one highest; missing ones are 0 (C4.2)."""
    padded = (*words, *[0] * (2 * WORDS_PER_FIELD - len(words)))
    halves = padded[:WORDS_PER_FIELD], padded[WORDS_PER_FIELD:]
    return tuple(int.from_bytes(output_bytes(half), "big") for half in halves)
