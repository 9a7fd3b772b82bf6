"""The mathematical functions of guests, built from sources in the compiler's wheel."""

import functools
import tempfile
from pathlib import Path

from truestep.guest.kept import kept
from truestep.guest.objects import with_weak_definitions
from truestep.guest.toolchain import (
    C_DIRECTORY,
    COMPILE_FLAGS,
    TARGET_FLAGS,
    ZIG_FLAGS,
    Toolchain,
    system_includes,
)

MATH_DIRECTORY = C_DIRECTORY / "math"

ARCHIVE = "libm.a"

# What neither the compiler's runtime (exp, log, sin, cos, tan, sqrt, fmod, floor, …) nor its standard library
# (acos, cosh, cbrt, …) has. A name's single-precision twin comes along where there is one.
_MUSL_FUNCTIONS = (
    "acosh", "asin", "asinh", "atan2", "atanh", "erf", "expm1", "ilogb", "j0", "j1", "jn", "ldexp", "lgamma",
    "lgamma_r", "logb", "nextafter", "pow", "remainder", "remquo", "scalbn", "sinh", "tgamma",
)  # fmt: skip
# What those call within musl.
_MUSL_PARTS = (
    "__cos", "__cosdf", "__expo2", "__fpclassify", "__math_divzero", "__math_invalid", "__math_oflow",
    "__math_uflow", "__math_xflow", "__rem_pio2_large", "__signbit", "__sin", "__sindf", "exp_data",
    "exp2f_data", "pow_data", "powf_data", "signgam",
)  # fmt: skip

MUSL_INCLUDES = (
    "musl/src/internal",
    "musl/src/include",
    "musl/include",
    "musl/arch/riscv64",
    "musl/arch/generic",
    "include/riscv64-linux-musl",
    "include/generic-musl",
)


def mathematics_sources() -> list[Path]:
    """Our own part of libm: functions that the wheel lacks, and names for those that it has."""
    return sorted(MATH_DIRECTORY.iterdir())


@functools.cache
def mathematics_archive(toolchain: Toolchain) -> bytes:
    """An archive of <math.h>, from which the linker takes what a program uses."""
    flags = (*COMPILE_FLAGS, *ZIG_FLAGS, *_MUSL_FUNCTIONS, *_MUSL_PARTS)
    return kept("libm", flags, mathematics_sources(), lambda: _compile(toolchain))


def _compile(toolchain: Toolchain) -> bytes:
    with tempfile.TemporaryDirectory(prefix="truestep-libm-") as name:
        directory = Path(name)
        toolchain.run("build-lib", *_arguments(toolchain), directory=directory)
        return with_weak_definitions((directory / ARCHIVE).read_bytes())


def _arguments(toolchain: Toolchain) -> list[str]:
    """The compiler's arguments. Floats are strict: no result depends on contraction or reordering."""
    libc = toolchain.libc_directory
    strict = [flag for flag in COMPILE_FLAGS if flag not in TARGET_FLAGS]
    ours = ["-cflags", *strict, "-O2", *system_includes(toolchain), "--"]
    theirs = ["-cflags", *strict, "-O2", "-fno-builtin", "-std=c99", "-D_XOPEN_SOURCE=700", "-w"]
    theirs += [*(f"-I{libc / part}" for part in MUSL_INCLUDES), "--"]
    zig = [*ZIG_FLAGS, "-fno-unwind-tables", "-ffunction-sections", "-fdata-sections"]
    own_sources = mathematics_sources()
    return [
        *TARGET_FLAGS,
        *zig,
        "-static",
        "--name",
        "m",
        *(str(source) for source in own_sources if source.suffix == ".zig"),
        *ours,
        *(str(source) for source in own_sources if source.suffix == ".c"),
        *theirs,
        *map(str, _musl_sources(libc / "musl" / "src" / "math")),
    ]


def _musl_sources(directory: Path) -> list[Path]:
    names = [f"{name}{twin}.c" for name in (*_MUSL_FUNCTIONS, *_MUSL_PARTS) for twin in ("", "f")]
    names.append("lgammaf_r.c")
    return [directory / name for name in names if (directory / name).is_file()]
