"""A quantised model as a file, and inputs from files."""

import base64
import hashlib
import io
import json
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from truestep.circuits.errors import CircuitError
from truestep.circuits.model import (
    MAX_VALUES,
    Convolution,
    Dense,
    Int64Array,
    Layer,
    Model,
    Output,
    Quantisation,
    Requantisation,
    check,
)

FORMAT = "truestep quantised model"
MAX_FILE_BYTES = 64 << 20
"""Far more than the weights that a circuit can have."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_Number = Annotated[int, Field(gt=-(2**31), lt=2**31)]
"""What C and messages can hold: Python refuses to print an integer of more than 4,300 digits."""


class _Requantisation(_Part):
    multipliers: list[int] = Field(max_length=2**16)
    shift: int


class _Dense(_Part):
    kind: Literal["dense"] = "dense"
    shape: list[_Number] = Field(min_length=2, max_length=2)
    weights: str
    biases: list[int] = Field(max_length=2**16)
    requantisation: _Requantisation | None = None


class _Convolution(_Part):
    kind: Literal["convolution"] = "convolution"
    shape: list[_Number] = Field(min_length=4, max_length=4)
    weights: str
    biases: list[int] = Field(max_length=2**16)
    requantisation: _Requantisation | None = None
    strides: list[_Number] = Field(min_length=2, max_length=2)
    padding: list[int] = Field(min_length=4, max_length=4)
    padding_value: int


class _Input(_Part):
    shape: list[_Number] = Field(min_length=1, max_length=3)
    scale: float = Field(gt=0, allow_inf_nan=False)
    zero: int = Field(ge=0, le=255)


class _File(_Part):
    format: Literal["truestep quantised model"]
    version: Literal[1]
    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w .-]+$")
    input: _Input
    layers: list[Annotated[_Dense | _Convolution, Field(discriminator="kind")]] = Field(max_length=64)
    output: Literal["class", "scores"]


def write_model(model: Model) -> str:
    """The file's content."""
    layers: list[dict[str, Any]] = []
    for layer in model.layers:
        entry: dict[str, Any] = {
            "kind": "dense" if isinstance(layer, Dense) else "convolution",
            "shape": list(layer.weights.shape),
            "weights": base64.b64encode(layer.weights.astype(np.int8).tobytes()).decode(),
            "biases": layer.biases.tolist(),
        }
        if layer.requantisation is not None:
            rule = layer.requantisation
            entry["requantisation"] = {"multipliers": list(rule.multipliers), "shift": rule.shift}
        if isinstance(layer, Convolution):
            entry |= {"strides": list(layer.strides), "padding": list(layer.padding)}
            entry["padding_value"] = layer.padding_value
        layers.append(entry)
    meaning = model.input_quantisation
    content = {
        "format": FORMAT,
        "version": 1,
        "name": model.name,
        "input": {"shape": list(model.input_shape), "scale": meaning.scale, "zero": meaning.zero},
        "layers": layers,
        "output": model.output.value,
    }
    return json.dumps(content, indent=1) + "\n"


def read_model(path: Path) -> Model:
    """The model of a file. Raises `CircuitError` if it is not one that a circuit can be made of."""
    try:
        file = TypeAdapter(_File).validate_json(read_limited(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise CircuitError(
            f"{path} is not a quantised model: {place}: {first['msg']}; `truestep quantise` writes one"
        ) from error
    layers = tuple(_layer(layer, number) for number, layer in enumerate(file.layers, 1))
    if min(file.input.shape) < 1 or len(file.input.shape) == 2:
        raise CircuitError(f"{path}: expected an input of (values,) or (channels, rows, columns)")
    if prod(file.input.shape) > MAX_VALUES:
        raise CircuitError(f"{path}: expected at most {MAX_VALUES} values of input; use a smaller model")
    model = Model(
        name=file.name,
        input_shape=tuple(file.input.shape),
        input_quantisation=Quantisation(scale=file.input.scale, zero=file.input.zero),
        layers=layers,
        output=Output(file.output),
    )
    return check(model)


def is_model_file(path: Path) -> bool:
    """Whether a file says that it is a quantised model."""
    with path.open("rb") as file:
        if file.read(1) != b"{":
            return False
    try:
        content = json.loads(read_limited(path))
    except (ValueError, RecursionError):
        return False
    return content.get("format") == FORMAT


def read_limited(path: Path) -> bytes:
    """A file's bytes. Raises `CircuitError` if there are too many."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise CircuitError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MiB; expected a smaller file")
    return content


def model_digest(model: Model) -> str:
    """SHA-256 of the file that the model is written as."""
    return hashlib.sha256(write_model(model).encode()).hexdigest()


def _layer(layer: _Dense | _Convolution, number: int) -> Layer:
    weights = _weights(layer, number)
    biases = _integers(layer.biases, f"layer {number}: biases")
    given = layer.requantisation
    rule = given and Requantisation(multipliers=tuple(given.multipliers), shift=given.shift)
    if isinstance(layer, _Dense):
        return Dense(weights=weights, biases=biases, requantisation=rule)
    return Convolution(
        weights=weights,
        biases=biases,
        requantisation=rule,
        strides=(layer.strides[0], layer.strides[1]),
        padding=(layer.padding[0], layer.padding[1], layer.padding[2], layer.padding[3]),
        padding_value=layer.padding_value,
    )


def _weights(layer: _Dense | _Convolution, number: int) -> Int64Array:
    try:
        content = base64.b64decode(layer.weights, validate=True)
    except ValueError as error:  # also of letters that are not ASCII
        raise CircuitError(f"layer {number}: its weights are not base64") from error
    size = 1
    for side in layer.shape:
        size *= max(side, 0)
    if size == 0 or len(content) != size:
        raise CircuitError(f"layer {number}: expected {size} weights for {layer.shape}; got {len(content)}")
    return np.frombuffer(content, dtype=np.int8).astype(np.int64).reshape(layer.shape)


def _integers(numbers: list[int], what: str) -> Int64Array:
    if any(abs(number) >= 2**31 for number in numbers):
        raise CircuitError(f"{what}: expected integers below 2^31")
    return np.array(numbers, dtype=np.int64)


def read_input(model: Model, path: Path) -> bytes:
    """One input: `.npy`, `.csv` or the bytes themselves. Real numbers are quantised as the model says."""
    content = read_limited(path)
    if path.suffix == ".npy":
        try:
            values = np.load(io.BytesIO(content), allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise CircuitError(f"{path} is not an array that NumPy wrote: {error}") from error
    elif path.suffix == ".csv":
        try:
            text = content.decode().replace("\n", ",")
            values = np.array([float(word) for word in text.split(",") if word.strip()])
        except ValueError as error:
            raise CircuitError(f"{path}: expected numbers between commas: {error}") from error
    else:
        return content
    if values.dtype == np.uint8:
        return values.tobytes()
    if values.dtype.kind not in "fiu":
        raise CircuitError(f"{path}: expected numbers; got an array of {values.dtype}")
    return quantised_input(model, values)


def quantised_input(model: Model, values: Any) -> bytes:
    """Real numbers as the bytes that the model takes (C1.5)."""
    meaning = model.input_quantisation
    real = np.asarray(values, dtype=np.float64)
    if not np.isfinite(real).all():
        raise CircuitError("the input holds a NaN or an infinity; expected finite numbers")
    return np.clip(np.rint(real / meaning.scale) + meaning.zero, 0, 255).astype(np.uint8).tobytes()
