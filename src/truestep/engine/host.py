"""This computer's processor: its float unit, and what it is."""

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatUnit:
    """The float unit of an architecture: its registers, and the control word for rounding and subnormals."""

    register_class: str
    """The constraint of inline assembly for a float register."""
    mode_type: str
    """Of the control word."""
    default_mode: int
    """The control word for plain IEEE 754: round to nearest, keep subnormals, trap no exception."""
    declarations: str
    read_mode: str
    """IR that sets %mode; it may use %mode.at, room for a word."""
    write_mode: str
    """IR that makes {mode} the control word; the same room may be used."""


_X86 = FloatUnit(
    register_class="x",
    mode_type="i32",
    default_mode=0x1F80,
    declarations="""declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
""",
    read_mode="""call void @llvm.x86.sse.stmxcsr(ptr %mode.at)
  %mode = load i32, ptr %mode.at""",
    write_mode="""store i32 {mode}, ptr %mode.at
  call void @llvm.x86.sse.ldmxcsr(ptr %mode.at)""",
)
_ARM = FloatUnit(
    register_class="w",
    mode_type="i64",
    default_mode=0,
    declarations="""declare i64 @llvm.aarch64.get.fpcr()
declare void @llvm.aarch64.set.fpcr(i64)
""",
    read_mode="%mode = call i64 @llvm.aarch64.get.fpcr()",
    write_mode="call void @llvm.aarch64.set.fpcr(i64 {mode})",
)
_FLOAT_UNITS = {"x86_64": _X86, "aarch64": _ARM, "arm64": _ARM}


@cache
def float_unit() -> FloatUnit | None:
    """This processor's float unit; without one, float instructions are left to the reference machine."""
    return _FLOAT_UNITS.get(platform.machine())


_CPU_INFO = Path("/proc/cpuinfo")
_IDENTITY = (
    *("vendor_id", "cpu family", "model", "model name", "stepping", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Features"),
)
"""The lines of Linux's /proc/cpuinfo, on x86-64 and on ARM, that say for what a processor can be compiled."""


@cache
def has_templates() -> bool:
    """Whether this processor can run the first tier's code (engine.templates)."""
    return platform.machine() == "x86_64" and has_feature("bmi2")


def has_feature(name: str) -> bool:
    """Whether Linux says so."""
    return name in processor().split()


def processor() -> str:
    """What this processor is and can do, in words that change whenever compiled code would."""
    try:
        lines = _CPU_INFO.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    known = sorted({line for line in lines if line.partition(":")[0].strip() in _IDENTITY})
    if any(line.startswith(("flags", "Features")) for line in known):
        return "\n".join((platform.machine(), *known))
    import llvmlite.binding as llvm  # takes 60 MB

    return repr((llvm.get_process_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()))
