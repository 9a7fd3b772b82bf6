"""What a deployment that draws committees creates besides, and what must hold then (docs/quorum.md)."""

from dataclasses import asdict, astuple

from truestep.protocol.deployment import validity
from truestep.protocol.deployment.plan import AddressOf, Answer, Create, Fact, Fixed, Invoke, Step
from truestep.protocol.quorum.contracts.quorums import Rules

CONTRACT = "Quorums"
_LINKS = ("Assurances", "Disputes", "Jobs", "Operators", "Parameters", "Sortition", "Randomness")
"""The contracts that Quorums asks."""


POLICY = validity.POLICY + 1
"""The number of the policy *quorum* in a network that was deployed with it (S8): after that of *validity*."""


def steps(rules: Rules) -> tuple[Step, ...]:
    """Create Quorums, and add its policy before Jobs is connected."""
    own = AddressOf(contract=CONTRACT)
    links = (AddressOf(contract="Assurances"), AddressOf(contract="Sortition"))
    return (
        Create(contract=CONTRACT, arguments=(*links, astuple(rules))),
        Invoke(
            contract="Assurances",
            function="add",
            arguments=(own, POLICY),
            title="add the policy quorum",
            needs_storage=True,  # its number is the next
        ),
    )


def facts(rules: Rules) -> tuple[Fact, ...]:
    """What holds in a network with this policy."""
    links = {name.upper(): AddressOf(contract=name) for name in _LINKS}
    numbers = {f"quorum_rules.{name.upper()}": value for name, value in asdict(rules).items()}
    return (
        *(Fixed(contract=CONTRACT, name=name, expected=value) for name, value in links.items()),
        *(Fixed(contract=CONTRACT, name=name, expected=value) for name, value in numbers.items()),
        Answer(
            contract="Assurances",
            function="policies",
            arguments=(POLICY,),
            expected=AddressOf(contract=CONTRACT),
        ),
    )
