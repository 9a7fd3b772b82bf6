"""What a market has shown: what a strategy has lost and could gain, others' profit, how late jobs were."""

from collections.abc import Iterable
from dataclasses import dataclass

from truestep.base import ids
from truestep.base.ids import Address
from truestep.protocol.settlement.parameters import BPS
from truestep.simulation.economy.assumptions import YEAR_SECONDS
from truestep.simulation.economy.market import Market

BAR = 3
"""What a strategy loses must be at least so many times what it could gain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One strategy at one share of stake. Coins in wei."""

    name: str
    stake_share: float
    identities: int
    attempts: int
    """Lies, leases that were never claimed, or games that were opened."""
    believed: int
    """False results that became final."""
    loss_wei: int
    """What it has less than before, without the rewards of its claims: bonds, gas, computing."""
    gain_wei: int
    """What it would have gained had every attempt succeeded; of a copycat, what it was paid and spared."""
    loss_over_gain: float | None
    """None if there was no attempt."""
    break_even_value_wei: int | None
    """The value of one false result at which lying would just pay; None of strategies that tell no lies."""
    value_at_bar_wei: int | None
    """The same at which the loss is three times the gain."""
    capital_wei: int
    """Stake and bonds that it has put in."""
    mean_delay_seconds: int
    """Of a job, from its posting to its result, beyond what it takes without the attack."""
    max_delay_seconds: int
    honest_operators_wei: int
    """What honest operators have earned, gas, computing and interest paid."""
    honest_challengers_wei: int

    @property
    def is_deterred(self) -> bool:
        """Whether the loss is at least three times the gain."""
        return self.loss_over_gain is None or self.loss_over_gain >= BAR


def measured(market: Market, name: str, usual_seconds: float) -> Measured:
    """What the strategy of a market has brought; `usual_seconds` is a job's time without the attack."""
    setting = market.setting
    strategy, side = setting.strategy, names_of(market, setting.strategy.name)
    attempts = market.attempts[strategy.name]
    believed = sum(market.told_by[task] in side for task in market.false_final)
    loss_wei = income_wei(market, side) - wealth_wei(market, side)
    gain_wei = _gain_wei(market, attempts, side)
    times = delays(market)
    bar_wei, even_wei = _values_wei(market, attempts, loss_wei)
    return Measured(
        name=name,
        stake_share=setting.share_bps / BPS,
        identities=sum(name in side for name in market.nodes),
        attempts=attempts,
        believed=believed,
        loss_wei=loss_wei,
        gain_wei=gain_wei,
        loss_over_gain=round(loss_wei / gain_wei, 3) if gain_wei else None,
        break_even_value_wei=even_wei,
        value_at_bar_wei=bar_wei,
        capital_wei=_capital_wei(market, side),
        mean_delay_seconds=round(sum(times) / len(times) - usual_seconds) if times else 0,
        max_delay_seconds=round(max(times) - usual_seconds) if times else 0,
        honest_operators_wei=honest_operators_wei(market),
        honest_challengers_wei=sum(profit_wei(market, node.name) for node in market.challengers),
    )


def names_of(market: Market, side: str) -> frozenset[Address]:
    """All accounts of a side."""
    return frozenset(name for name, of in market.world.sides.items() if of == side)


def wealth_wei(market: Market, names: Iterable[Address]) -> int:
    """What they have more than at first, computing paid."""
    chain = market.world.chain
    return sum(chain.wealth_wei(name) - chain.tallies[name].compute_wei for name in names)


def income_wei(market: Market, names: Iterable[Address]) -> int:
    """The rewards of their claims."""
    return sum(market.income_wei[name] for name in names)


def profit_wei(market: Market, name: Address) -> int:
    """What one node has earned, the interest on its locked stake paid."""
    interest_wei = market.locked_wei_seconds[name] * market.assumptions.stake_interest_bps
    return wealth_wei(market, (name,)) - interest_wei // (BPS * YEAR_SECONDS)


def honest_operators_wei(market: Market) -> int:
    """What all honest operators have earned."""
    honest = market.operators[: market.setting.operators]
    return sum(profit_wei(market, node.name) for node in honest)


def delays(market: Market) -> list[int]:
    """From a job's posting to the result of its last shard, of jobs that got one."""
    shards = market.setting.shards
    found: list[int] = []
    for job_id, posted_at in market.posted_at.items():
        ends = [market.final_at.get(ids.task_of(job_id, shard)) for shard in range(shards)]
        known = [end for end in ends if end is not None]
        if len(known) == shards:
            found.append(max(known) - posted_at)
    return found


def _gain_wei(market: Market, attempts: int, side: frozenset[Address]) -> int:
    """What the attempts were about."""
    strategy, assumed = market.setting.strategy, market.assumptions
    spared_wei = market.max_cycles * 3 // 4 * assumed.cycle_price_wei
    if strategy.copies:
        paid_wei = sum(market.paid_wei[name] for name in side)
        return paid_wei + attempts * spared_wei
    if strategy.lies_bps:
        value_wei = assumed.task_value_wei if strategy.wants_value else 0
        return attempts * (market.reward_wei + spared_wei + value_wei)
    return attempts * assumed.delay_value_wei


def _values_wei(market: Market, attempts: int, loss_wei: int) -> tuple[int | None, int | None]:
    """At which value of a false result the loss is three times the gain, and at which it is as much.

    Every lie counts as gained, so both are lower than they are for lies that are found out.
    """
    if not market.setting.strategy.lies_bps or not attempts:
        return None, None
    each_wei = loss_wei // attempts
    return max(each_wei // BAR - market.reward_wei, 0), max(each_wei - market.reward_wei, 0)


def _capital_wei(market: Market, side: frozenset[Address]) -> int:
    """The largest stake that its batches have locked, and all bonds of its games."""
    return sum(market.deposits_wei[name] + market.bonds_wei[name] for name in side)
