"""One C source as a native program, a guest, a RISC-V program of Linux and a WebAssembly module."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from _kernels import HOST_INCLUDE, KERNELS_DIRECTORY

from truestep.guest import build_c
from truestep.guest.toolchain import ZIGLANG_VERSION, find_toolchain

# The guest's own instruction set, but for floats in registers of their own, as Linux has them; its C library
# needs atomics, the kernels use none.
LINUX_RISCV_FLAGS = (
    *("-target", "riscv64-linux-musl", "-mcpu=generic_rv64+m+a+f+d+relax+unaligned_scalar_mem", "-static"),
    "-fomit-frame-pointer",
)
# The same bits everywhere, and square roots without errno, as in guests.
FLOAT_FLAGS = ("-ffp-contract=off", "-fno-math-errno")
WASM_FLAGS = ("-target", "wasm32-wasi")


@cache
def native_compiler() -> str:
    """What compiles the native programs, in words for the page."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return f"zig cc {ZIGLANG_VERSION} -O2 (clang; no gcc was found)"
    version = subprocess.run([gcc, "--version"], check=True, capture_output=True, text=True).stdout
    return f"{version.splitlines()[0]} -O2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Builds:
    """Builds into one directory, each request once."""

    directory: Path
    _built: dict[tuple[str, Path, tuple[tuple[str, str], ...]], Path] = field(
        init=False, default_factory=dict[tuple[str, Path, tuple[tuple[str, str], ...]], Path]
    )

    def native(self, source: Path, defines: Mapping[str, str]) -> Path:
        """A program of this computer: by gcc, or by zig cc where there is none."""
        return self._build("native", source, defines)

    def linux_riscv(self, source: Path, defines: Mapping[str, str]) -> Path:
        """A static RV64IMFD program of Linux."""
        return self._build("linux_riscv", source, defines)

    def wasm(self, source: Path, defines: Mapping[str, str]) -> Path:
        """A WASI command."""
        return self._build("wasm", source, defines)

    def guest(self, source: Path, defines: Mapping[str, str]) -> Path:
        """A guest, as `truestep build` makes it."""
        return self._build("guest", source, defines)

    def _build(self, kind: str, source: Path, defines: Mapping[str, str]) -> Path:
        key = (kind, source, tuple(sorted(defines.items())))
        if key not in self._built:
            output = self.directory / f"{source.stem}-{len(self._built)}.{kind}"
            if kind == "guest":
                build_c([source], output, defines=defines, include_paths=[KERNELS_DIRECTORY])
            else:
                _compile(kind, source, output, defines)
            self._built[key] = output
        return self._built[key]


def _compile(kind: str, source: Path, output: Path, defines: Mapping[str, str]) -> None:
    include = ("-I", str(HOST_INCLUDE), "-I", str(KERNELS_DIRECTORY))
    arguments = ["-O2", *FLOAT_FLAGS, *include, "-o", str(output), str(source)]
    arguments += [f"-D{name}={value}" for name, value in defines.items()]
    gcc = shutil.which("gcc")
    if kind == "native" and gcc is not None:
        subprocess.run([gcc, *arguments], check=True)
        return
    # zig cc aims at the very CPU it runs on unless told not to; gcc does not.
    flags = {"native": ("-mcpu=baseline",), "linux_riscv": LINUX_RISCV_FLAGS, "wasm": WASM_FLAGS}[kind]
    find_toolchain().run("cc", *flags, "-fno-sanitize=all", "-UNDEBUG", *arguments)
