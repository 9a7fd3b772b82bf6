"""Builds guest programs into RISC-V ELF files. The package is also the decorator of Python guests.

`truestep.guest` is both this package and the decorator `@truestep.guest`. It is therefore a module that can
be called: whichever of the two is imported first, it does not hide the other.

What builds is loaded when it is used: a run needs only the folder of the user's cache from this package.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from truestep.guest.build import BuiltGuest, build_c
    from truestep.guest.errors import GuestBuildError, ToolchainMissing
    from truestep.guest.python.build import build_python

__all__ = ["BuiltGuest", "GuestBuildError", "ToolchainMissing", "build_c", "build_python"]

_PLACES = {
    "BuiltGuest": "truestep.guest.build",
    "GuestBuildError": "truestep.guest.errors",
    "ToolchainMissing": "truestep.guest.errors",
    "build_c": "truestep.guest.build",
    "build_python": "truestep.guest.python.build",
}


class _CallablePackage(ModuleType):
    """This package; calling it applies the decorator."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """See truestep.guest.sdk.guest."""
        from truestep.guest.sdk import guest

        return guest(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        if name not in _PLACES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = getattr(import_module(_PLACES[name]), name)
        setattr(self, name, found)
        return found


sys.modules[__name__].__class__ = _CallablePackage
