"""Calls of the contracts of availability that carry coins."""

from dataclasses import dataclass
from typing import Any

from truestep.protocol.availability.contracts.bindings import Pick, StrikeFound, StrikeMismatch

TIMED = (Pick, StrikeFound, StrikeMismatch)
"""A clock runs for these, or another one may be faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """A call of one of the contracts, and the coins that go with it."""

    call: Any
    value_wei: int = 0
