"""What a deployment whose claims can be audited creates besides, and what must hold then (docs/audits.md)."""

from dataclasses import asdict, astuple

from truestep.protocol.audits.contracts.audits import Rules
from truestep.protocol.deployment import quorum
from truestep.protocol.deployment.plan import AddressOf, Answer, Create, Fact, Fixed, Invoke, Step

CONTRACT = "Audits"
POLICY = quorum.POLICY + 1
"""The number of the policy *audited* in a network that was deployed with it (S8): after that of *quorum*."""


_LINKS = ("Assurances", "Disputes", "Jobs", "Operators", "Parameters")
"""The contracts that Audits asks, besides those of draws."""


def steps(rules: Rules) -> tuple[Step, ...]:
    """Create Audits, and add its policy before Jobs is connected."""
    links = tuple(AddressOf(contract=name) for name in ("Assurances", "Sortition", "Randomness"))
    return (
        Create(contract=CONTRACT, arguments=(*links, astuple(rules))),
        Invoke(
            contract="Assurances",
            function="add",
            arguments=(AddressOf(contract=CONTRACT), POLICY),
            title="add the policy audited",
            needs_storage=True,  # its number is the next
        ),
    )


def facts(rules: Rules, exit_seconds: int) -> tuple[Fact, ...]:
    """What holds in a network with this policy, whose rules never change."""
    links = {name.upper(): AddressOf(contract=name) for name in _LINKS}
    asked = {f"audit_pool.{name.upper()}": AddressOf(contract=name) for name in ("Sortition", "Randomness")}
    numbers = {f"audit_rules.{name.upper()}": value for name, value in asdict(rules).items()}
    numbers["audit_pool.EXIT_SECONDS"] = exit_seconds
    return (
        *(Fixed(contract=CONTRACT, name=name, expected=value) for name, value in (links | asked).items()),
        *(Fixed(contract=CONTRACT, name=name, expected=value) for name, value in numbers.items()),
        Answer(
            contract="Assurances",
            function="policies",
            arguments=(POLICY,),
            expected=AddressOf(contract=CONTRACT),
        ),
    )
