"""Toolchains that turn guest programs into RISC-V ELF files."""

from truestep.guest.build import BuiltGuest, build_c
from truestep.guest.errors import GuestBuildError, ToolchainMissing

__all__ = ["BuiltGuest", "GuestBuildError", "ToolchainMissing", "build_c"]
