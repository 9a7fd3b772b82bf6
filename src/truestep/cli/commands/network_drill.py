"""`truestep drill network`: a whole network under load, with liars in it."""

import json
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from truestep.base.units import coins
from truestep.cli.failure import ExitCode, Failure
from truestep.cli.screen import Screen, fields_text, guarded
from truestep.cli.streams import write_result

if TYPE_CHECKING:
    from truestep.drills.network.verdict import Figures

EXAMPLE = "Example: truestep drill network --jobs 24 --workers 3 --liars 10% --seed 7"
SEED_LIMIT = 2**64 - 1


@guarded
def network(
    jobs: Annotated[int, typer.Option(min=1, max=10**5, help="Jobs of one to three shards.")] = 24,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Honest workers, a process each.")] = 3,
    liars: Annotated[
        str,
        typer.Option(metavar="SHARE", help="The part of the tasks that is lied about: 1% or 0.01."),
    ] = "5%",
    seed: Annotated[
        int, typer.Option(min=0, max=SEED_LIMIT, help="The same seed, the same jobs and lies.")
    ] = 1,
    anvil: Annotated[
        Path | None,
        typer.Option(metavar="PROGRAM", help="The node. Default: what `make anvil` installed, or on PATH."),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for all files, which stay there. Default: a new one."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout; everything else goes to stderr.")
    ] = False,
) -> None:
    """Let workers and a challenger do many jobs while liars claim false results, and count every coin.

    Starts anvil with a block a second, all contracts, a process for each honest worker and one for the
    challenger. Requesters post jobs by the SDK; liars take those that they are to lie about, claim, and
    defend their lies. Time on the chain is moved on only when all that is left is to wait for windows to end.
    Passed if every job is final with the right result, every lie was struck and nobody honest has lost
    anything beyond gas (docs/drills.md). Exits with 1 if not; the folder with all logs is kept then.
    """
    from truestep.drills.network.plan import Terms, planned
    from truestep.drills.network.play import Screenplay, perform
    from truestep.drills.stage import NotSo

    screen = Screen(as_json=as_json)
    plan = planned(Terms(jobs=jobs, workers=workers, liar_share=_share(liars), seed=seed))
    folder = directory or Path(tempfile.mkdtemp(prefix="truestep-drill-"))
    words = f"{jobs} jobs with {plan.task_count} tasks, {len(plan.lies)} lies, {workers} workers, seed {seed}"
    screen.note(f"[bold]network[/]: {words}")
    try:
        with screen.steps("starting", plan.task_count) as progress:
            told = Screenplay(say=lambda text: screen.note(f"  {escape(text)}"), progress=progress)
            figures = perform(plan, folder, _node(anvil), told)
    except NotSo as error:
        raise Failure("drill", f"{error}; the logs of all daemons are in {folder}") from error
    screen.warn(figures.complaints)
    _show(screen, figures)
    if figures.complaints:
        screen.note(f"the logs of all daemons are in {escape(str(folder))}")
        raise typer.Exit(ExitCode.REFUSED)
    if directory is None:
        _remove(folder)


def _share(text: str) -> float:
    """The part that `1%` or `0.01` says."""
    from truestep.base.units import parse_share
    from truestep.drills.network.plan import LIAR_SHARE_LIMIT
    from truestep.protocol.settlement.parameters import BPS

    found = parse_share(text)
    part = found / BPS if found is not None else _fraction(text)
    if part is None or part > LIAR_SHARE_LIMIT:
        raise typer.BadParameter(
            f"expected a share from 0% to {LIAR_SHARE_LIMIT:.0%}, such as 1% or 0.01, got {text!r}",
            param_hint="--liars",
        )
    return part


def _fraction(text: str) -> float | None:
    return float(text) if re.fullmatch(r"0(\.\d{1,6})?", text.strip()) else None


def _node(program: Path | None) -> Path:
    import truestep
    from truestep.adapters.chain.devnet import installed_anvil

    found = program or installed_anvil(Path(), Path(truestep.__file__).parents[2])
    if found is None or not found.is_file():
        raise Failure(
            "anvil",
            f"expected anvil, found {found or 'none'}; `make anvil` installs it, or name one by --anvil",
        )
    return found.absolute()


def _show(screen: Screen, figures: "Figures") -> None:
    fields: dict[str, Any] = {**asdict(figures), "outcome": "failed" if figures.complaints else "passed"}
    if screen.as_json:
        write_result(f"{json.dumps(fields)}\n")
        return
    shown = {
        name.removesuffix("_wei"): coins(value) if name.endswith("_wei") else value
        for name, value in fields.items()
        if name != "complaints"
    }
    screen.result({}, fields_text(shown))


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
