"""The C compiler, archiver and linker of PyPI's `ziglang`: finds the pinned version and calls it."""

import importlib.metadata
import importlib.util
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from truestep.guest.errors import GuestBuildError, ToolchainMissing
from truestep.guest.user_cache import user_cache

ZIGLANG_VERSION = "0.17.1"
"""Another version produces different programs, and the chain identifies a program by its bytes."""

C_DIRECTORY = Path(__file__).parent / "c"

TARGET_FLAGS = (
    "-target",
    "riscv64-freestanding-none",
    # The machine loads and stores misaligned words (M1.1), so the compiler may too.
    # Zicbop is `__builtin_prefetch`: instructions without effect, which the engine takes as hints.
    "-mcpu=generic_rv64+m+zicbop+zfinx+zdinx+relax+unaligned_scalar_mem",
)

_CODE_FLAGS = (
    # As on the computers where programs are written and tested; RISC-V leaves it unsigned, and a table of
    # char with -1 in it would be another one, in silence.
    "-fsigned-char",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-fomit-frame-pointer",
    # Atomics are calls to the runtime; this makes them as cheap as possible.
    "-Wno-atomic-alignment",
    # --gc-sections drops whole sections, so each function and object gets its own.
    "-ffunction-sections",
    "-fdata-sections",
)

COMPILE_FLAGS = (
    *TARGET_FLAGS,
    *_CODE_FLAGS,
    "-fno-sanitize=all",
    "-g0",
    # The compiler driver defines NDEBUG when it optimises; a guest's assert stays active unless its
    # author says otherwise.
    "-UNDEBUG",
)

CLANG_FLAGS = (
    # The same target in the words of the compiler without its driver.
    "--target=riscv64-unknown-elf",
    "-march=rv64im_zicbop_zfinx_zdinx",
    "-mabi=lp64",
    "-mno-strict-align",
    *_CODE_FLAGS,
    "-nostdinc",
    # The C library is POSIX's, and sources ask by these names whether it is.
    "-D__unix__=1",
    "-D__unix=1",
    # As GCC, which says nothing of a -l when it only compiles.
    "-Wno-unused-command-line-argument",
)
"""What `COMPILE_FLAGS` says, for `clang` itself: the command lines of other people's build files."""

DEFAULT_OPTIMISATION = "2"
"""For a command line that names none: each instruction of a guest has to be paid for."""

ZIG_FLAGS = ("-O", "ReleaseFast", "-fomit-frame-pointer", "-fstrip")
"""Of what is compiled from the wheel's own language."""

LINK_FLAGS = (
    *("-m", "elf64lriscv", "-static", "-s", "-O2", "--gc-sections", "--error-limit=0"),
    # As GNU ld: a section that is found through __start_NAME and __stop_NAME is used.
    *("-z", "nostart-stop-gc"),
)

_INHERITED_VARIABLES = ("HOME", "PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LOCALAPPDATA", "USERPROFILE")
"""The only environment variables that a build sees: C_INCLUDE_PATH and the like would change the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """An installed compiler; `run` and `call` call one of its tools."""

    executable: Path
    cache_directory: Path

    @property
    def libc_directory(self) -> Path:
        """The C libraries' headers and sources; a guest has those of musl."""
        return self.executable.parent / "lib" / "libc"

    def run(self, *arguments: str, directory: Path | None = None) -> str:
        """Call a tool (`cc`, `ar`) in `directory`. Returns its warnings, or raises GuestBuildError."""
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
            raise GuestBuildError(said or f"zig {arguments[0]} {how_it_ended(completed.returncode)}")
        return completed.stderr

    def call(self, *arguments: str, variables: Mapping[str, str]) -> tuple[int, str]:
        """Call a tool with this process's input and output; (exit code, messages)."""
        completed = subprocess.run(
            [str(self.executable), *arguments],
            env={**self._environment(), **variables},
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        code, said = completed.returncode, completed.stderr
        if code < 0:
            said += f"zig {arguments[0]} {how_it_ended(code)}\n"
        return code, said

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
        return {**inherited, "ZIG_GLOBAL_CACHE_DIR": str(self.cache_directory), "NO_COLOR": "1"}


def system_includes(toolchain: Toolchain) -> list[str]:
    """Flags for the headers of every guest: truestep.h and the C library's."""
    headers = toolchain.libc_directory / "include"
    directories = (C_DIRECTORY / "include", headers / "riscv64-linux-musl", headers / "generic-musl")
    return [part for directory in directories for part in ("-isystem", str(directory))]


def own_headers() -> list[Path]:
    """Those of them that are ours, in which other versions of truestep may differ."""
    return sorted((C_DIRECTORY / "include").rglob("*.h"))


def how_it_ended(code: int) -> str:
    """The end of a process that said nothing: its code, or the signal that ended it, and what to check."""
    if code >= 0:
        return f"ended with code {code} and no message"
    with suppress(ValueError):
        return (
            f"was ended by {signal.Signals(-code).name}; check `ulimit -a`, free memory and disk space,"
            " then try again"
        )
    return f"was ended by signal {-code}"


def find_toolchain() -> Toolchain:
    """The installed `ziglang`. Raises ToolchainMissing if it is another version or cannot write its cache."""
    spec = importlib.util.find_spec("ziglang")
    if spec is None or not spec.submodule_search_locations:
        raise ToolchainMissing(
            "expected the C compiler of PyPI's ziglang, found none;"
            " install it with: pip install 'truestep[guest]'"
        )
    version = importlib.metadata.version("ziglang")
    if version != ZIGLANG_VERSION:
        raise ToolchainMissing(
            f"expected ziglang {ZIGLANG_VERSION}, found {version}, which builds different programs;"
            " install the pinned one with: pip install 'truestep[guest]'"
        )
    executable = Path(spec.submodule_search_locations[0]) / ("zig.exe" if os.name == "nt" else "zig")
    return Toolchain(executable=executable, cache_directory=_cache_directory())


def builtin_headers(toolchain: Toolchain) -> Path:
    """The compiler's own headers, such as <stdarg.h>, which `zig cc` finds by itself."""
    return toolchain.executable.parent / "lib" / "include"


def _cache_directory() -> Path:
    """The directory that keeps compiled parts between builds; never the current directory."""
    chosen = os.environ.get("ZIG_GLOBAL_CACHE_DIR")
    directory = Path(chosen) if chosen else user_cache() / "zig"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolchainMissing(
            f"expected to keep the compiler's cache in {directory}, got: {error.strerror};"
            " set ZIG_GLOBAL_CACHE_DIR to a directory that can be written"
        ) from error
    return directory.absolute()
