"""What a command will need in all, so that nobody is told of one missing amount after the other."""

from collections.abc import Iterable
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.units import coins, coins_or_more
from truestep.ports.chain import Chain

PROGRAM_GAS, POST_GAS, SUPPLY_GAS = 160_000, 160_000, 240_000
"""To register a program, to post a job, and to name its items: with some room above docs/gas.md."""
TASK_GAS = 216_926
"""Of one task alone: take, claim and finalize (docs/gas.md)."""
GAS_FACTOR = 2
"""The price may double while a command runs; transactions offer as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of several transactions: what they send, by its purpose, and their gas."""

    sent_wei: tuple[tuple[str, int], ...] = ()
    gas: int = 0

    @property
    def total_wei(self) -> int:
        """All that is sent."""
        return sum(amount for _, amount in self.sent_wei)


def total_of(costs: Iterable[Costs]) -> Costs:
    """Several costs together; amounts for one purpose are one."""
    sums: dict[str, int] = {}
    gas = 0
    for each in costs:
        gas += each.gas
        for purpose, amount in each.sent_wei:
            sums[purpose] = sums.get(purpose, 0) + amount
    return Costs(sent_wei=tuple(sums.items()), gas=gas)


def refuse_poor(chain: Chain, costs: Costs, action: str) -> None:
    """Raise Rejected, with the whole sum, if the account cannot pay all of it. Nothing was sent by then."""
    have_wei, gas_wei = (
        chain.balances(chain.account).wallet_wei,
        GAS_FACTOR * costs.gas * chain.gas_price_wei() if costs.gas else 0,
    )
    need_wei = costs.total_wei + gas_wei
    if have_wei >= need_wei:
        return
    parts = [f"{coins(amount)} {purpose}" for purpose, amount in costs.sent_wei if amount]
    parts.append(f"up to some {coins(gas_wei)} for gas")
    raise Rejected(
        Reject.FUNDS_TOO_LOW,
        f"{chain.account} has {coins(have_wei)}, and to {action} takes {coins(need_wei)} in all:"
        f" {', '.join(parts)}. Nothing was sent; send it at least"
        f" {coins_or_more(need_wei - have_wei)} more",
    )
