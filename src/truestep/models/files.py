"""Reads files of models. What a file is, its first bytes say; nothing in it is ever run."""

import os
from pathlib import Path
from typing import Any

from truestep.models.description import Model
from truestep.models.errors import ModelRefused
from truestep.models.lightgbm_text import from_lightgbm_text
from truestep.models.limits import FILE_LIMIT_BYTES
from truestep.models.onnx_file import read_onnx
from truestep.models.onnx_graph import from_graph
from truestep.models.onnx_operators import OPERATORS

_LIGHTGBM = b"tree"
_LINE_ENDS = (b"\n", b"\r")
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"x\x9c", b"x\x01", b"\x1f\x8b")
"""Of pickle's protocols, and of zlib and gzip, which joblib uses."""
_ADVICE = "save the model with LightGBM's Booster.save_model, or export it to ONNX"


def read_model(path: Path, *, wanted: str | None = None) -> Model:
    """The model in an ONNX file or a LightGBM text file.

    `wanted` is the name of an output of the ONNX model, or "raw" for the sums of LightGBM's trees. Raises
    ModelRefused with what to do, and OSError if the file cannot be read.
    """
    with path.open("rb") as file:
        is_too_large = os.fstat(file.fileno()).st_size > FILE_LIMIT_BYTES
        content = b"" if is_too_large else file.read(FILE_LIMIT_BYTES + 1)
    if is_too_large or len(content) > FILE_LIMIT_BYTES:
        raise ModelRefused(
            f"expected at most {FILE_LIMIT_BYTES} bytes in {path}, got more; use a smaller model"
        )
    if content.startswith(tuple(_LIGHTGBM + end for end in _LINE_ENDS)):
        return from_lightgbm_text(content.decode("utf-8", errors="replace"), wanted=wanted or "predict")
    _refuse_others(content)
    return from_onnx(content, wanted=wanted)


def _refuse_others(content: bytes) -> None:
    """Say what to do with files of other libraries."""
    if content.startswith(_PICKLES):
        raise ModelRefused(
            "expected an ONNX file or a LightGBM text file, got a pickle, and whoever loads one runs the code"
            " in it; if you trust it, load it in Python and call truestep.models.from_sklearn(estimator)"
        )
    if content.startswith(b"PK\x03\x04"):
        raise ModelRefused(
            "expected an ONNX file or a LightGBM text file, got a zip file, as torch.save and Keras write;"
            " export the model to ONNX (torch.onnx.export)"
        )
    if content.lstrip()[:1] in {b"{", b"["}:
        raise ModelRefused(f"expected an ONNX file or a LightGBM text file, got JSON; {_ADVICE}")
    if not content:
        raise ModelRefused(f"expected an ONNX file or a LightGBM text file, got an empty one; {_ADVICE}")


def from_onnx(content: bytes, *, wanted: str | None = None) -> Model:
    """The model in the bytes of an ONNX file; `wanted` is the name of an output. Raises ModelRefused."""
    return from_graph(read_onnx(content), OPERATORS, wanted)


def from_lightgbm(booster: Any, *, wanted: str = "predict") -> Model:
    """A trained `lightgbm.Booster`, or what its scikit-learn interface has made. Raises ModelRefused."""
    booster = getattr(booster, "booster_", booster)
    if not hasattr(booster, "model_to_string"):
        raise ModelRefused(f"expected a lightgbm.Booster, got {type(booster).__name__}")
    return from_lightgbm_text(booster.model_to_string(), wanted=wanted)
