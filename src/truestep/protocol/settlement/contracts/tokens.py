"""The one call of an ERC-20 token that requesters need (EIP-20); a token is part of no deployment."""

from dataclasses import dataclass

from truestep.base.ids import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """Let an account take up to an amount of the token from the sender."""

    token: Address
    spender: Address
    amount: int
