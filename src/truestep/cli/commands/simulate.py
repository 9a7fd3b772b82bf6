"""`truestep simulate`: the economy under attack, in virtual time."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from truestep.base.ids import Address
from truestep.base.units import coins
from truestep.cli.failure import ExitCode
from truestep.cli.screen import JsonFlag, Screen, fields_text, guarded
from truestep.cli.streams import write_result

if TYPE_CHECKING:
    from truestep.simulation.economy.scenarios import Scenario

EXAMPLE = "Example: truestep simulate default --seed 7 --json | tail -1"
TABLE_WIDTH = 130
"""Columns used for a file or a pipe, which have no width of their own."""
SEED_LIMIT = 2**64 - 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="simulate", epilog=EXAMPLE)(simulate)


@guarded
def simulate(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="Which one: see --list.")] = "default",
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=SEED_LIMIT, help="Where all chance comes from. The same seed, the same figures."
        ),
    ] = 1,
    jobs: Annotated[int | None, typer.Option(min=1, max=10**6, help="Jobs in each market.")] = None,
    operators: Annotated[
        int | None, typer.Option(min=1, max=10**5, help="Honest operators in each market.")
    ] = None,
    parameters: Annotated[
        str, typer.Option(metavar="FILE", help="The parameters: a file, or one of the shipped ones.")
    ] = "mainnet",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change one of them, such as window=12h."),
    ] = None,
    shows_list: Annotated[
        bool, typer.Option("--list", help="Say which scenarios there are, and play none.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let thousands of operators and challengers meet those that lie, idle, collude and flood.

    Operators and challengers decide by the code of `truestep worker` and `truestep challenger`, and the
    protocol's model judges and moves the coins. Nothing is sent anywhere and no time passes. What each
    strategy loses is compared with what it could gain (docs/economics.md). Exits with 1 if a strategy with up
    to a third of the stake loses less than three times that, or if an attack on one job is not held.
    """
    from truestep.adapters.parameter_files import read_settings
    from truestep.simulation.economy.assumptions import Assumptions
    from truestep.simulation.economy.scenarios import SCENARIOS, Request, fitted

    screen = Screen(as_json=as_json)
    if shows_list:
        _show_list(screen, list(SCENARIOS.values()))
        return
    chosen = SCENARIOS.get(scenario)
    if chosen is None:
        known = ", ".join(SCENARIOS)
        raise typer.BadParameter(f"expected one of {known}, got {scenario!r}", param_hint="SCENARIO")
    owners = ["proposer=deployer", "guardian=none"]
    settings = read_settings(parameters, [*owners, *(changes or [])], Address("0x" + "0" * 39 + "1"))
    request = Request(
        rules=settings.rules,
        assumptions=Assumptions(),
        seed=seed,
        jobs=jobs,
        operators=operators,
        admission=settings.admission,
        judged_by=settings.judged_by,
        drawn_by=settings.drawn_by,
    )
    figures = {"scenario": scenario, "parameters": parameters, **chosen.play(fitted(request), _say(screen))}
    if as_json:
        write_result(f"{json.dumps(figures)}\n")
    else:
        _show(screen, figures)
    if not _are_bars_reached(figures):
        raise typer.Exit(ExitCode.REFUSED)


def _say(screen: Screen) -> Callable[[str], None]:
    def say(words: str) -> None:
        screen.note(escape(words))

    return say


def _are_bars_reached(figures: dict[str, Any]) -> bool:
    held = all(siege["is_held"] for siege in figures.get("sieges", ()))
    return held and figures.get("is_deterred", True)


def _show_list(screen: Screen, scenarios: "list[Scenario]") -> None:
    if screen.as_json:
        listed = [{"name": each.name, "words": each.words} for each in scenarios]
        write_result(f"{json.dumps(listed)}\n")
        return
    screen.result({}, fields_text({each.name: each.words for each in scenarios}))


def _show(screen: Screen, figures: dict[str, Any]) -> None:
    if not screen.results.is_terminal:
        screen.results.width = TABLE_WIDTH
    if figures["strategies"]:
        screen.result({}, _strategy_table(figures["strategies"]))
    if figures.get("sieges"):
        screen.result({}, _siege_table(figures["sieges"]))
    if figures.get("drawn"):
        screen.result({}, _drawn_table(figures["drawn"]))
    if figures.get("auditors"):
        screen.result({}, _auditor_table(figures["auditors"]))
    plain = {
        _words(key): _in_words(key, value)
        for group in (figures, figures.get("honest", {}), figures.get("recommended", {}))
        for key, value in group.items()
        if not isinstance(value, dict | list)
    }
    screen.result({}, fields_text(plain))


def _words(key: str) -> str:
    return key.removesuffix("_wei").replace("_", " ")


def _in_words(key: str, value: Any) -> Any:
    return coins(value) if key.endswith("_wei") else value


def _strategy_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("strategy", no_wrap=True)
    for name in (
        "stake",
        "attempts",
        "believed",
        "loss",
        "gain",
        "loss/gain",
        "mean delay",
        "value at the bar",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        at_bar_wei = row["value_at_bar_wei"]
        table.add_row(
            row["name"],
            f"{row['stake_share']:.0%}",
            str(row["attempts"]),
            str(row["believed"]),
            f"{row['loss_wei'] / 10**18:,.3f}",
            f"{row['gain_wei'] / 10**18:,.3f}",
            "" if row["loss_over_gain"] is None else f"{row['loss_over_gain']:,.1f}",
            f"{round(row['mean_delay_seconds'] / 3_600, 1) + 0.0:.1f} h",
            "" if at_bar_wei is None else f"{at_bar_wei / 10**18:,.3f}",
        )
    return table


def _auditor_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("auditor that", no_wrap=True)
    for name in ("audits", "failed", "profit of one, in fees", "loss/gain"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        ratio = row["loss_over_gain"]
        table.add_row(
            row["manner"],
            str(row["audits"]),
            str(row["failures"]),
            f"{row['mean_profit_wei'] / row['fee_wei']:.2f}",
            "" if ratio is None else f"{ratio:,.1f}",
        )
    return table


def _siege_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("sybils on one claim", no_wrap=True)
    for name in ("sybils", "delay", "bar", "their capital", "the defenders'", "ratio", "made whole"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row["manner"],
            f"{row['sybils']:,}",
            f"{row['delay_seconds'] / 3_600:.1f} h",
            f"{row['bar_seconds'] / 3_600:.0f} h",
            f"{row['attacker_wei'] / 10**18:,.2f}",
            f"{row['defender_wei'] / 10**18:,.4f}",
            f"{row['capital_ratio']:,.1f}",
            "yes" if row["are_defenders_whole"] else "no",
        )
    return table


def _drawn_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("silent liars, drawn", no_wrap=True)
    for name in ("pledges", "jobs", "lies", "mean delay", "worst", "bar", "later", "loss/cost", "made whole"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row['names']:,} names",
            f"{row['stake_share']:.0%}",
            f"{row['jobs']:,}",
            f"{row['lies']:,}",
            f"{row['mean_delay_seconds'] / 3_600:.1f} h",
            f"{row['worst_delay_seconds'] / 3_600:.1f} h",
            f"{row['bar_seconds'] / 3_600:.1f} h",
            f"{row['over_bar']:,}",
            f"{row['loss_ratio']:,.1f}",
            "yes" if row["are_defenders_whole"] else "no",
        )
    return table
