"""The guest of a quantised model computes what its circuit proves: equal to the reference in every byte."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.circuits.models import convolution, dense, model, small_classifier, small_mlp
from tests.cli.conftest import Invoke
from tests.guest.quick_engine import quick_engine
from truestep.circuits.guest import build_guest
from truestep.circuits.model import Dense, Model, Output, Requantisation
from truestep.circuits.model_file import write_model
from truestep.circuits.reference import output_bytes, run
from truestep.client.runs import run_task
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task


def program_of(subject: Model, folder: Path) -> Program:
    return load_elf(build_guest(subject, folder / "model.elf").path.read_bytes())


def inputs_of(subject: Model, count: int) -> list[bytes]:
    """Random ones, and those that are nothing but one byte."""
    random = np.random.default_rng(7)
    size = subject.input_size
    made = [bytes([each]) * size for each in (0, 1, 127, 128, 254, 255)]
    return made + [random.bytes(size) for _ in range(count)]


def extreme() -> Model:
    """Sums as large and as small as they can be, shifts and multipliers at their ends, equal scores."""
    width = 8_000
    weights = np.where(np.arange(4)[:, None] % 2, -128, 127) * np.ones((4, width), dtype=np.int64)
    rest = 2**31 - 1 - 127 * 255 * width
    first = Dense(
        weights=weights,
        biases=np.array([rest, 1 - 2**31 + 128 * 255 * width, 0, 0]),
        requantisation=Requantisation(multipliers=(2**16 - 1, 1, 2**15, 2**16 - 1), shift=40),
    )
    second = Dense(
        weights=np.array([[127, -128, 0, 1], [127, -128, 0, 1], [-128, 127, 5, 3]]),
        biases=np.array([-(2**30), -(2**30), 2**30]),
        requantisation=Requantisation(multipliers=(2**16 - 1, 2**16 - 1, 1), shift=1),
    )
    last = Dense(weights=np.eye(3, dtype=np.int64), biases=np.zeros(3, dtype=np.int64), requantisation=None)
    return model((width,), first, second, last)


def wide_windows() -> Model:
    random = np.random.default_rng(3)
    first = convolution(random, (3, 2, 2, 4), strides=(3, 2), padding=(1, 3, 0, 2), shift=15)
    last = convolution(random, (2, 3, 1, 2), padding=(0, 1, 0, 0), shift=None)
    return model((2, 5, 6), first, last, output=Output.CLASS)


@pytest.mark.parametrize("made", [small_mlp, small_classifier, extreme, wide_windows])
def test_the_guest_says_what_the_reference_says(made: Callable[[], Model], tmp_path: Path) -> None:
    subject = made()
    _compare(subject, 40, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(8))
def test_the_guests_of_random_models(seed: int, tmp_path: Path) -> None:
    """Thousands of inputs in all."""
    random = np.random.default_rng(seed)
    shift = int(random.integers(8, 20))
    layers = dense(random, 12, 30, shift), dense(random, 7, 12, shift), dense(random, 5, 7)
    output = Output.CLASS if seed % 2 else Output.SCORES
    _compare(model((30,), *layers, output=output), 500, tmp_path)
    _compare(small_classifier(seed), 500, tmp_path)


def _compare(subject: Model, count: int, folder: Path) -> None:
    program = program_of(subject, folder)
    for content in inputs_of(subject, count):
        report = run_task(quick_engine(), program, Task(input=content))
        assert report.is_accepted
        assert report.output == output_bytes(run(subject, content).words), content.hex()


def test_an_input_of_another_size_ends_with_a_message(tmp_path: Path) -> None:
    program, printed = program_of(small_mlp(), tmp_path), list[bytes]()
    for size in (0, 7, 9):
        printed.clear()
        report = run_task(quick_engine(), program, Task(input=bytes(size)), debug_sink=printed.append)
        assert not report.is_accepted
        assert f"expected an input of 8 bytes, got {size}" in b"".join(printed).decode()


def test_import_takes_quantised_models(truestep: Invoke, tmp_path: Path) -> None:
    source, target = tmp_path / "model.json", tmp_path / "model.elf"
    source.write_text(write_model(small_mlp()))
    refused = truestep("import", str(source), "-o", str(target), "--wanted", "raw")
    assert refused.exit_code != 0 and "--wanted" in refused.stderr
    finished = truestep("import", str(source), "-o", str(target), "--json")
    assert finished.exit_code == 0, finished.stderr
    assert json.loads(finished.stdout)["input_bytes"] == 8
    assert target.read_bytes() == build_guest(small_mlp(), tmp_path / "again.elf").path.read_bytes()
    source.write_text("[" * 100_000)
    assert "JSON" in truestep("import", str(source), "-o", str(target)).stderr
