"""What a model computes, as plain values: the form between the files of libraries and the source of a guest.

A model is a list of steps. Each reads values that earlier steps have written, for one row of the input, and
writes others. Value 0 is the row itself.
"""

import math
from dataclasses import dataclass, field
from enum import Enum, IntEnum

import numpy as np
import numpy.typing as npt

from truestep.models.errors import ModelRefused
from truestep.models.limits import TOTAL_LIMIT

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]
Shape = tuple[int, ...]


class Element(Enum):
    """The type of a value's numbers."""

    FLOAT = "float"
    DOUBLE = "double"

    @property
    def dtype(self) -> np.dtype[np.floating]:
        """NumPy's."""
        return np.dtype(np.float32 if self is Element.FLOAT else np.float64)


class Function(IntEnum):
    """A function of one number; the numbers are those of layers.h."""

    NONE = 0
    RELU = 1
    LEAKY_RELU = 2
    ELU = 3
    SELU = 4
    CELU = 5
    SIGMOID = 6
    HARD_SIGMOID = 7
    HARD_SWISH = 8
    TANH = 9
    SOFTPLUS = 10
    SOFTSIGN = 11
    EXP = 12
    LOG = 13
    SQRT = 14
    ABS = 15
    NEGATE = 16
    RECIPROCAL = 17
    FLOOR = 18
    CEIL = 19
    SIGN = 20
    ERF = 21
    GELU = 22
    GELU_TANH = 23
    CLIP = 24
    THRESHOLDED_RELU = 25
    SQUARE_SIGNED = 26
    LOG1P_EXP = 27
    TRUNCATE = 28
    IS_TRUE = 29
    NOT_TRUE = 30
    EXPIT = 31


class Operation(IntEnum):
    """A function of two numbers; the numbers are those of layers.h."""

    ADD = 0
    SUBTRACT = 1
    MULTIPLY = 2
    DIVIDE = 3
    POWER = 4
    MINIMUM = 5
    MAXIMUM = 6
    EQUAL = 7
    GREATER = 8
    GREATER_OR_EQUAL = 9
    LESS = 10
    LESS_OR_EQUAL = 11


class Reduction(IntEnum):
    """What becomes of a group of numbers; the numbers are those of layers.h."""

    SUM = 0
    MEAN = 1
    MAXIMUM = 2
    MINIMUM = 3
    L1 = 4
    L2 = 5
    PRODUCT = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a step writes: so many numbers for each row."""

    element: Element
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Numbers of the model itself, one or as many as the other operand has."""

    numbers: Floats


Operand = int | Constant
"""The number of a value, or constants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convert:
    """The same numbers in the other type."""

    source: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """Each row of the value times weights, plus biases; one row unless `rows` says more."""

    source: int
    weights: Floats
    """Shape (inputs, outputs)."""
    biases: Floats
    rows: int = 1
    is_rectified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """An image and the window that moves over it."""

    channels: int
    image: tuple[int, int]
    size: tuple[int, int]
    steps: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int] = (0, 0)
    """Above and to the left; those below and to the right follow from the result's size."""
    result: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolution:
    """Filters over an image."""

    source: int
    window: Window
    weights: Floats
    """Shape (filters, channels of a group, height, width)."""
    biases: Floats
    groups: int = 1
    is_rectified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The largest number in a window, or the mean."""

    source: int
    window: Window
    is_mean: bool
    counts_padding: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """A function of each number."""

    function: Function
    source: int
    alpha: float = 0.0
    beta: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Combine:
    """A function of two numbers, place by place."""

    operation: Operation
    left: Operand
    right: Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """Numbers of one value in another order; -1 stands for `filler`."""

    source: int
    places: Integers
    filler: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Values one after the other."""

    sources: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduce:
    """One number out of each `length` neighbours."""

    kind: Reduction
    source: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalize:
    """Each `length` neighbours divided by their own sum or norm, unless it is 0."""

    kind: Reduction
    source: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Softmax:
    """Shares of one, of each `length` neighbours, or their logarithms."""

    source: int
    length: int
    is_log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgMax:
    """Which of each `length` neighbours is the largest: the first of them, or the last."""

    source: int
    length: int
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """The constants at the places that the value names."""

    source: int
    table: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Matrices times matrices, both of values."""

    left: int
    right: int
    batches: int
    height: int
    depth: int
    width: int


class Missing(IntEnum):
    """Where a missing value goes in a tree; the numbers are those of trees.h."""

    RIGHT = 0
    LEFT = 1
    ZERO = 2
    WITH_ZERO_LEFT = 3
    WITH_ZERO_RIGHT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """A decision by membership: a bit for each integer, in words of 32; one number if there are none."""

    words: tuple[int, ...] = ()
    number: float = math.nan
    is_missing_left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A decision: `feature` at most `threshold`, or among `members`, goes left."""

    feature: int
    threshold: float
    missing: Missing
    left: int
    right: int
    members: Members | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """The end of a way: what the tree says."""

    numbers: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Nodes, the first of which is the root; a split names its children by their places."""

    nodes: tuple[Split | Leaf, ...]
    target: int = 0
    """The first of the outputs that its leaves add to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """An ensemble: what the trees say of features in doubles is added to `start`, in order."""

    trees: tuple[Tree, ...]
    start: Floats
    source: int = 0
    flushed: float = -1.0
    """Features whose absolute value is not larger count as 0."""


Step = (
    Convert
    | Dense
    | Convolution
    | Pool
    | Apply
    | Combine
    | Take
    | Join
    | Reduce
    | Normalize
    | Softmax
    | ArgMax
    | Lookup
    | Product
    | Trees
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What is written for a row: the numbers of one value."""

    value: int
    shape: Shape = ()
    """Without the axis of rows; () is a number for each row."""
    is_integer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model: steps[i] writes values[i + 1]."""

    kind: str
    """In words, for people: "LightGBM, 100 trees"."""
    features: int
    steps: tuple[Step, ...]
    values: tuple[Value, ...]
    prediction: Prediction
    notes: tuple[str, ...] = field(default=())
    """What a person should know of the import."""

    @property
    def trees(self) -> int:
        """How many there are."""
        return sum(len(step.trees) for step in self.steps if isinstance(step, Trees))


class Draft:
    """A model under construction: steps are added one by one."""

    def __init__(self, features: int) -> None:
        self.features = features
        self.steps: list[Step] = []
        self.values = [Value(element=Element.DOUBLE, length=features)]
        self._total = features

    def add(self, step: Step, length: int, element: Element) -> int:
        """The number of the value that the step writes. Raises ModelRefused if all are too large."""
        self._total += length
        if self._total > TOTAL_LIMIT:
            raise ModelRefused(
                f"expected at most {TOTAL_LIMIT} numbers for a row in all layers; use a smaller model"
            )
        self.steps.append(step)
        self.values.append(Value(element=element, length=length))
        return len(self.values) - 1

    def model(self, kind: str, prediction: Prediction, notes: tuple[str, ...] = ()) -> Model:
        """The finished model."""
        return Model(
            kind=kind,
            features=self.features,
            steps=tuple(self.steps),
            values=tuple(self.values),
            prediction=prediction,
            notes=notes,
        )
