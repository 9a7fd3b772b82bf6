"""Options that come in a dataclass look and act like a command's own."""

from dataclasses import dataclass
from typing import Annotated

import typer
from typer.testing import CliRunner

from truestep.cli.option_groups import grouped


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Two options, one of them required."""

    town: Annotated[str, typer.Option(help="Which town.")]
    floors: Annotated[int, typer.Option("--floors", min=1)] = 2


def _app(seen: list[object]) -> typer.Typer:
    app = typer.Typer()

    @app.command()
    @grouped
    def build(place: Place, colour: str = "red") -> None:
        seen.append((place, colour))

    return app


def test_fields_are_options() -> None:
    seen: list[object] = []
    invoke = CliRunner().invoke
    assert invoke(_app(seen), ["--colour", "blue", "--town", "Ulm", "--floors", "3"]).exit_code == 0
    assert invoke(_app(seen), ["--town", "Ulm"]).exit_code == 0
    assert seen == [(Place(town="Ulm", floors=3), "blue"), (Place(town="Ulm", floors=2), "red")]


def test_their_rules_hold() -> None:
    seen: list[object] = []
    assert CliRunner().invoke(_app(seen), ["--town", "Ulm", "--floors", "0"]).exit_code == 2
    assert CliRunner().invoke(_app(seen), []).exit_code == 2
    assert "Which town." in CliRunner().invoke(_app(seen), ["--help"]).output
    assert seen == []
