"""`truestep drill`: attacks, outages and load on a network, judged by where the coins are."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from truestep.base.units import coins
from truestep.cli.commands import network_drill
from truestep.cli.failure import ExitCode
from truestep.cli.screen import Screen, fields_text, guarded
from truestep.cli.streams import write_result

if TYPE_CHECKING:
    from truestep.drills.catalogue import Drill
    from truestep.drills.verdict import Outcome, Verdict

EXAMPLE = "Example: truestep drill availability challenge-spam rpc-outage"

TABLE_WIDTH = 120
"""Columns used for a file or a pipe, which have no width of their own."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    drills = typer.Typer(no_args_is_help=True, help="Attacks and outages, carried out and judged.")
    drills.command(name="availability", epilog=EXAMPLE)(availability)
    drills.command(name="network", epilog=network_drill.EXAMPLE)(network_drill.network)
    app.add_typer(drills, name="drill")


@guarded
def availability(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Which drills. Default: all.")
    ] = None,
    shows_list: Annotated[
        bool, typer.Option("--list", help="Say which drills there are, and carry out none.")
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where a drill that failed leaves its logs and state. Default: a new folder."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON list on stdout; everything else goes to stderr.")
    ] = False,
) -> None:
    """Withhold data, lie about it, flood its keepers, cut their nodes; see who pays for it.

    Each drill starts a chain in this process with all contracts, and lets the daemons of keepers, watchers,
    workers, challengers and clients run on it, some of them hostile. Then everybody's coins are compared with
    those before, gas counted apart: a drill has passed if whoever is responsible has lost exactly what the
    rules say, and everybody else has what is due. Exits with 1 if one has failed; its folder is kept then.
    """
    from truestep.adapters.keepers.workers import KzgProcesses
    from truestep.drills.catalogue import DRILLS
    from truestep.drills.performance import perform

    chosen = _chosen(names or [], DRILLS)
    screen = Screen(as_json=as_json)
    if shows_list:
        _show_list(screen, chosen)
        return
    base = directory or Path(tempfile.mkdtemp(prefix="truestep-drill-"))
    outcomes: list[Outcome] = []
    with closing(KzgProcesses()) as kzg:
        for number, drill in enumerate(chosen, 1):
            screen.note(f"[bold]{drill.name}[/] ({number} of {len(chosen)}): {escape(drill.words)}")
            outcome = perform(drill, base / drill.name, kzg, lambda words: screen.note(f"  {escape(words)}"))
            screen.warn(f"{drill.name}: {complaint}" for complaint in outcome.complaints)
            outcomes.append(outcome)
    if as_json:
        write_result(f"{json.dumps([outcome.fields for outcome in outcomes])}\n")
    else:
        _show_outcomes(screen, outcomes)
    if any(outcome.complaints for outcome in outcomes):
        screen.note(f"the folders of what failed are in {escape(str(base))}")
        raise typer.Exit(ExitCode.REFUSED)
    if directory is None:
        base.rmdir()


def _chosen(names: Sequence[str], drills: Sequence["Drill"]) -> list["Drill"]:
    """Those with these names, in the order of the catalogue; all without names."""
    known = [drill.name for drill in drills]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise typer.BadParameter(
            f"expected names of drills ({', '.join(known)}), got {unknown[0]!r}", param_hint="NAME"
        )
    return [drill for drill in drills if not names or drill.name in names]


def _show_list(screen: Screen, drills: Sequence["Drill"]) -> None:
    if screen.as_json:
        listed = [{"name": drill.name, "words": drill.words} for drill in drills]
        write_result(f"{json.dumps(listed)}\n")
        return
    screen.result({}, fields_text({drill.name: drill.words for drill in drills}))


def _show_outcomes(screen: Screen, outcomes: Sequence["Outcome"]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("drill", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("what happened, who lost what, who was made whole")
    for outcome in outcomes:
        word, style = ("failed", "bold red") if outcome.complaints else ("passed", "green")
        words = _in_words(outcome.verdict) if outcome.verdict else Text(outcome.trouble)
        table.add_row(outcome.name, Text(word, style), f"{outcome.seconds:.0f}", words)
    if not screen.results.is_terminal:
        screen.results.width = TABLE_WIDTH
    screen.result({}, table)


def _in_words(verdict: "Verdict") -> Text:
    text = Text(verdict.happened)
    for label, amounts_wei in (("lost", verdict.losses), ("whole", verdict.gains)):
        text.append(f"\n{label} ", style="dim")
        text.append(_amounts(amounts_wei) or "nobody")
    return text


def _amounts(amounts_wei: Mapping[str, int]) -> str:
    """Names in groups of those with the same amount."""
    names: dict[int, list[str]] = {}
    for name, amount_wei in amounts_wei.items():
        names.setdefault(amount_wei, []).append(name)
    return "; ".join(
        f"{', '.join(named)}: {_amount(amount_wei, len(named))}"
        for amount_wei, named in sorted(names.items(), reverse=True)
    )


def _amount(amount_wei: int, count: int) -> str:
    return f"{coins(amount_wei)}{' each' if count > 1 else ''}" if amount_wei else "as before"
