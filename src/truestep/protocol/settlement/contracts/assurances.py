"""Calls and events of Assurances that the model knows (docs/protocol.md S2.4, S8)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Let no batch end for a while, by the guardian (S2.4)."""

    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """No batch ends before this time is over."""

    until: int


Call = Stop
Event = Stopped
