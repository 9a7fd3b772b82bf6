"""`truestep quantise`: makes the integer model that `truestep prove` proves."""

import io
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from truestep.adapters.files import write_file
from truestep.circuits.errors import CircuitError
from truestep.circuits.float_model import FloatArray
from truestep.circuits.model_file import read_limited, write_model
from truestep.circuits.onnx_chain import read_float_model
from truestep.circuits.quantiser import Loss, loss, quantise
from truestep.cli.failure import keep_inputs
from truestep.cli.screen import JsonFlag, Screen, guarded

EXAMPLE = "Example: truestep quantise digits.onnx --samples x.npy --labels y.npy -o model.json"
GREATEST_LOSS = 0.02
"""More than this share of other answers is worth a warning."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="quantise", epilog=EXAMPLE)(quantise_model)


@guarded
def quantise_model(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An ONNX file of float weights.")],
    samples: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Inputs as the model meets them, in .npy; the first axis counts."),
    ],
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The right class of each sample, in .npy.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write the model to.")
    ] = Path("model.json"),
    as_json: JsonFlag = False,
) -> None:
    """Turn a float model into one of bytes, and show what that loses.

    Scales are taken from the samples. Then both models run on them: of a classifier you see how often they
    agree, and with --labels how often each is right; of another model the greatest error of a score. A model
    is a row of Gemm or MatMul, Conv, and ReLU. Of a scikit-learn MLP take from_sklearn in Python
    (docs/circuits.md).
    """
    screen = Screen(as_json=as_json)
    keep_inputs(output, model, samples, labels)
    floats = read_float_model(model, read_limited(model))
    values = _array(samples)
    quantised = quantise(floats, values)
    found = loss(floats, quantised, values, None if labels is None else _array(labels))
    write_file(output, write_model(quantised).encode())
    if found.agreement is not None and found.agreement < 1 - GREATEST_LOSS:
        screen.warn([f"the quantised model answers {1 - found.agreement:.1%} of the samples otherwise"])
    screen.result(
        {
            "model": str(output),
            "multiplications": quantised.multiplications,
            "output": quantised.output.value,
            "input_shape": list(quantised.input_shape),
            **_fields(found),
        }
    )


def _fields(found: Loss) -> dict[str, Any]:
    values = {
        "samples": found.samples,
        "agreement": found.agreement,
        "float_accuracy": found.float_accuracy,
        "quantised_accuracy": found.quantised_accuracy,
        "greatest_error": found.greatest_error,
        "score_range": found.score_range,
    }
    return {name: value for name, value in values.items() if value is not None}


def _array(path: Path) -> FloatArray:
    try:
        values = np.load(io.BytesIO(read_limited(path)), allow_pickle=False)
        return np.asarray(values, dtype=np.float64)
    except (ValueError, EOFError, TypeError) as error:
        raise CircuitError(f"{path} is not an array of numbers that NumPy wrote: {error}") from error
