"""What each ONNX operator means."""

from collections.abc import Mapping

from truestep.models.onnx_graph import Operator
from truestep.models.onnx_operators.arithmetic import ARITHMETIC
from truestep.models.onnx_operators.groups import GROUPS
from truestep.models.onnx_operators.images import IMAGES
from truestep.models.onnx_operators.learning import LEARNING
from truestep.models.onnx_operators.matrices import MATRICES
from truestep.models.onnx_operators.shapes import SHAPES
from truestep.models.onnx_operators.trees import TREES

LEARNING_DOMAIN = "ai.onnx.ml"

OPERATORS: Mapping[tuple[str, str], Operator] = {
    **{
        ("", name): operator
        for name, operator in {**ARITHMETIC, **GROUPS, **IMAGES, **MATRICES, **SHAPES}.items()
    },
    **{(LEARNING_DOMAIN, name): operator for name, operator in {**LEARNING, **TREES}.items()},
}
