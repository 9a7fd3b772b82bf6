"""The phases of a network's admission as options name them (docs/operators.md O4)."""

from enum import StrEnum

from truestep.protocol.settlement.standing import Phase


class PhaseName(StrEnum):
    """Who may lock stake."""

    ALLOW_LIST = "allow-list"
    STAKE_GATED = "stake-gated"
    OPEN = "open"


def phase_of(name: PhaseName) -> Phase:
    """The phase of a name."""
    return Phase[name.name]


def name_of(phase: Phase) -> PhaseName:
    """The name of a phase."""
    return PhaseName[phase.name]
