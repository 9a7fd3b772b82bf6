"""Why a guest could not be built."""

from truestep.base.errors import Unavailable


class GuestBuildError(Exception):
    """The sources do not build. The message is what the compiler or linker said, word for word."""


class ToolchainMissing(Unavailable):
    """The compiler is not installed, not the pinned version, or has no place for its cache."""
