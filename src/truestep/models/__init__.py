"""Trained models as guests: ONNX files, LightGBM's text files and scikit-learn's estimators become programs.

`build_model(from_sklearn(forest), Path("forest.elf"))` is all that it takes.
"""

from truestep.models.build import build_model
from truestep.models.description import Model
from truestep.models.errors import ModelRefused
from truestep.models.files import from_lightgbm, from_onnx, read_model
from truestep.models.sklearn_estimators import from_sklearn

__all__ = [
    "Model",
    "ModelRefused",
    "build_model",
    "from_lightgbm",
    "from_onnx",
    "from_sklearn",
    "read_model",
]
