"""Calls and events of Parameters (docs/protocol.md S2)."""

from dataclasses import dataclass

from truestep.protocol.settlement.parameters import Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """Add a set, by the owner (S2.4)."""

    parameters: Parameters
    parameters_id: int
    """The number that it must get."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A set was added."""

    parameters_id: int
    parameters: Parameters


Call = Add
Event = Added
