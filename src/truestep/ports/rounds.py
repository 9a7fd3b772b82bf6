"""What a node must know of rounds to give secrets for their seeds (docs/assignment.md D2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from truestep.base.ids import Address, Bytes32
from truestep.protocol.assignment.rules import DrawRules


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What an account has promised and not revealed, by round, and what it is owed."""

    commitments: dict[int, Bytes32]
    """Zero: nothing, or it is revealed."""
    owed_wei: int


class Rounds(Protocol):
    """The rounds of one network."""

    @property
    def rules(self) -> DrawRules:
        """The phases and bonds, which never change."""
        ...

    @property
    def place(self) -> bytes:
        """The chain and the contract, so that a secret is of no use at another one."""
        ...

    def promises(self, account: Address, rounds: Sequence[int]) -> Promises:
        """What the newest block says. Raises `Unavailable`."""
        ...


class Pledges(Protocol):
    """What operators weigh in the draws of one network."""

    @property
    def rules(self) -> DrawRules:
        """The phases, which never change."""
        ...

    def has_stale_weight(self, operator: Address) -> bool:
        """Whether an operator weighs something else than its pledge should (D3.4). Raises `Unavailable`."""
        ...
