"""What a deployment with Anchors creates besides, and what must hold then (docs/logs.md L4)."""

from dataclasses import asdict

from truestep.protocol.deployment.plan import AddressOf, Create, Fact, Fixed, Step
from truestep.protocol.logs.anchors import Terms

CONTRACT = "Anchors"
MODULE_TITLE = "let Anchors lock bonds of logs"


def steps(terms: Terms) -> tuple[Step, ...]:
    """Create Anchors. It is named as a module of Operators with the others."""
    values = (terms.bond_wei, terms.exit_seconds, terms.epoch_seconds)
    return (Create(contract=CONTRACT, arguments=(AddressOf(contract="Operators"), *values)),)


def facts(terms: Terms) -> tuple[Fact, ...]:
    """What holds in a network with these terms for logs."""
    values = {"OPERATORS": AddressOf(contract="Operators"), **asdict(terms)}
    return tuple(Fixed(contract=CONTRACT, name=name, expected=value) for name, value in values.items())
