"""Calls and events of Programs (docs/protocol.md S1.1)."""

from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, ProgramId


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """Register a program (S1.1)."""

    image_root: Bytes32
    entry: int
    max_cycles: int
    workload: int
    digest: Bytes32
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A program was registered."""

    program_id: ProgramId
    owner: Address
    image_root: Bytes32
    entry: int
    max_cycles: int
    workload: int
    digest: Bytes32
    uri: str


Call = Register
Event = Registered
