"""Silent liars, and operators that sleep, in markets whose jobs are drawn (docs/economics.md E4)."""

from collections import Counter
from dataclasses import dataclass, replace
from math import exp

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import job_of_task
from truestep.protocol.assignment.rules import DrawRules
from truestep.protocol.lots.contracts.lots import Rules
from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.drawing import SLEEPING, Dealer, DrawnMarket
from truestep.simulation.economy.market import Setting
from truestep.simulation.economy.measure import delays
from truestep.simulation.economy.strategies import LAZY, Strategy

NAMES, SHARES_BPS = (8, 1_024), (1_000, 3_300)
JOBS, SLEPT_JOBS = 1_000, 100
LOT_TASKS = (1, 8, 32)
"""Of lots whose holders sleep."""
LOADS_BPS = (500, 5_000)
"""Parts of all pledges that are at risk in turns at once."""
SETTING = Setting(operators=40, challengers=3, jobs=JOBS, days=20, checks_at_once=16)
BONDS = 400
"""What each honest operator has staked, in bonds: enough to take whole lots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnQueue:
    """Silent liars that lie whenever they are drawn. Each job is one lot of one task."""

    names: int
    stake_share: float
    """Of all pledges."""
    jobs: int
    lies: int
    longest_row: int
    """The most lies on one job."""
    mean_delay_seconds: int
    worst_delay_seconds: int
    bar_seconds: int
    """One window and one game."""
    over_bar: int
    """Jobs that came later than that."""
    over_bar_chance: float
    """What is computed for one job, from the shares and from what one lie delays."""
    attacker_loss_wei: int
    pledged_wei: int
    """What the share of the pool takes, all the time."""
    defender_wei: int
    """The bonds of challengers' games, and their gas."""
    loss_ratio: float
    """Loss over what the defenders spend; pledges, which come back, do not count."""
    least_capital_ratio: float
    """The bond and the least pledge of one name, over what the defenders spend on its lie."""
    capital_ratio: float
    """Pledges and bonds, over what the defenders spend, for the job with the longest row."""
    challengers_wei: int
    """What the poorest challenger has earned."""
    operators_wei: int
    """What all honest operators have earned more than without liars."""
    are_defenders_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleeper:
    """Operators that let each of their turns pass."""

    lot_tasks: int
    names: int
    stake_share: float
    jobs: int
    turns: int
    """That they have slept through."""
    mean_delay_seconds: int
    """Of one such turn."""
    loss_wei: int
    gain_wei: int
    """What it is worth to delay each task of such a turn."""
    loss_over_gain: float
    under_load: tuple[float, ...]
    """The same for names with the least pledge, if turns at once put these parts of all pledges at risk."""


def drawn_queues(
    rules: Parameters,
    assumptions: Assumptions,
    seed: int,
    by: Rules,
    drawn_by: DrawRules,
    setting: Setting = SETTING,
) -> list[DrawnQueue]:
    """Each number of names with each share of the pledges, while gas costs as much as the cap."""
    dear = replace(assumptions, gas_price_wei=max(rules.gas_price_cap_wei, 1))
    single = replace(by, lot_tasks=1)
    peace = played(rules, dear, seed, single, drawn_by, setting)
    found: list[DrawnQueue] = []
    for names in NAMES:
        for share_bps in SHARES_BPS:
            besieged = rivalled(setting, LAZY, share_bps)
            found.append(_queue(peace, played(rules, dear, seed, single, drawn_by, besieged, names)))
    return found


def sleepers(
    rules: Parameters,
    assumptions: Assumptions,
    seed: int,
    by: Rules,
    drawn_by: DrawRules,
    sizes: tuple[int, ...] = LOT_TASKS,
) -> list[Sleeper]:
    """Lots of one task, of some, and of many."""
    found: list[Sleeper] = []
    names, share_bps = NAMES[0], SHARES_BPS[-1]
    for tasks in sizes:
        sized, setting = replace(by, lot_tasks=tasks), replace(SETTING, jobs=SLEPT_JOBS, shards=tasks)
        pledge = drawn_by.least_pledge_wei // (tasks * by.late_wei)
        usual = delays(played(rules, assumptions, seed, sized, drawn_by, setting))
        market = played(
            rules, assumptions, seed, sized, drawn_by, rivalled(setting, SLEEPING, share_bps), names
        )
        turns = [ended for ended in market.late if market.nodes[ended.holder].strategy is SLEEPING]
        loss_wei = -sum(market.wealth_wei(node.name) for node in market.operators[setting.operators :])
        gain_wei = assumptions.delay_value_wei * tasks * len(turns)
        extra_seconds = sum(delays(market)) - sum(usual)
        found.append(
            Sleeper(
                lot_tasks=tasks,
                names=names,
                stake_share=share_bps / BPS,
                jobs=setting.jobs,
                turns=len(turns),
                mean_delay_seconds=round(extra_seconds / max(len(turns), 1)),
                loss_wei=loss_wei,
                gain_wei=gain_wei,
                loss_over_gain=round(loss_wei / gain_wei, 3) if gain_wei else 0.0,
                under_load=tuple(
                    round(loss_wei / gain_wei * covered(load_bps / BPS, pledge), 3) if gain_wei else 0.0
                    for load_bps in LOADS_BPS
                ),
            )
        )
    return found


def rivalled(setting: Setting, strategy: Strategy, share_bps: int) -> Setting:
    """The setting in which a strategy has a share of the pledges."""
    return replace(setting, strategy=strategy, share_bps=share_bps)


def played(
    rules: Parameters,
    assumptions: Assumptions,
    seed: int,
    by: Rules,
    drawn_by: DrawRules,
    setting: Setting,
    names: int = 0,
) -> DrawnMarket:
    """A market whose honest nodes are always up: one that is down is a sleeper."""
    awake = replace(assumptions, downtime_bps=0)
    staked = replace(setting, stake_wei=BONDS * rules.operator_bond_wei)
    market = DrawnMarket(rules, awake, staked, Dealer(rules=by, drawn_by=drawn_by, seed=seed), names)
    market.run()
    if len(market.final_at) != setting.jobs * setting.shards:
        raise Rejected(Reject.PARAMETER_FILE, "expected parameters by which each drawn job gets its result")
    return market


def _queue(peace: DrawnMarket, market: DrawnMarket) -> DrawnQueue:
    chain, rules, setting = market.world.chain, market.rules, market.setting
    usual_seconds = sum(delays(peace)) / len(delays(peace))
    extra = [found - usual_seconds for found in delays(market)]
    lies = Counter(
        job_of_task(task_id) for (_, task_id), told in market.world.told.items() if not told.is_true
    )
    bar_seconds = rules.window_seconds + rules.game_seconds
    rivals = [node.name for node in market.operators[setting.operators :]]
    challengers = [node.name for node in market.challengers]
    spent_wei = sum(chain.tallies[name].dispute_gas_wei + market.bonds_wei[name] for name in challengers)
    loss_wei = -sum(map(market.wealth_wei, rivals))
    pledged_wei = sum(market.dealer.pledges[name] for name in rivals)
    row, each_wei = max(lies.values(), default=0), spent_wei / max(market.false_claims, 1)
    honest_wei = _operators_wei(market) - _operators_wei(peace)
    poorest_wei = min(map(market.wealth_wei, challengers))
    each_seconds = sum(extra) / max(market.false_claims, 1)
    row_at_bar = int(bar_seconds // max(each_seconds, 1)) + 1
    capital_wei = pledged_wei + row * rules.operator_bond_wei
    return DrawnQueue(
        names=market.names,
        stake_share=market.share_bps / BPS,
        jobs=setting.jobs,
        lies=market.false_claims,
        longest_row=row,
        mean_delay_seconds=round(sum(extra) / len(extra)),
        worst_delay_seconds=round(max(extra)),
        bar_seconds=bar_seconds,
        over_bar=sum(each > bar_seconds for each in extra),
        over_bar_chance=row_chance(market.share_bps, market.names, row_at_bar),
        attacker_loss_wei=loss_wei,
        pledged_wei=pledged_wei,
        defender_wei=spent_wei,
        loss_ratio=round(loss_wei / spent_wei, 2) if spent_wei else 0.0,
        least_capital_ratio=round(
            (rules.operator_bond_wei + market.dealer.drawn_by.least_pledge_wei) / each_wei, 2
        )
        if each_wei
        else 0.0,
        capital_ratio=round(capital_wei / (row * each_wei), 2) if row else 0.0,
        challengers_wei=poorest_wei,
        operators_wei=honest_wei,
        are_defenders_whole=poorest_wei >= 0 and honest_wei >= 0,
    )


def row_chance(share_bps: int, names: int, length: int) -> float:
    """How likely the first so many that are drawn for a lot are all liars, with equal pledges, each once."""
    share, chance = share_bps / BPS, 1.0
    for gone in range(length):
        left = share * max(names - gone, 0) / names
        chance *= left / (left + 1 - share)
    return chance


def covered(load: float, turns: int) -> float:
    """What part of its penalties a name pays whose pledge is enough for so many turns, on average.

    `load` is the part of all pledges that turns at once put at risk. Each turn is a name's as often as its
    pledge says, so their number at once is Poisson's.
    """
    mean = load * turns
    chance, left, paid = exp(-mean), 1.0, 0.0
    for number in range(1, turns + 1):
        left -= chance
        paid += left
        chance *= mean / number
    return paid / mean


def _operators_wei(market: DrawnMarket) -> int:
    return sum(market.wealth_wei(node.name) for node in market.operators[: market.setting.operators])
