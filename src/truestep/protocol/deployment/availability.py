"""What a deployment with availability creates besides, and what must hold then (docs/availability.md)."""

from dataclasses import astuple

from truestep.protocol.availability.contracts.keepers import Rules
from truestep.protocol.deployment.plan import (
    AddressOf,
    Answer,
    Argument,
    Create,
    Fact,
    Fixed,
    Invoke,
    Step,
)

CONTRACTS = ("Keepers", "Items", "Challenges", "Bindings", "Kept")
"""In order of their creation."""
KEPT_LINKS = ("Assurances", "Disputes", "Jobs", "Operators", "Parameters", "Items", "Challenges")
"""The contracts that Kept asks."""
POLICY = 2
"""The number of the policy *kept* in a network that was deployed with it (S8)."""


def steps(rules: Rules) -> tuple[Step, ...]:
    """Create and connect the contracts, and add their policy before Jobs is connected."""
    keepers, items, challenges, bindings, kept = (AddressOf(contract=name) for name in CONTRACTS)
    return (
        Create(contract="Keepers", arguments=(astuple(rules),)),
        Create(contract="Items", arguments=(keepers,)),
        Create(contract="Challenges", arguments=(items,)),
        Create(contract="Bindings", arguments=(items,)),
        Create(contract="Kept", arguments=(AddressOf(contract="Assurances"), keepers, items, challenges)),
        Invoke(contract="Keepers", function="connect", arguments=(items,), title="connect Keepers"),
        Invoke(contract="Items", function="connect", arguments=(challenges, bindings), title="connect Items"),
        Invoke(contract="Assurances", function="add", arguments=(kept, POLICY), title="add the policy kept"),
    )


def facts(rules: Rules) -> tuple[Fact, ...]:
    """What holds in a network with these rules of availability."""
    address = {name: AddressOf(contract=name) for name in CONTRACTS}
    words = b"".join(value.to_bytes(32, "big") for value in astuple(rules))
    return (
        Fixed(contract="Keepers", name="RULES", expected=words),
        *_fixed(
            "Items",
            {
                "KEEPERS": address["Keepers"],
                "BOND_WEI": rules.registrant_bond_wei,
                "ACKNOWLEDGE_SECONDS": rules.acknowledge_seconds,
                "WINNER_SHARE_BPS": rules.winner_share_bps,
            },
        ),
        *_fixed(
            "Challenges",
            {
                "ITEMS": address["Items"],
                "ELEMENT_BOND_WEI": rules.element_bond_wei,
                "BLOB_BOND_WEI": rules.blob_bond_wei,
                "ANSWER_SECONDS": rules.answer_seconds,
            },
        ),
        *_fixed(
            "Bindings",
            {
                "ITEMS": address["Items"],
                "BOND_WEI": rules.tree_bond_wei,
                "ANSWER_SECONDS": rules.answer_seconds,
            },
        ),
        *_fixed(
            "Kept",
            {
                **{name.upper(): AddressOf(contract=name) for name in KEPT_LINKS},
                "ANSWER_SECONDS": rules.answer_seconds,
                "ACKNOWLEDGE_SECONDS": rules.acknowledge_seconds,
                "BLOB_BOND_WEI": rules.blob_bond_wei,
            },
        ),
        Answer(contract="Keepers", function="items", expected=address["Items"]),
        Answer(contract="Items", function="challenges", expected=address["Challenges"]),
        Answer(contract="Items", function="bindings", expected=address["Bindings"]),
        Answer(contract="Assurances", function="policies", arguments=(POLICY,), expected=address["Kept"]),
    )


def _fixed(contract: str, values: dict[str, Argument]) -> tuple[Fixed, ...]:
    return tuple(Fixed(contract=contract, name=name, expected=value) for name, value in values.items())
