"""The three kinds of failure: the input is bad, the world failed, we are wrong."""

from enum import StrEnum


class Reject(StrEnum):
    """Why an input is refused. A contract's revert string is the value of its reason."""

    ELF_NOT_ELF = "not an ELF file"
    ELF_TRUNCATED = "ELF file is truncated"
    ELF_ARCHITECTURE = "ELF file is not for 64-bit little-endian RISC-V"
    ELF_TYPE = "ELF file is not a static executable"
    ELF_SEGMENT = "ELF segment lies outside the machine's ranges"
    ELF_OVERLAP = "ELF segments overlap"
    ELF_ENTRY = "ELF entry point is not a code address"
    ELF_TOO_LARGE = "ELF file is too large"
    INPUT_TOO_LARGE = "input is too large"
    SHARD_RANGE = "shard index is not below shard count"
    WITNESS_LENGTH = "witness length"
    WITNESS_MASK = "witness mask"
    WITNESS_PROOF = "witness proof"


class Rejected(Exception):
    """Somebody's input is bad. `reason` is for programs, the message for people."""

    def __init__(self, reason: Reject, message: str) -> None:
        super().__init__(f"{reason.value}: {message}")
        self.reason = reason


class Unavailable(Exception):
    """The world failed (node down, disk full, time out): try again, within bounds."""


class Bug(Exception):
    """We are wrong: crash loudly and keep the evidence."""
