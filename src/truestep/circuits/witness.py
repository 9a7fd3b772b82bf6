"""What a prover puts into a circuit: the input, the parts of every scaled sum, and the public inputs."""

from typing import Any

from truestep.circuits.model import Int64Array, Model, Requantisation
from truestep.circuits.reference import Shown, Trace, public_inputs, scaled


def witness(model: Model, content: bytes, trace: Trace, shown: Shown = Shown.DIGEST) -> dict[str, Any]:
    """The arguments of the program's `main`, by name."""
    arguments: dict[str, Any] = {"input": list(content)}
    for number, (layer, sums) in enumerate(zip(model.layers, trace.sums, strict=True), 1):
        if layer.requantisation is not None:
            parts = _parts(layer.requantisation, sums)
            arguments |= {f"{name}{number}": values for name, values in parts.items()}
    arguments["public"] = [hex(each) for each in public_inputs(content, trace.words, shown)]
    return arguments


def _parts(rule: Requantisation, sums: Int64Array) -> dict[str, list[Any]]:
    """Each scaled sum t as sign and parts of t, or of -1 - t if it is negative (C3.2)."""
    t = scaled(rule, sums).reshape(-1)
    magnitude = (t ^ (t >> 63)).astype(int)
    return {
        "negative": (t < 0).tolist(),
        "over": (magnitude >> (rule.shift + 8)).tolist(),
        "value": ((magnitude >> rule.shift) & 255).tolist(),
        "rest": (magnitude & ((1 << rule.shift) - 1)).tolist(),
    }
