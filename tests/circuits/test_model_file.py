import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.circuits.models import small_classifier, small_mlp
from tests.cli.conftest import Invoke
from truestep.circuits.errors import CircuitError
from truestep.circuits.model_file import model_digest, read_input, read_model, write_model
from truestep.circuits.noir import noir_source
from truestep.circuits.proof_file import read_proof


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    for model in (small_classifier(), small_mlp()):
        path = tmp_path / "model.json"
        path.write_text(write_model(model))
        assert write_model(read_model(path)) == write_model(model)
        assert model_digest(read_model(path)) == model_digest(model)
        assert noir_source(read_model(path)) == noir_source(model)


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda file: file.pop("format"), "format: Field required"),
        (lambda file: file.update(version=2), "version"),
        (lambda file: file.update(extra=1), "extra"),
        (lambda file: file["layers"][0].update(strides=[0, 1]), "strides of at least 1"),
        (lambda file: file["layers"][0].update(padding=[-1, 0, 0, 0]), "padding smaller than the window"),
        (lambda file: file["layers"][0].update(padding=[9**30, 0, 0, 0]), "padding smaller than the window"),
        (lambda file: file["layers"][0].update(padding_value=256), "padding value in 0…255"),
        (lambda file: file["layers"][0].update(strides=[1, 2**31]), "strides"),
        (lambda file: file["layers"][0].update(weights="?"), "not base64"),
        (lambda file: file["layers"][0].update(weights="é"), "not base64"),
        (lambda file: file["layers"][0].update(shape=[10**4000] * 4), "shape"),
        (lambda file: file["layers"][0].update(weights=""), "expected 18 weights"),
        (lambda file: file["layers"][0].update(shape=[2, 1, -3, -3]), "expected 0 weights"),
        (lambda file: file["layers"][0].update(biases=[2**31, 0]), "integers below 2"),
        (lambda file: file["layers"][0].update(kind="pool"), "layers.0"),
        (lambda file: file["layers"][0]["requantisation"].update(shift=10**30), "shift in 1…40"),
        (lambda file: file["layers"][0]["requantisation"].update(multipliers=[1.5, 1]), "multipliers"),
        (lambda file: file["input"].update(shape=[5, 5]), r"expected an input of \(values,\)"),
        (lambda file: file["input"].update(shape=[1, 60_000, 60_000]), "expected at most 65536"),
        (lambda file: file["input"].update(scale=0), "scale"),
        (lambda file: file.update(layers=[]), "no layer"),
        (lambda file: file.update(name="\x1b[31m"), "name"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, change: Change, words: str) -> None:
    content = json.loads(write_model(small_classifier()))
    change(content)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(content))
    with pytest.raises(CircuitError, match=words):
        read_model(path)


def test_damaged_files_never_crash(tmp_path: Path) -> None:
    chosen = random.Random(1)
    whole = write_model(small_mlp()).encode()
    path = tmp_path / "model.json"
    for _ in range(200):
        content = bytearray(whole[: chosen.randrange(len(whole))] if chosen.random() < 0.3 else whole)
        for _ in range(chosen.randrange(1, 4)):
            if content:
                content[chosen.randrange(len(content))] = chosen.randrange(256)
        path.write_bytes(content)
        for read in (read_model, read_proof):
            with suppress(CircuitError):
                read(path)


def test_inputs_come_from_bytes_arrays_and_text(tmp_path: Path) -> None:
    model = small_mlp()
    raw, array, real, text = (tmp_path / name for name in ("x.bin", "x.npy", "real.npy", "x.csv"))
    raw.write_bytes(bytes(range(8)))
    np.save(array, np.arange(8, dtype=np.uint8))
    np.save(real, np.arange(8) / 255)
    text.write_text(", ".join(str(each / 255) for each in range(8)) + "\n")
    assert {read_input(model, path) for path in (raw, array, real, text)} == {bytes(range(8))}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.npy", b"no array", "not an array"),
        ("x.csv", b"a,b", "expected numbers between commas"),
        ("x.csv", b"nan,1", "NaN"),
        ("x.csv", b"\xff", "expected numbers between commas"),
    ],
)
def test_a_wrong_input_is_refused(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CircuitError, match=words):
        read_input(small_mlp(), tmp_path / name)


def test_a_pickled_array_is_not_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(CircuitError, match="not an array"):
        read_input(small_mlp(), tmp_path / "x.npy")


def test_options_of_proofs_need_a_proof(truestep: Invoke, tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text("{}")
    finished = truestep("verify", tmp_path / "receipt.json", "--key-digest", "0x00")
    assert finished.exit_code == 1 and "are for a proof of a model" in finished.stderr
