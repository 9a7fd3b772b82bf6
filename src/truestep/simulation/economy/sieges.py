"""Sybils against one job: many games on a true claim, and many liars one after the other."""

from dataclasses import dataclass, replace

from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.simulation.economy.assumptions import GAS, Assumptions
from truestep.simulation.economy.market import Market, Setting
from truestep.simulation.economy.measure import delays
from truestep.simulation.economy.strategies import LAZY, LYING, SIEGES, Strategy

CAPITAL_BAR = 10
"""The attacker's capital is at least so many times the defenders'."""
OPERATORS, CHALLENGERS = 4, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Siege:
    """What came of an attack on one job."""

    manner: str
    sybils: int
    delay_seconds: int
    bar_seconds: int
    """One window and one game."""
    attacker_wei: int
    """The bonds that the attack needs at once."""
    defender_wei: int
    """What the defenders spend before they are paid: the gas of their moves, at the cap."""
    capital_ratio: float
    attacker_loss_wei: int
    defender_profit_wei: int
    """Of those that had to move, gas paid."""
    games_won: int
    """By sybils."""
    are_defenders_whole: bool

    @property
    def is_held(self) -> bool:
        """Whether all bars are reached."""
        is_cheap = self.capital_ratio >= CAPITAL_BAR
        return self.delay_seconds <= self.bar_seconds and is_cheap and self.are_defenders_whole


def besieged(rules: Parameters, assumptions: Assumptions, seed: int, manner: Strategy, sybils: int) -> Siege:
    """Sybils on the only job's true claim, while gas costs as much as the cap."""
    dear = replace(assumptions, gas_price_wei=max(rules.gas_price_cap_wei, 1))
    setting = Setting(operators=OPERATORS, challengers=CHALLENGERS, jobs=1, days=1)
    usual = delays(Market(rules, dear, setting, seed).run())
    market = Market(rules, dear, replace(setting, strategy=manner, rogues=sybils), seed).run()
    chain, found = market.world.chain, delays(market)
    rogues = [rogue.name for rogue in market.rogues]
    honest = [node.name for node in (*market.operators, *market.challengers)]
    spent_wei = sum(chain.tallies[name].dispute_gas_wei for name in honest)
    bonds_wei = sum(market.bonds_wei[name] for name in rogues)
    defender_wei = sum(chain.wealth_wei(name) for name in honest)
    return Siege(
        manner=manner.name,
        sybils=sybils,
        delay_seconds=found[0] - usual[0] if found else market.rules.window_seconds * 10**3,
        bar_seconds=rules.window_seconds + rules.game_seconds,
        attacker_wei=bonds_wei,
        defender_wei=spent_wei,
        capital_ratio=round(bonds_wei / spent_wei, 2) if spent_wei else 0.0,
        attacker_loss_wei=-sum(chain.wealth_wei(name) for name in rogues),
        defender_profit_wei=defender_wei,
        games_won=sum(market.struck_true.values()),
        are_defenders_whole=all(chain.wealth_wei(name) >= -_entry_wei(market) for name in honest),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Liars that take the only job one after the other, each under a name of its own."""

    manner: str
    liars: int
    delay_seconds: int
    bar_seconds: int
    attacker_wei: int
    """The bonds that were at stake, one for each name that had its turn."""
    attacker_loss_wei: int
    defender_wei: int
    """The bonds of challengers' games, and their gas."""
    capital_ratio: float


def queued(rules: Parameters, assumptions: Assumptions, seed: int, manner: Strategy, liars: int) -> Queue:
    """So many liars that are always quicker than anybody else: what open taking cannot prevent."""
    dear = replace(assumptions, gas_price_wei=max(rules.gas_price_cap_wei, 1))
    setting = Setting(operators=OPERATORS, challengers=CHALLENGERS, jobs=1, days=1)
    usual = delays(Market(rules, dear, setting, seed).run())
    one_wei = 2 * rules.operator_bond_wei  # half of a fresh stake may be at risk
    crowd = replace(
        setting,
        strategy=replace(manner, identity_wei=one_wei),
        share_bps=BPS * liars * one_wei // (OPERATORS * setting.stake_wei + liars * one_wei) + 1,
        are_rivals_first=True,
    )
    market = Market(rules, dear, crowd, seed).run()
    chain, found = market.world.chain, delays(market)
    rivals = [node.name for node in market.operators if node.strategy is crowd.strategy]
    honest = [node.name for node in market.challengers]
    bonds_wei = rules.operator_bond_wei * market.false_claims
    spent_wei = sum(chain.tallies[name].dispute_gas_wei + market.bonds_wei[name] for name in honest)
    return Queue(
        manner=manner.name,
        liars=market.false_claims,
        delay_seconds=found[0] - usual[0],
        bar_seconds=rules.window_seconds + rules.game_seconds,
        attacker_wei=bonds_wei,
        attacker_loss_wei=-sum(chain.wealth_wei(name) for name in rivals),
        defender_wei=spent_wei,
        capital_ratio=round(bonds_wei / spent_wei, 2) if spent_wei else 0.0,
    )


def queues(rules: Parameters, assumptions: Assumptions, seed: int) -> list[Queue]:
    """Liars that defend their lies, and liars that let their clocks run."""
    counts = (1, 2, 4, 8)
    return [queued(rules, assumptions, seed, manner, count) for manner in (LYING, LAZY) for count in counts]


def _entry_wei(market: Market) -> int:
    """What an operator has paid for its deposit, which is no cost of the attack."""
    return GAS["DepositFor"] * market.assumptions.gas_price_wei


def sieges(rules: Parameters, assumptions: Assumptions, seed: int, counts: tuple[int, ...]) -> list[Siege]:
    """Each manner with each number of sybils."""
    return [besieged(rules, assumptions, seed, manner, count) for count in counts for manner in SIEGES]
