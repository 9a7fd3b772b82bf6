"""Joins layers with the biases and the rectifier behind them: one pass over the numbers instead of three."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, replace

from truestep.models.description import (
    Apply,
    Combine,
    Constant,
    Convolution,
    Dense,
    Function,
    Model,
    Operation,
    Step,
)


def fused(model: Model) -> Model:
    """The same model with fewer steps. Values keep their numbers; some are no longer written."""
    uses = Counter(source for step in model.steps for source in sources_of(step))
    uses[model.prediction.value] += 1
    steps = list(model.steps)
    for place, step in enumerate(model.steps):
        source = _joined_with(step)
        if not source or uses[source] != 1:
            continue
        joined = _joint(steps[source - 1], step)
        if joined is not None:
            steps[place] = joined
            steps[source - 1] = Apply(function=Function.NONE, source=0)
    return replace(model, steps=tuple(steps))


def _joined_with(step: Step) -> int:
    """The value that a step may be joined with the writer of; 0 if there is none."""
    if isinstance(step, Apply) and step.function is Function.RELU:
        return step.source
    if isinstance(step, Combine) and step.operation is Operation.ADD and isinstance(step.left, int):
        return step.left
    return 0


def _joint(before: Step, step: Step) -> Step | None:
    """Both steps in one; None if they remain two."""
    if isinstance(step, Apply) and isinstance(before, Dense | Convolution):
        return replace(before, is_rectified=True)
    if isinstance(step, Combine) and isinstance(step.right, Constant) and isinstance(before, Dense):
        numbers = step.right.numbers
        is_plain = before.rows == 1 and not before.is_rectified and not before.biases.any()
        return replace(before, biases=numbers) if is_plain and numbers.size == len(before.biases) else None
    return None


def is_left_out(step: Step) -> bool:
    """Whether nothing is computed here any more."""
    return isinstance(step, Apply) and step.function is Function.NONE


def sources_of(step: Step) -> Iterator[int]:
    """The values that a step reads."""
    for each in fields(step):
        value = getattr(step, each.name)
        if each.name in {"source", "left", "right"} and isinstance(value, int):
            yield value
        elif each.name == "sources":
            yield from value
