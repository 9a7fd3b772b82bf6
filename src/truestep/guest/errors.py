"""Why a guest could not be built."""

from truestep.base.errors import Unavailable


class GuestBuildError(Exception):
    """The sources do not build. The message is that of the compiler or linker, unchanged."""


class ToolchainMissing(Unavailable):
    """The compiler is not installed, is not the pinned version, or cannot write its cache."""
