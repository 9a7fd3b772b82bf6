"""The programs that are measured: one C source each, for every runner the same."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
REPOSITORY = BENCHMARKS.parent
KERNELS_DIRECTORY = BENCHMARKS / "kernels"
HOST_INCLUDE = KERNELS_DIRECTORY / "host"
DEMO = REPOSITORY / "src" / "truestep" / "demo"


class Scale(StrEnum):
    """How much work a kernel is given."""

    CHECK = "check"
    """Some 100,000 instructions: the reference interpreter and the tests run it."""
    QUICK = "quick"
    """Some 0.05 s: enough to see a change, too little to publish."""
    FULL = "full"
    """0.2 to 0.6 s natively."""


FLOAT_KERNELS = ("nbody",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A program and its sizes. Parameters go in as u64, or, where `macro` is named, as that macro."""

    name: str
    title: str
    source: Path
    full_size: str
    """Scale.FULL in words, after the title."""
    parameters: Mapping[Scale, tuple[int, ...]]
    macro: str | None = None
    input_file: Path | None = field(default=None)

    @property
    def is_integer(self) -> bool:
        """Whether it computes without floats: the mean is over those."""
        return self.name not in FLOAT_KERNELS

    def label(self, scale: Scale) -> str:
        """Its name in tables, with its size where that is the one to be quoted."""
        return f"{self.title}{self.full_size}" if scale is Scale.FULL else self.title

    def input(self, scale: Scale) -> bytes:
        """What the program reads."""
        if self.input_file is not None:
            return self.input_file.read_bytes()
        return struct.pack(f"<{len(self.parameters[scale])}Q", *self.parameters[scale])

    def defines(self, scale: Scale) -> dict[str, str]:
        """The macros it is compiled with."""
        return {self.macro: str(self.parameters[scale][0])} if self.macro else {}


def _kernel(
    name: str,
    title: str,
    full_size: str,
    check: tuple[int, ...],
    quick: tuple[int, ...],
    full: tuple[int, ...],
) -> Kernel:
    return Kernel(
        name=name,
        title=title,
        full_size=full_size,
        source=KERNELS_DIRECTORY / f"{name}.c",
        parameters={Scale.CHECK: check, Scale.QUICK: quick, Scale.FULL: full},
    )


KERNELS = (
    _kernel("sha256", "SHA-256", " of 64 MiB", (47 * 64,), (8 << 20,), (64 << 20,)),
    _kernel("matmul", "i64 matrix product", ", 512²", (20, 1), (256, 3), (512, 3)),
    _kernel("sieve", "sieve", " of 32 million", (6_000, 1), (6_000_000, 1), (32_000_000, 2)),
    _kernel("quicksort", "quicksort", " of 4 million", (900, 1), (500_000, 1), (4_000_000, 1)),
    _kernel("bytecode", "bytecode interpreter", "", (40,), (20_000,), (200_000,)),
    _kernel("indirect", "calls through pointers", "", (2,), (2_500,), (20_000,)),
    _kernel("core_mix", "CoreMark-like mix", "", (1,), (2_000,), (16_000,)),
    _kernel("nbody", "n-body in doubles", "", (100,), (400_000,), (2_500_000,)),
    Kernel(
        name="value_at_risk",
        title="the demo's guest",
        full_size="",
        source=DEMO / "value_at_risk.c",
        parameters={Scale.CHECK: (100,), Scale.QUICK: (650_000,), Scale.FULL: (5_000_000,)},
        macro="PATHS",
        input_file=DEMO / "stocks.csv",
    ),
)
