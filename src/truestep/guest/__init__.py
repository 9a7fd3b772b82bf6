"""Toolchains that turn guest programs into RISC-V ELF files; called, the decorator that marks a Python guest.

`truestep.guest` is both this package and what `import truestep` offers as `@truestep.guest`: a module that
can be called, so that neither hides the other, whichever is imported first.
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
    """This package, with the decorator as its call."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """See truestep.guest.sdk.guest."""
        return guest(*arguments, **options)


sys.modules[__name__].__class__ = _CallablePackage
