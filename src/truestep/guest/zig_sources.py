"""Compiles the Zig source of a guest, with the module `truestep` and a start that calls its `main`."""

import re
from pathlib import Path

from truestep.guest.toolchain import TARGET_FLAGS, Toolchain

ZIG_SUFFIX = ".zig"
_DIRECTORY = Path(__file__).parent / "zig"
_START, _MODULE = _DIRECTORY / "start.zig", _DIRECTORY / "truestep.zig"

_MODES = {"0": "Debug", "1": "ReleaseSafe", "2": "ReleaseSafe", "3": "ReleaseFast", "s": "ReleaseSmall"}
"""Zig's modes by the optimisations of C. The last two leave out checks of overflow and bounds; 2 does not."""
_FLAGS = (
    "-fno-stack-check",
    "-fsingle-threaded",
    "-fstrip",
    "-fno-unwind-tables",
    "-ffunction-sections",
    "-fdata-sections",
)
_NAMED_FILES = re.compile(r'@(?:import|embedFile)\s*\(\s*"((?:[^"\\]|\\.)*)"\s*\)')


def compile_zig(toolchain: Toolchain, source: Path, target: Path, optimisation: str) -> str:
    """Compile a guest's root source, and whatever it imports, to one object. Returns the warnings."""
    mode = _MODES.get(optimisation, "ReleaseSmall")
    root, cache = source.absolute(), target.parent / "zig-cache"
    return toolchain.run(
        "build-obj",
        *(*TARGET_FLAGS, *_FLAGS, "-O", mode, f"-femit-bin={target}", "--cache-dir", str(cache)),
        *("--dep", "guest", "--dep", "truestep", f"-Mroot={_START}"),
        *("--dep", "truestep", f"-Mguest={root}", f"-Mtruestep={_MODULE}"),
    )


def files_of_zig(source: Path) -> list[Path]:
    """The source, the files that it imports or embeds, theirs, and ours."""
    found: list[Path] = []
    waiting = [source]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.append(path)
        if path.suffix == ZIG_SUFFIX:
            text = path.read_text(encoding="utf-8", errors="replace")
            names = sorted(set(_NAMED_FILES.findall(text)))
            waiting += [(path.parent / name).resolve() for name in names]
    return [*found, _START, _MODULE]
