"""Builds guest programs into RISC-V ELF files. The package is also the decorator of Python guests.

`truestep.guest` is both this package and the decorator `@truestep.guest`. It is therefore a module that can
be called: whichever of the two is imported first, it does not hide the other.
"""

import sys
from types import ModuleType
from typing import Any

from truestep.guest.build import BuiltGuest, build_c
from truestep.guest.errors import GuestBuildError, ToolchainMissing
from truestep.guest.python.build import build_python
from truestep.guest.sdk import guest

__all__ = ["BuiltGuest", "GuestBuildError", "ToolchainMissing", "build_c", "build_python"]


class _CallablePackage(ModuleType):
    """This package; calling it applies the decorator."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """See truestep.guest.sdk.guest."""
        return guest(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
