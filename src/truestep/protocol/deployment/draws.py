"""What every deployment creates for draws, and what must hold then (docs/assignment.md)."""

from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.deployment.plan import AddressOf, Argument, Create, Fact, Fixed, Step

CONTRACTS = ("Randomness", "Sortition")
"""In order of their creation."""


def steps(rules: DrawRules) -> tuple[Step, ...]:
    """Create Randomness and Sortition, before Operators is sealed."""
    phases = (rules.commit_seconds, rules.reveal_seconds, rules.draw_seconds)
    randomness, assurances = AddressOf(contract="Randomness"), AddressOf(contract="Assurances")
    pledges = (rules.least_pledge_wei, rules.exit_seconds)
    return (
        Create(contract="Randomness", arguments=(*phases, rules.entropy_bond_wei)),
        Create(contract="Sortition", arguments=(assurances, randomness, *pledges)),
    )


def facts(rules: DrawRules) -> tuple[Fact, ...]:
    """What holds in a network with these rules of draws."""
    phases = {
        "draw_phases.commit_seconds": rules.commit_seconds,
        "draw_phases.reveal_seconds": rules.reveal_seconds,
        "draw_phases.draw_seconds": rules.draw_seconds,
        "draw_phases.ROUND_SECONDS": rules.phases.round_seconds,
    }
    links = {name.lower(): AddressOf(contract=name) for name in ("Assurances", "Operators", "Randomness")}
    pledges = {"least_pledge_wei": rules.least_pledge_wei, "exit_seconds": rules.exit_seconds}
    return (
        *_fixed("Randomness", {**phases, "bond_wei": rules.entropy_bond_wei}),
        *_fixed("Sortition", {**phases, **links, **pledges}),
    )


def _fixed(contract: str, values: dict[str, Argument]) -> tuple[Fixed, ...]:
    return tuple(Fixed(contract=contract, name=name, expected=value) for name, value in values.items())
