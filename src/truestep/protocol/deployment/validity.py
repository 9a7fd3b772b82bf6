"""What a deployment that believes proofs creates besides, and what must hold then (docs/validity.md)."""

from truestep.protocol.deployment import availability
from truestep.protocol.deployment.plan import AddressOf, Answer, Create, Fact, Fixed, Invoke, Step

CONTRACT = "Verifiers"
_LINKS = ("Assurances", "Disputes", "Jobs", "Parameters")
"""The contracts that Verifiers asks."""


POLICY = availability.POLICY + 1
"""The number of the policy *validity* in a network that was deployed with it (S8): after that of *kept*."""


def steps() -> tuple[Step, ...]:
    """Create Verifiers, and add its policy before Jobs is connected."""
    verifiers = AddressOf(contract=CONTRACT)
    return (
        Create(contract=CONTRACT, arguments=(AddressOf(contract="Assurances"),)),
        Invoke(
            contract="Assurances",
            function="add",
            arguments=(verifiers, POLICY),
            title="add the policy validity",
            needs_storage=True,  # its number is the next
        ),
    )


def facts() -> tuple[Fact, ...]:
    """What holds in a network with this policy. Its entries are not fixed: governance adds and stops them."""
    verifiers = AddressOf(contract=CONTRACT)
    links = {name.upper(): AddressOf(contract=name) for name in _LINKS} | {
        "OWNER": AddressOf(contract="Timelock")
    }
    return (
        *(Fixed(contract=CONTRACT, name=name, expected=value) for name, value in links.items()),
        Answer(contract="Assurances", function="policies", arguments=(POLICY,), expected=verifiers),
    )
