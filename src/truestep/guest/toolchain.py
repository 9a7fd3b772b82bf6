"""The C compiler, archiver and linker: PyPI's `ziglang`, found, pinned and called the same way everywhere."""

import importlib.metadata
import importlib.util
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from truestep.guest.errors import GuestBuildError, ToolchainMissing

ZIGLANG_VERSION = "0.17.1"
"""Another compiler makes other bytes, and a program is known on chain by its bytes."""

C_DIRECTORY = Path(__file__).parent / "c"
INCLUDE_DIRECTORY = C_DIRECTORY / "include"

TARGET_FLAGS = (
    "-target",
    "riscv64-freestanding-none",
    # The machine loads and stores misaligned words (M1.1), so the compiler may too.
    "-mcpu=generic_rv64+m+zfinx+zdinx+relax+unaligned_scalar_mem",
)

COMPILE_FLAGS = (
    *TARGET_FLAGS,
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-sanitize=all",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer",
    # Atomics are calls to the runtime, and cost no more for that than they must.
    "-Wno-atomic-alignment",
    # What --gc-sections drops is a section: one for each function and object.
    "-ffunction-sections",
    "-fdata-sections",
    "-g0",
    # The compiler driver defines NDEBUG when it optimises; a guest's assert stays unless its author
    # says otherwise.
    "-UNDEBUG",
)

LINK_FLAGS = (*TARGET_FLAGS, "-O2", "-static", "-s", "-Wl,--gc-sections")

_INHERITED_VARIABLES = ("HOME", "PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LOCALAPPDATA", "USERPROFILE")
"""All that a build sees of the environment: C_INCLUDE_PATH and its like would change a guest's bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """An installed compiler; `run` calls one of its tools."""

    executable: Path
    cache_directory: Path

    def run(self, *arguments: str, directory: Path | None = None) -> str:
        """Call a tool (`cc`, `ar`) in `directory`; its warnings, or GuestBuildError with its words."""
        completed = subprocess.run(
            [str(self.executable), *arguments],
            cwd=directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if completed.returncode != 0:
            said = completed.stderr.strip() or completed.stdout.strip()
            raise GuestBuildError(
                said or f"zig {arguments[0]} ended with code {completed.returncode} and no message"
            )
        return completed.stderr

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
        return {**inherited, "ZIG_GLOBAL_CACHE_DIR": str(self.cache_directory), "NO_COLOR": "1"}


def find_toolchain() -> Toolchain:
    """The installed `ziglang`, if it is the pinned one and has a place for its cache."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        raise ToolchainMissing(
            "expected the C compiler of PyPI's ziglang, found none;"
            " install it with: pip install 'truestep[guest]'"
        )
    version = importlib.metadata.version("ziglang")
    if version != ZIGLANG_VERSION:
        raise ToolchainMissing(
            f"expected ziglang {ZIGLANG_VERSION}, found {version}, which makes other bytes of a program;"
            " install the pinned one with: pip install 'truestep[guest]'"
        )
    executable = Path(spec.submodule_search_locations[0]) / ("zig.exe" if os.name == "nt" else "zig")
    return Toolchain(executable=executable, cache_directory=_cache_directory())


def _cache_directory() -> Path:
    """Where compiled parts are kept between builds; never the current directory."""
    chosen = os.environ.get("ZIG_GLOBAL_CACHE_DIR")
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    directory = Path(chosen) if chosen else Path(user_cache).expanduser() / "truestep" / "zig"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolchainMissing(
            f"expected to keep the compiler's cache in {directory}, got: {error.strerror};"
            " set ZIG_GLOBAL_CACHE_DIR to a directory that can be written"
        ) from error
    return directory.absolute()
