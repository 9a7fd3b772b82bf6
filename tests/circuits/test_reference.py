import numpy as np
import pytest

from tests.circuits.models import dense, model, small_classifier, small_mlp
from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Convolution, Dense, Layer, Model, Output, Requantisation, bounds
from truestep.circuits.poseidon import permute
from truestep.circuits.reference import input_digest, public_inputs, run, scaled
from truestep.circuits.witness import witness


def by_hand(subject: Model, content: bytes) -> list[int]:
    """The scores with Python's integers, clause by clause (C2, C3)."""
    values = list(content)
    shapes = subject.shapes()
    for layer, before, after in zip(subject.layers, shapes[:-1], shapes[1:], strict=True):
        sums = (
            dense_sums(layer, values)
            if isinstance(layer, Dense)
            else window_sums(layer, values, before, after)
        )
        if layer.requantisation is None:
            return sums
        values = requantised(layer, sums, after)
    raise AssertionError


def dense_sums(layer: Dense, values: list[int]) -> list[int]:
    rows = zip(layer.weights.tolist(), layer.biases.tolist(), strict=True)
    return [bias + sum(w * v for w, v in zip(row, values, strict=True)) for row, bias in rows]


def window_sums(
    layer: Convolution, values: list[int], before: tuple[int, ...], after: tuple[int, ...]
) -> list[int]:
    def value(channel: int, row: int, column: int) -> int:
        is_inside = 0 <= row < before[1] and 0 <= column < before[2]
        return values[(channel * before[1] + row) * before[2] + column] if is_inside else layer.padding_value

    outputs, channels, height, width = layer.weights.shape
    (down, across), (top, left, _, _) = layer.strides, layer.padding
    return [
        int(layer.biases[o])
        + sum(
            int(layer.weights[o, i, u, v]) * value(i, r * down + u - top, c * across + v - left)
            for i in range(channels)
            for u in range(height)
            for v in range(width)
        )
        for o in range(outputs)
        for r in range(after[1])
        for c in range(after[2])
    ]


def requantised(layer: Layer, sums: list[int], shape: tuple[int, ...]) -> list[int]:
    rule = layer.requantisation
    assert rule is not None
    each = len(sums) // shape[0]
    scale = [rule.multipliers[place // each] for place in range(len(sums))]
    half = 2 ** (rule.shift - 1)
    return [min(255, max(0, (s * m + half) // 2**rule.shift)) for s, m in zip(sums, scale, strict=True)]


@pytest.mark.parametrize("seed", range(6))
def test_runs_as_the_law_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    for subject in (small_classifier(seed), small_mlp(seed)):
        content = random.integers(0, 256, subject.input_size, dtype=np.uint8).tobytes()
        scores = by_hand(subject, content)
        words = run(subject, content).words
        expected = (scores.index(max(scores)),) if subject.output is Output.CLASS else None
        assert words == (expected or tuple(score + 2**31 for score in scores))


def test_the_first_of_equal_classes_wins() -> None:
    layer = Dense(weights=np.array([[0], [1], [1]]), biases=np.zeros(3, dtype=np.int64), requantisation=None)
    assert run(model((1,), layer, output=Output.CLASS), b"\x05").words == (1,)
    assert run(model((1,), layer, output=Output.CLASS), b"\x00").words == (0,)


def test_every_sum_is_within_its_bounds_and_parts() -> None:
    subject = small_classifier()
    for content in (bytes(25), b"\xff" * 25, bytes(range(0, 250, 10))):
        trace = run(subject, content)
        for layer, sums in zip(subject.layers, trace.sums, strict=True):
            reach = bounds(layer)
            channels = sums.reshape(len(reach.least), -1)
            assert (channels >= reach.least[:, None]).all() and (channels <= reach.greatest[:, None]).all()
        parts = witness(subject, content, trace)
        rule = subject.layers[0].requantisation
        assert rule is not None
        rebuilt = [
            (over << (rule.shift + 8)) + (value << rule.shift) + rest
            for over, value, rest in zip(parts["over1"], parts["value1"], parts["rest1"], strict=True)
        ]
        t = scaled(rule, trace.sums[0]).reshape(-1).tolist()
        signs = parts["negative1"]
        assert t == [-1 - m if sign else m for sign, m in zip(signs, rebuilt, strict=True)]


def test_poseidon_is_that_of_noir() -> None:
    """What Noir's own permutation gives for (0, 1, 2, 3)."""
    assert permute([0, 1, 2, 3])[0] == 0x01BD538C2EE014ED5141B29E9AE240BF8DB3FE5B9A38629A9647CF8D76C01737


def test_digests_tell_inputs_apart() -> None:
    assert len({input_digest(content) for content in (b"", b"\0", b"\0\0", bytes(31), bytes(32), b"\1")}) == 6


def test_words_are_packed_with_the_first_highest() -> None:
    _, first, second = public_inputs(b"", tuple(range(1, 10)))
    assert first == int.from_bytes(b"".join(word.to_bytes(4, "big") for word in range(1, 8)), "big")
    assert second == (8 << 192) + (9 << 160)


def bad(**changes: object) -> Dense:
    good = dense(np.random.default_rng(1), 3, 4, shift=10)
    fields = {name: getattr(good, name) for name in ("weights", "biases", "requantisation")}
    return Dense(**(fields | changes))  # type: ignore[arg-type]


LAST = dense(np.random.default_rng(2), 2, 3)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((), "no layer"),
        ((bad(),), "requantisation after every layer but the last"),
        ((bad(requantisation=None), LAST), "requantisation after every layer"),
        ((bad(weights=np.full((3, 4), 128)), LAST), "weights in -128…127"),
        ((bad(weights=np.zeros((3, 5), dtype=np.int64)), LAST), "expected 4 weights an output"),
        ((bad(biases=np.zeros(2, dtype=np.int64)), LAST), "expected 3 biases"),
        ((bad(biases=np.full(3, 2**31 - 1)), LAST), "can leave the 31 bits"),
        ((bad(requantisation=Requantisation(multipliers=(1,), shift=3)), LAST), "expected 3 multipliers"),
        ((bad(requantisation=Requantisation(multipliers=(1, 0, 1), shift=3)), LAST), "multipliers in 1…"),
        ((bad(requantisation=Requantisation(multipliers=(1, 1, 1), shift=41)), LAST), "shift in 1…40"),
        ((dense(np.random.default_rng(3), 15, 4),), "ArgMax"),
    ],
)
def test_a_model_that_makes_no_circuit_is_refused(layers: tuple[Layer, ...], words: str) -> None:
    with pytest.raises(CircuitError, match=words):
        model((4,), *layers)


def test_an_input_of_another_size_is_refused() -> None:
    with pytest.raises(CircuitError, match="expected an input of 8 bytes"):
        run(small_mlp(), bytes(7))
