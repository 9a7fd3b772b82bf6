"""The engine against native code, qemu and wasmtime; its starts and its hashing. Writes docs/benchmarks.md.

`python benchmarks/engine.py` measures at full size and writes the page and its picture; `--quick` takes small
sizes and writes nothing. `--json` prints everything for machines; of several such outputs, with other
sections each, `--of` writes the page.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from _builds import Builds
from _comparison import compare
from _kernels import KERNELS, REPOSITORY, Scale
from _machine import machine_description
from _page import PICTURE, as_markdown, as_picture
from _report import Report, as_json, from_json
from _runners import MeasurementFailed, RunnerName, why_missing
from _sections import measure_keccak, measure_split, measure_starts
from python_kernels.page import kept_section

DOCS = REPOSITORY / "docs"
ROUNDS = 7
QUICK_ROUNDS = 3
SECTIONS = ("kernels", "starts", "keccak", "splits")
SPLIT_KERNELS = ("sha256", "quicksort")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scale", type=Scale, choices=list(Scale), default=Scale.FULL, help="default: full")
    parser.add_argument("--quick", dest="scale", action="store_const", const=Scale.QUICK, help="small sizes")
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}, with --quick {QUICK_ROUNDS}")
    parser.add_argument("--kernels", type=_list_of(*(each.name for each in KERNELS)), metavar="A,B,…")
    parser.add_argument(
        "--runners", type=_list_of(*RunnerName), metavar="A,B,…", help="native is always measured"
    )
    parser.add_argument("--sections", type=_list_of(*SECTIONS), metavar="A,B,…", help=", ".join(SECTIONS))
    parser.add_argument("--docs", type=Path, help="write the page and its picture below this folder")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.add_argument(
        "--of", type=Path, nargs="+", metavar="JSON", help="measure nothing: of what earlier runs printed"
    )
    return parser.parse_args()


def _list_of(*allowed: str) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(
                f"expected some of {', '.join(allowed)}, got {', '.join(unknown)}"
            )
        return names

    return parse


def tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def measure(arguments: argparse.Namespace) -> Report:
    """Everything that the arguments ask for."""
    scale: Scale = arguments.scale
    rounds = arguments.rounds or (ROUNDS if scale is Scale.FULL else QUICK_ROUNDS)
    report = Report(scale=scale, rounds=rounds, machine=machine_description())
    sections = arguments.sections or SECTIONS
    with tempfile.TemporaryDirectory(prefix="truestep-bench-") as directory:
        workshop = Builds(directory=Path(directory))
        if "kernels" in sections:
            measure_kernels(report, workshop, arguments)
        if "keccak" in sections:
            tell("keccak")
            report.keccak = measure_keccak(workshop, scale)
        if "starts" in sections:
            tell("starts, cold and warm")
            report.starts = measure_starts(workshop, scale)
        if "splits" in sections:
            for name in SPLIT_KERNELS:
                tell(f"split of {name}")
                report.splits.append(measure_split(workshop, scale, name))
    return report


def measure_kernels(report: Report, workshop: Builds, arguments: argparse.Namespace) -> None:
    """The table's rows."""
    chosen = [RunnerName(name) for name in arguments.runners or RunnerName]
    chosen = [RunnerName.NATIVE, *(name for name in chosen if name is not RunnerName.NATIVE)]
    absent = {name: why for name in chosen if (why := why_missing(name)) is not None}
    for why in absent.values():
        tell(f"skipped: {why}")
        report.missing.append(why)
    names = [name for name in chosen if name not in absent]
    for kernel in KERNELS:
        if arguments.kernels is None or kernel.name in arguments.kernels:
            report.kernels.append(compare(workshop, kernel, report.scale, report.rounds, names, tell))


def write_page(report: Report, docs: Path) -> None:
    """The page and its picture below `docs`."""
    page, picture = docs / "benchmarks.md", docs / PICTURE
    picture.parent.mkdir(parents=True, exist_ok=True)
    kept = kept_section(page.read_text(encoding="utf-8")) if page.exists() else ""
    page.write_text(as_markdown(report) + kept, encoding="utf-8")
    if report.kernels:
        picture.write_text(as_picture(report), encoding="utf-8")
    tell(f"wrote {page} and {picture}")


def main() -> int:
    arguments = parse_arguments()
    earlier: list[Path] = arguments.of or []
    try:
        report = (
            from_json([json.loads(path.read_text()) for path in earlier]) if earlier else measure(arguments)
        )
    except MeasurementFailed as failure:
        tell(f"benchmark failed: {failure}")
        return 1
    is_whole = not (arguments.kernels or arguments.runners or arguments.sections)
    docs = arguments.docs or (DOCS if report.scale is Scale.FULL and is_whole else None)
    if docs is not None:
        write_page(report, docs)
    print(json.dumps(as_json(report), indent=2) if arguments.json else as_markdown(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
