"""What a proof will cost, by what proofs have cost: estimates, and said to be such."""

import json
import os
import statistics
import tempfile
from bisect import bisect_left
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from truestep.circuits.toolchain import circuit_cache

Figures = Sequence[tuple[float, float]]
"""Points of a curve, rising; between two of them it is straight."""

SECONDS_BY_GATES: Figures = ((39_598, 1.90), (112_773, 4.26), (1_426_361, 33.31))
"""CPU seconds by gates, of docs/circuits-benchmarks.md; the last is of two runs, less the proofs of both."""
GAS_BY_LOG_SIZE: Figures = ((16, 721_219), (17, 739_198), (20, 815_368), (21, 827_586))
"""Of a transaction that verifies a proof, by the logarithm of the circuit's size; of the same page."""
CLAIM_GAS = 177_528
"""What `prove` of Verifiers costs more, with the input shown: of the MLP of that page, on anvil."""
KEPT_LIMIT = 32
"""Proofs that are remembered."""
_FILE = "proof-times.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A proof that was made on this computer."""

    gates: int
    cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """CPU seconds that a proof will take, by so many that were made here; if by none, on another computer."""

    cpu_seconds: float
    measured_count: int

    def __str__(self) -> str:
        if not self.measured_count:
            return f"{self.cpu_seconds:.1f} CPU seconds on another computer, as none was proven here yet"
        times = "proof" if self.measured_count == 1 else "proofs"
        return f"{self.cpu_seconds:.1f} CPU seconds by {self.measured_count} {times} made here"


def expected_seconds(gates: int) -> Expected:
    """What a proof of a circuit of this size will take: the usual curve, times how slow this computer was."""
    timings = read_timings()
    ratios = [each.cpu_seconds / on_curve(SECONDS_BY_GATES, each.gates) for each in timings]
    factor = statistics.median(ratios) if ratios else 1.0
    return Expected(cpu_seconds=factor * on_curve(SECONDS_BY_GATES, gates), measured_count=len(ratios))


def expected_gas(points: int, *, is_of_claim: bool) -> int:
    """What checking a proof of a circuit with so many rows costs, alone or of a claim."""
    gas = on_curve(GAS_BY_LOG_SIZE, points.bit_length() - 1)
    return round(gas) + (CLAIM_GAS if is_of_claim else 0)


def on_curve(figures: Figures, at: float) -> float:
    """The value between two points, or on the line through the first or last two."""
    places = [place for place, _ in figures]
    index = min(max(bisect_left(places, at), 1), len(figures) - 1)
    (left, low), (right, high) = figures[index - 1], figures[index]
    return low + (high - low) * (at - left) / (right - left)


def read_timings() -> list[Timing]:
    """The last proofs of this computer. A file that is not as it should be says nothing: it is a cache."""
    try:
        rows = json.loads((circuit_cache() / _FILE).read_text("utf-8"))
        found = [Timing(gates=int(gates), cpu_seconds=float(seconds)) for gates, seconds in rows]
    except (OSError, ValueError, TypeError):
        return []
    return [each for each in found if each.gates > 0 and 0 < each.cpu_seconds < float("inf")]


def add_timing(timing: Timing) -> None:
    """Remember a proof. A disk that is full costs no proof: then it is not remembered."""
    kept = [*read_timings(), timing][-KEPT_LIMIT:]
    text = json.dumps([[each.gates, round(each.cpu_seconds, 3)] for each in kept])
    with suppress(OSError):
        folder = circuit_cache()
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix="times-", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(folder / _FILE)
