"""Coins that the contracts of availability owe a keeper (docs/availability.md A4.8)."""

from collections.abc import Iterator, Mapping

from truestep.base.ids import Address
from truestep.protocol.availability.contracts import bindings, challenges, items, keepers

Withdrawal = keepers.WithdrawTo | items.WithdrawTo | challenges.WithdrawTo | bindings.WithdrawTo
WITHDRAWALS: Mapping[str, type[Withdrawal]] = {
    "Keepers": keepers.WithdrawTo,
    "Items": items.WithdrawTo,
    "Challenges": challenges.WithdrawTo,
    "Bindings": bindings.WithdrawTo,
}
WITHDRAW_SECONDS = 86_400
"""A contract is asked for coins at most once in it."""
WITHDRAW_ABOVE_WEI = 10**15
"""Less is not worth the gas."""


def withdrawals(owed: Mapping[str, int], account: Address, now: int) -> Iterator[tuple[str, Withdrawal, str]]:
    """Intent, call and words for each contract that owes enough."""
    for contract, amount_wei in sorted(owed.items()):
        if amount_wei > WITHDRAW_ABOVE_WEI:
            call = WITHDRAWALS[contract](receiver=account)
            yield f"withdraw/{contract}/{now // WITHDRAW_SECONDS}", call, f"withdraws what {contract} owes it"
