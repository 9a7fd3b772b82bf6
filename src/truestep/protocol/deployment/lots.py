"""What a deployment that draws lots creates besides, and what must hold then (docs/drawn.md)."""

from dataclasses import asdict, astuple

from truestep.protocol.deployment import audits
from truestep.protocol.deployment.plan import AddressOf, Answer, Create, Fact, Fixed, Invoke, Step
from truestep.protocol.lots.contracts.lots import Rules

CONTRACT = "Lots"
POLICY = audits.POLICY + 1
"""The number of the policy *drawn* in a network that was deployed with it (S8): after that of *audited*."""
_LINKS = ("Assurances", "Jobs", "Operators", "Sortition", "Randomness")
"""The contracts that Lots asks."""


def steps(rules: Rules) -> tuple[Step, ...]:
    """Create Lots, and add its policy before Jobs is connected."""
    own = AddressOf(contract=CONTRACT)
    links = (AddressOf(contract="Assurances"), AddressOf(contract="Sortition"))
    return (
        Create(contract=CONTRACT, arguments=(*links, astuple(rules))),
        Invoke(
            contract="Assurances",
            function="add",
            arguments=(own, POLICY),
            title="add the policy drawn",
            needs_storage=True,  # its number is the next
        ),
    )


def facts(rules: Rules) -> tuple[Fact, ...]:
    """What holds in a network with this policy."""
    links = {name.upper(): AddressOf(contract=name) for name in _LINKS}
    numbers = {name.upper(): value for name, value in asdict(rules).items()}
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
