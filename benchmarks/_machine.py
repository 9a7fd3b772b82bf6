"""What the figures were measured on, in words."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from _builds import native_compiler
from _kernels import REPOSITORY
from _runners import find_qemu


def machine_description() -> dict[str, str]:
    """Computer, compilers, versions, commit, date: label and text."""
    return {
        "processor": f"{_cpu_model()}, {os.cpu_count()} cores, {_memory_gib()} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "native": native_compiler(),
        "guest": f"ziglang {_version('ziglang')} -O2, RV64IM with Zfinx and Zdinx",
        "engine": f"truestep {_version('truestep')} ({_commit()}), llvmlite {_version('llvmlite')}",
        "qemu": _qemu_version(),
        "wasmtime": _version("wasmtime"),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "load": f"{os.getloadavg()[0]:.2f} before the first measurement",
    }


def _cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return f"{found.group(1) if found else 'unknown'} ({platform.machine()})"


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _qemu_version() -> str:
    qemu = find_qemu()
    if qemu is None:
        return "not installed"
    return subprocess.run(
        [qemu, "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]


def _commit() -> str:
    """The commit measured; `+` if files differ from it."""
    command = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not from a checkout"
