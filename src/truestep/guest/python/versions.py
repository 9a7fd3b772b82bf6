"""Versions of the packages on which a Python guest depends, found without importing them."""

import importlib.metadata
import importlib.util
import platform

from truestep.guest.errors import ToolchainMissing
from truestep.guest.toolchain import ZIGLANG_VERSION

NUMBA_VERSION = "0.68.1"
"""Another version builds different programs, and may have other names for the parts that we change."""

LLVMLITE_VERSION = "0.50.0"

_REMEDY = "install it with: pip install 'truestep[python]'"


def find_numba() -> None:
    """Raises ToolchainMissing unless the pinned Numba and llvmlite are installed."""
    for package, pinned in (("numba", NUMBA_VERSION), ("llvmlite", LLVMLITE_VERSION)):
        if importlib.util.find_spec(package) is None:
            raise ToolchainMissing(
                f"expected {package} {pinned}, which compiles Python guests, found none; {_REMEDY}"
            )
        version = importlib.metadata.version(package)
        if version != pinned:
            raise ToolchainMissing(
                f"expected {package} {pinned}, found {version}, which builds different programs; {_REMEDY}"
            )


def compiler_versions() -> str:
    """All versions that a guest's bytes depend on, in one line."""
    found = [f"{name} {_version(name)}" for name in ("numba", "llvmlite", "numpy")]
    return ", ".join([f"python {platform.python_version()}", f"ziglang {ZIGLANG_VERSION}", *found])


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "none"
