"""All that one call measured, and its form for machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from _comparison import KernelFigures, RunnerFigures, geometric_mean
from _kernels import KERNELS, Scale
from _runners import RunnerName
from _sections import KeccakFigures, SplitFigures, StartFigures


@dataclass(slots=True, kw_only=True)
class Report:
    """Filled section by section; what could not be measured says why in `missing`."""

    scale: Scale
    rounds: int
    machine: dict[str, str]
    kernels: list[KernelFigures] = field(default_factory=list[KernelFigures])
    starts: StartFigures | None = None
    keccak: KeccakFigures | None = None
    splits: list[SplitFigures] = field(default_factory=list[SplitFigures])
    missing: list[str] = field(default_factory=list[str])

    def mean_ratio(self, name: RunnerName) -> float | None:
        """The geometric mean over the kernels of integers; None unless all were measured."""
        kernels = [each for each in self.kernels if each.kernel.is_integer]
        ratios = [each.runners[name].ratio for each in kernels if name in each.runners]
        return geometric_mean(ratios) if ratios and len(ratios) == len(kernels) else None

    def measured(self, names: Iterable[RunnerName]) -> list[RunnerName]:
        """Those of `names` that have figures."""
        return [name for name in names if any(name in each.runners for each in self.kernels)]


def as_json(report: Report) -> dict[str, Any]:
    """Everything, for machines."""
    return {
        "scale": report.scale,
        "rounds": report.rounds,
        "machine": report.machine,
        "kernels": {each.kernel.name: _kernel_fields(each) for each in report.kernels},
        "geometric_means": {str(name): report.mean_ratio(name) for name in report.measured(RunnerName)},
        "starts": asdict(report.starts) if report.starts else None,
        "keccak": asdict(report.keccak) if report.keccak else None,
        "splits": [{**asdict(each), "nodes_per_second": each.nodes_per_second} for each in report.splits],
        "missing": report.missing,
    }


def _kernel_fields(figures: KernelFigures) -> dict[str, Any]:
    runners = {
        str(name): {**asdict(each), "instructions_per_second": figures.instructions_per_second(name)}
        for name, each in figures.runners.items()
    }
    return {
        "output_sha256": figures.output_sha256,
        "cycles": figures.cycles,
        "compile_cpu_seconds": figures.compile_cpu_seconds,
        "reference_cycles": figures.reference_cycles,
        "reference_cpu_seconds": figures.reference_cpu_seconds,
        "runners": runners,
    }


SECTION_NAMES = ("kernels", "starts", "keccak", "splits")


def from_json(parts: Sequence[Mapping[str, Any]]) -> Report:
    """What `as_json` gave for several runs, each of which measured other sections, as one report.

    Rounds, computer and time are those of the first; it says of the others at which commit and load they ran.
    """
    first = parts[0]
    machine = dict(first["machine"])
    for part in parts[1:]:
        sections = ", ".join(name for name in SECTION_NAMES if part[name])
        other = part["machine"]
        machine[sections] = f"{other['engine']}, {other['date']}, load {other['load']}"
    report = Report(scale=Scale(first["scale"]), rounds=first["rounds"], machine=machine)
    for part in parts:
        report.kernels += [_kernel_figures(name, fields) for name, fields in part["kernels"].items()]
        report.starts = StartFigures(**part["starts"]) if part["starts"] else report.starts
        report.keccak = KeccakFigures(**part["keccak"]) if part["keccak"] else report.keccak
        report.splits += [SplitFigures(**_without(each, "nodes_per_second")) for each in part["splits"]]
        report.missing += part["missing"]
    return report


def _kernel_figures(name: str, fields: Mapping[str, Any]) -> KernelFigures:
    runners = {
        RunnerName(runner): RunnerFigures(**_without(each, "instructions_per_second"))
        for runner, each in fields["runners"].items()
    }
    kernel = next(each for each in KERNELS if each.name == name)
    return KernelFigures(kernel=kernel, runners=runners, **_without(fields, "runners"))


def _without(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != name}
