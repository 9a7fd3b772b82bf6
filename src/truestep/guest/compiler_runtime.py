"""The functions that the compiler's own code calls, such as divisions of 128-bit integers."""

import tempfile
from pathlib import Path

from truestep.guest.kept import kept
from truestep.guest.toolchain import TARGET_FLAGS, ZIG_FLAGS, Toolchain

ARCHIVE = "compiler_rt.a"

_NAME = "compiler_rt"
_FLAGS = (*TARGET_FLAGS, *ZIG_FLAGS, "-static", "-fcompiler-rt", "--name", "runtime")


def compiler_runtime_archive(toolchain: Toolchain) -> bytes:
    """An archive, from which the linker takes what a program uses."""
    return kept(_NAME, _FLAGS, (), lambda: _compile(toolchain))


def _compile(toolchain: Toolchain) -> bytes:
    with tempfile.TemporaryDirectory(prefix="truestep-compiler-rt-") as name:
        directory = Path(name)
        # The compiler adds its runtime to a library; this one has nothing else in it.
        (directory / "empty.zig").touch()
        toolchain.run("build-lib", *_FLAGS, "empty.zig", directory=directory)
        return (directory / "libruntime.a").read_bytes()
