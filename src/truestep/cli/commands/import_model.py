"""`truestep import`: makes a program of a trained model."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.circuits.guest import build_guest
from truestep.circuits.model_file import is_model_file
from truestep.circuits.model_file import read_model as read_quantised
from truestep.cli.failure import Failure, keep_inputs
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.models import build_model, read_model

EXAMPLE = "Example: truestep import model.onnx -o model.elf · truestep run model.elf --input rows.csv"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="import", epilog=EXAMPLE)(import_model)


@guarded
def import_model(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="An ONNX file, a text file that LightGBM's save_model wrote, or a quantised model.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The ELF file to write. Default: MODEL with the suffix .elf.",
        ),
    ] = None,
    wanted: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the program writes: an output of the ONNX model by its name, or `raw`, the sums of"
            " LightGBM's trees. Default: the prediction, and probabilities where there are some.",
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a program of a trained model: it reads rows of numbers and writes predictions.

    The model's numbers are part of the program. Rows are a .npy file, or text with a line for each row; each
    shard predicts its share of them. Nothing in the file is run, and no other file is read.

    Of a quantised model (`truestep quantise`) the program computes what its circuit proves: the input is the
    model's bytes, the output the words of the result, four bytes each, the highest first.
    """
    screen = Screen(as_json=as_json)
    target = output or Path(f"{model.stem}.elf")
    keep_inputs(target, model)
    screen.doing(f"reading {model}")
    if is_model_file(model):
        _import_quantised(model, wanted, target, screen)
        return
    found = read_model(model, wanted=wanted)
    for note in found.notes:
        screen.note(escape(note))
    screen.doing(f"building {target}")
    built = build_model(found, target)
    value = found.values[found.prediction.value]
    screen.result(
        {
            "elf": str(built.path),
            "model": found.kind,
            "features": found.features,
            "prediction_shape": list(found.prediction.shape),
            "prediction_dtype": "int64" if found.prediction.is_integer else value.element.dtype.name,
            "size_bytes": built.size_bytes,
            "elf_sha256": built.elf_sha256,
            "recipe_sha256": built.recipe_sha256,
        }
    )


def _import_quantised(model: Path, wanted: str | None, target: Path, screen: Screen) -> None:
    if wanted is not None:
        raise Failure("a quantised model has one result", "leave out --wanted; the model says its output")
    found = read_quantised(model)
    screen.doing(f"building {target}")
    built = build_guest(found, target)
    screen.result(
        {
            "elf": str(built.path),
            "model": found.name,
            "input_bytes": found.input_size,
            "output": found.output.value,
            "size_bytes": built.size_bytes,
            "elf_sha256": built.elf_sha256,
            "recipe_sha256": built.recipe_sha256,
        }
    )
