"""The catalogue of `truestep simulate`: what is played, and what is said of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from truestep.base.errors import Reject, Rejected
from truestep.protocol.assignment.rules import DRAW_RULES, DrawRules
from truestep.protocol.deployment.judges import NO_JUDGES, Judges
from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.protocol.settlement.standing import USUAL, Admission
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.auditing import auditors
from truestep.simulation.economy.cells import Cell, Series, cell_of, played, usual_cells
from truestep.simulation.economy.chain import deployment_of
from truestep.simulation.economy.committees import committees
from truestep.simulation.economy.drawn_queues import drawn_queues, sleepers
from truestep.simulation.economy.market import Market, Setting
from truestep.simulation.economy.measure import BAR, Measured, honest_operators_wei, profit_wei
from truestep.simulation.economy.quorum_chain import USUAL_RULES
from truestep.simulation.economy.quorums import colluders
from truestep.simulation.economy.sieges import Siege, queues, sieges
from truestep.simulation.economy.strategies import APART, COPYCAT, LYING

Say = Callable[[str], None]
Figures = dict[str, Any]
SHARE_BAR_BPS = 3_300
"""Up to this share of the stake, every strategy must lose three times what it could gain."""
QUORUM_SHARES_BPS = (1_000, 2_000, SHARE_BAR_BPS, 4_000, 4_900)
SAFETY = 2
"""Recommended values keep so many times the distance that the bar asks for."""
USUAL_JOBS, USUAL_OPERATORS = 60, 40
SCALE_JOBS, SCALE_OPERATORS = 100_000, 10_000
BONDS_IN_VALUE, BONDS_IN_DELAY = 10, 250
"""What a false result, and a delay, are assumed to be worth: so many of them make a bond."""
LEAST_CYCLES = 2**20
AUDITS = 40
"""Of each kind of auditor: enough to show a forced error in one of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be played, by which rules, how large."""

    rules: Parameters
    assumptions: Assumptions
    seed: int
    jobs: int | None = None
    operators: int | None = None
    admission: Admission = USUAL
    judged_by: Judges = NO_JUDGES
    drawn_by: DrawRules = DRAW_RULES

    def setting(self, jobs: int, operators: int) -> Setting:
        """The size that was asked for, or the scenario's own."""
        return Setting(
            jobs=jobs if self.jobs is None else self.jobs,
            operators=operators if self.operators is None else self.operators,
        )

    def series(self, setting: Setting) -> Series:
        """Markets by these rules."""
        return Series(
            rules=self.rules,
            assumptions=self.assumptions,
            setting=setting,
            seed=self.seed,
            admission=self.admission,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One entry of the catalogue."""

    name: str
    words: str
    play: Callable[[Request, Say], Figures]


def fitted(request: Request) -> Request:
    """The request with tasks that an honest operator takes by its rules, as long as they may be.

    What a lie or a delay is worth goes with the bond. Raises `Rejected` if no task is short enough.
    """
    bond_wei = request.rules.operator_bond_wei
    assumed = replace(
        request.assumptions,
        task_value_wei=bond_wei // BONDS_IN_VALUE,
        delay_value_wei=bond_wei // BONDS_IN_DELAY,
    )
    alone = Setting(operators=1, challengers=0, jobs=1, days=1)
    while assumed.task_cycles >= LEAST_CYCLES:
        deployment = deployment_of(request.admission)
        if Market(request.rules, assumed, alone, request.seed, deployment).run().final_at:
            return replace(request, assumptions=assumed)
        assumed = replace(assumed, task_cycles=assumed.task_cycles // 2)
    raise Rejected(
        Reject.PARAMETER_FILE,
        f"expected parameters by which an honest operator takes a task of {LEAST_CYCLES:,} steps; with these"
        " none does: clocks are too short to defend it, or a fresh operator may not lock its bond",
    )


# --- what is played -------------------------------------------------------------------------------


def _default(request: Request, say: Say) -> Figures:
    return _strategies(request, say, usual_cells(), (1_000, SHARE_BAR_BPS), (8, 1_024))


def _deterrence(request: Request, say: Say) -> Figures:
    return _strategies(request, say, usual_cells(), (1_000, 2_000, SHARE_BAR_BPS, 4_900), ())


def _sybils(request: Request, say: Say) -> Figures:
    return _besieged(request, say, (1, 8, 64, 1_024))


def _copycats(request: Request, say: Say) -> Figures:
    cells = tuple(map(cell_of, (COPYCAT, *APART)))
    return _strategies(request, say, cells, (1_000,), ())


def _scale(request: Request, say: Say) -> Figures:
    """A large market in which one coin of stake in a hundred lies."""
    setting = request.setting(SCALE_JOBS, SCALE_OPERATORS)
    setting = replace(setting, challengers=max(setting.operators // 20, 6), days=30)
    series = request.series(setting)
    say(f"{setting.jobs:,} jobs, {setting.operators:,} operators")
    market = series.market(cell_of(LYING), 100)
    return _of_markets(request, [market]) | {
        "jobs": setting.jobs,
        "operators": setting.operators,
        "challengers": setting.challengers,
        "results": len(market.final_at),
        "false_claims": market.false_claims,
        "false_results": len(market.false_final),
    }


def _auditing(request: Request, say: Say) -> Figures:
    return {"seed": request.seed, "strategies": [], "auditors": _auditors(request, say)}


def _auditors(request: Request, say: Say) -> list[Figures]:
    say(f"{AUDITS} audits of each kind of auditor")
    rules, assumed, by = request.rules, request.assumptions, request.judged_by.audits
    return [asdict(row) for row in auditors(rules, assumed, request.seed, AUDITS, by)]


def _auditors_as_strategies(rows: Sequence[Figures]) -> list[Figures]:
    """Auditors that do not run, beside the other strategies; a share of stake changes nothing for them."""
    return [
        {
            "name": f"auditor that {row['manner']}",
            "stake_share": SHARE_BAR_BPS / BPS,
            "attempts": row["audits"],
            "believed": 0,
            "loss_wei": row["loss_wei"],
            "gain_wei": row["gain_wei"],
            "loss_over_gain": row["loss_over_gain"],
            "value_at_bar_wei": None,
            "mean_delay_seconds": 0,
            "is_deterred": row["loss_over_gain"] >= BAR,
        }
        for row in rows
        if row["loss_over_gain"] is not None
    ]


def _quorum(request: Request, say: Say) -> Figures:
    played = _colluders(request, say, QUORUM_SHARES_BPS)
    rows = _colluders_as_strategies(request, played)
    bounded = [row for row in rows if row["stake_share"] * BPS <= SHARE_BAR_BPS]
    return {
        "seed": request.seed,
        "strategies": rows,
        "is_deterred": all(row["is_deterred"] for row in bounded),
        "colluders": played,
        "quorums": _quorums(request),
    }


def _colluders(request: Request, say: Say, shares_bps: Sequence[int]) -> list[Figures]:
    """Members that lie together, each size with each share of the pool."""
    say("members of committees that lie together")
    rules, assumed, by = request.rules, request.assumptions, request.judged_by.quorum or USUAL_RULES
    found = colluders(rules, assumed, request.seed, shares_bps, by, request.admission)
    return [asdict(row) for row in found]


def _colluders_as_strategies(request: Request, rows: Sequence[Figures]) -> list[Figures]:
    """Members that lie together, beside the other strategies."""
    found: list[Figures] = []
    for row in rows:
        lies, loss_wei, gain_wei = row["lies"], row["loss_wei"], row["gain_wei"]
        besides_wei = gain_wei // max(lies, 1) - request.assumptions.task_value_wei if lies else 0
        each_wei = loss_wei // max(lies, 1)
        found.append(
            {
                "name": f"{row['tactic']}, {row['needed']} of {row['seats']}",
                "stake_share": row["stake_share"],
                "attempts": lies,
                "believed": row["believed"],
                "loss_wei": loss_wei,
                "gain_wei": gain_wei,
                "loss_over_gain": row["loss_over_gain"],
                "break_even_value_wei": max(each_wei - besides_wei, 0) if lies else None,
                "value_at_bar_wei": max(each_wei // BAR - besides_wei, 0) if lies else None,
                "mean_delay_seconds": row["standing_seconds"],
                "is_deterred": not lies or row["loss_over_gain"] >= BAR,
            }
        )
    return found


def _quorums(request: Request) -> list[Figures]:
    shares, quorum = QUORUM_SHARES_BPS, request.judged_by.quorum
    found = committees(request.rules, request.assumptions, request.seed, shares, quorum)
    return [asdict(row) for row in found]


# --- what is said ---------------------------------------------------------------------------------


def _strategies(
    request: Request, say: Say, cells: Sequence[Cell], shares_bps: Sequence[int], counts: tuple[int, ...]
) -> Figures:
    setting = request.setting(USUAL_JOBS, USUAL_OPERATORS)
    series = request.series(setting)
    markets: list[Market] = []
    rows: list[Measured] = []
    for market, row in played(series, cells, shares_bps, say):
        markets.append(market)
        rows.append(row)
    attacks = _sieges(request, say, counts)
    audited = _auditors(request, say) if counts else []
    colluding = _colluders_as_strategies(request, _colluders(request, say, shares_bps)) if counts else []
    apart = [*_auditors_as_strategies(audited), *colluding]
    peace = series.peaceful()
    bounded = [row for row in rows if row.stake_share * BPS <= SHARE_BAR_BPS]
    margin = _worst(bounded) / BAR
    return _of_markets(request, markets) | {
        "strategies": [*map(row_of, rows), *apart],
        "deterrence_margin": round(margin, 3),
        "is_deterred": all(row.is_deterred for row in bounded) and all(row["is_deterred"] for row in apart),
        "sieges": [asdict(attack) | {"is_held": attack.is_held} for attack in attacks],
        "queues": _queues(request, say) if counts else [],
        "auditors": audited,
        "quorums": _quorums(request) if counts else [],
        "honest": _honest(peace),
        "recommended": _recommended(request, bounded),
    }


def _besieged(request: Request, say: Say, counts: tuple[int, ...]) -> Figures:
    attacks = _sieges(request, say, counts)
    return {
        "seed": request.seed,
        "strategies": [],
        "queues": _queues(request, say),
        **_drawn(request, say),
        "sieges": [asdict(attack) | {"is_held": attack.is_held} for attack in attacks],
        "are_all_held": all(attack.is_held for attack in attacks),
    }


def _drawn(request: Request, say: Say) -> Figures:
    """What comes of silent liars and of sleepers where jobs are drawn; nothing in a network without lots."""
    by = request.judged_by.drawn
    if by is None:
        return {"drawn": [], "sleepers": []}
    say("silent liars, and operators that sleep, among those that are drawn")
    asked = (request.rules, request.assumptions, request.seed, by, request.drawn_by)
    return {
        "drawn": [asdict(row) for row in drawn_queues(*asked)],
        "sleepers": [asdict(row) for row in sleepers(*asked)],
    }


def _sieges(request: Request, say: Say, counts: tuple[int, ...]) -> list[Siege]:
    for count in counts:
        say(f"{count:,} sybils on one true claim")
    return sieges(request.rules, request.assumptions, request.seed, counts)


def _queues(request: Request, say: Say) -> list[Figures]:
    say("liars that are quicker than anybody else")
    return [asdict(row) for row in queues(request.rules, request.assumptions, request.seed)]


def _of_markets(request: Request, markets: Sequence[Market]) -> Figures:
    chains = [market.world.chain for market in markets]
    return {
        "seed": request.seed,
        "strategies": [],
        "events": sum(chain.events for chain in chains),
        "calls": sum(sum(chain.calls.values()) for chain in chains),
        "task_cycles": request.assumptions.task_cycles,
        "task_value_wei": request.assumptions.task_value_wei,
        "refused_calls": sum(sum(chain.refusals.values()) for chain in chains),
    }


def row_of(row: Measured) -> Figures:
    """A strategy as the JSON says it."""
    return asdict(row) | {"is_deterred": row.is_deterred}


def earnings(request: Request) -> Figures:
    """What honest nodes earn in a small market in which nobody attacks."""
    return _honest(request.series(request.setting(USUAL_JOBS, USUAL_OPERATORS)).peaceful())


def _honest(peace: Market) -> Figures:
    """What honest nodes earn when nobody attacks."""
    jobs = peace.setting.jobs * peace.setting.shards
    checks = sum(profit_wei(peace, node.name) for node in peace.challengers)
    return {
        "reward_wei": peace.reward_wei,
        "operator_profit_per_task_wei": honest_operators_wei(peace) // jobs,
        "challenger_profit_per_task_wei": checks // jobs,
    }


def _worst(rows: Sequence[Measured]) -> float:
    """The least that a strategy loses for what it could gain; 0 if none tried."""
    return min((row.loss_over_gain for row in rows if row.loss_over_gain is not None), default=0.0)


def _recommended(request: Request, rows: Sequence[Measured]) -> Figures:
    """Values that reach the bar, and how far from it they keep."""
    values = [row.value_at_bar_wei for row in rows if row.value_at_bar_wei is not None]
    burned_bps = BPS - request.rules.winner_share_bps
    floor_wei = (
        request.rules.operator_bond_wei * burned_bps // BPS // BAR
    )  # of a liar that is its own winner (S7.7)
    limit_wei = min([*values, floor_wei])
    worst = _worst(rows)
    bond_wei = request.rules.operator_bond_wei
    own_wei = request.assumptions.task_value_wei * BAR * BPS // burned_bps  # of the same liar
    least_wei = max(int(bond_wei * BAR / worst) if worst > 0 else bond_wei, own_wei)
    return {
        "value_per_result_limit_wei": limit_wei,
        "value_per_result_recommended_wei": limit_wei // SAFETY,
        "operator_bond_wei": bond_wei,
        "operator_bond_least_wei": least_wei,
        "operator_bond_recommended_wei": SAFETY * least_wei,
        "safety_margin": SAFETY,
    }


SCENARIOS: Mapping[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="default",
            words="every strategy with a tenth and a third of the stake, and sybils on one job",
            play=_default,
        ),
        Scenario(
            name="deterrence",
            words="every strategy with a tenth to nearly half of the stake",
            play=_deterrence,
        ),
        Scenario(
            name="sybils",
            words="1 to 1,024 sybils that open games on one true claim, and liars in a row, first or drawn",
            play=_sybils,
        ),
        Scenario(
            name="copycats",
            words="challengers that run nothing and open games beside others, also ahead of them",
            play=_copycats,
        ),
        Scenario(
            name="auditors",
            words="auditors that run, say nothing, make something up, or copy",
            play=_auditing,
        ),
        Scenario(
            name="quorum",
            words="members of committees that confirm lies together, with a tenth to nearly half of a pool",
            play=_quorum,
        ),
        Scenario(
            name="scale",
            words="100,000 jobs over 10,000 operators, one in a hundred of which lies",
            play=_scale,
        ),
    )
}
