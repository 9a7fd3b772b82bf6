"""Strategies, one market each: the same jobs, operators and chance, with another attacker."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from truestep.protocol.settlement.parameters import BPS, Parameters
from truestep.protocol.settlement.standing import USUAL, Admission
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.chain import deployment_of
from truestep.simulation.economy.market import Market, Setting
from truestep.simulation.economy.measure import Measured, delays, measured
from truestep.simulation.economy.strategies import HONEST, LYING, STRATEGIES, Strategy
from truestep.simulation.economy.world import Trouble

OTHER_LIARS_BPS = 1_000
"""Of all stake, liars that a copycat finds games against."""
DAY_SECONDS = 86_400
FLOODED_CORES = 1
DOUBLINGS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One attack."""

    name: str
    words: str
    strategy: Strategy
    trouble: Trouble = field(default_factory=Trouble)
    liars_bps: int = 0


CENSORED = Cell(
    name="censoring",
    words="lies, and has the calls of honest challengers left out of nine blocks of ten",
    strategy=LYING,
    trouble=Trouble(censored_bps=9_000),
)
SHOCKED = Cell(
    name="price shock",
    words="lies while gas costs twenty times as much as usual and computing ten times, for three days",
    strategy=LYING,
    trouble=Trouble(shock_at=1, shock_seconds=3 * DAY_SECONDS, gas_factor=20, cycle_factor=10),
)
CRASHED = Cell(
    name="correlated crash",
    words="lies while all honest nodes are down together for a day, which is half a window",
    strategy=LYING,
    trouble=Trouble(crash_at=DAY_SECONDS, crash_seconds=DAY_SECONDS),
)


def cell_of(strategy: Strategy) -> Cell:
    """A strategy on a usual day; a copycat needs others that lie."""
    liars_bps = OTHER_LIARS_BPS if strategy.copies else 0
    return Cell(name=strategy.name, words=strategy.words, strategy=strategy, liars_bps=liars_bps)


def usual_cells() -> tuple[Cell, ...]:
    """All attacks that the rules answer."""
    return (*map(cell_of, STRATEGIES), CENSORED, SHOCKED, CRASHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Markets that differ in their attackers alone."""

    rules: Parameters
    assumptions: Assumptions
    setting: Setting
    seed: int
    admission: Admission = USUAL

    def market(self, cell: Cell, share_bps: int) -> Market:
        """The market of one attack, played to its end."""
        setting = replace(
            self.setting,
            strategy=cell.strategy,
            share_bps=share_bps,
            liars_bps=cell.liars_bps,
            trouble=cell.trouble,
            checks_at_once=FLOODED_CORES if cell.strategy.floods else self.setting.checks_at_once,
        )
        deployment = deployment_of(self.admission)
        return Market(self.rules, self.assumptions, setting, self.seed, deployment).run()

    def peaceful(self) -> Market:
        """The same without an attacker."""
        return self.market(Cell(name=HONEST.name, words=HONEST.words, strategy=HONEST), 0)


def played(
    series: Series, cells: Iterable[Cell], shares_bps: Iterable[int], say: Callable[[str], None]
) -> Iterator[tuple[Market, Measured]]:
    """Each attack at each share of stake."""
    times = delays(series.peaceful())
    usual_seconds = sum(times) / len(times)
    for cell in cells:
        for share_bps in shares_bps:
            say(f"{cell.name} with {share_bps / BPS:.0%} of the stake")
            market = _with_attempts(series, cell, share_bps)
            yield market, measured(market, cell.name, usual_seconds)


def _with_attempts(series: Series, cell: Cell, share_bps: int) -> Market:
    """The market of an attack; with twice the jobs if chance gave the attacker none."""
    market = series.market(cell, share_bps)
    for _ in range(DOUBLINGS):
        if market.attempts[cell.strategy.name]:
            break
        larger = replace(series.setting, jobs=2 * series.setting.jobs)
        series = replace(series, setting=larger)
        market = series.market(cell, share_bps)
    return market
