"""`truestep init`: a project to begin with."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from truestep.cli.failure import Failure
from truestep.cli.screen import JsonFlag, Screen, guarded
from truestep.client.projects import TEMPLATES, TemplateName, template_named, write_project

EXAMPLE = "Example: truestep init letters --template c"
_ABOUT = "\n".join(f"- `{template.name}`: {template.about}" for template in TEMPLATES)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="init", epilog=EXAMPLE, help=f"{init.__doc__}\n\n{_ABOUT}")(init)


@guarded
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder to write; made if need be.")],
    template: Annotated[
        TemplateName, typer.Option("--template", "-t", help="What kind of project.")
    ] = TemplateName.C,
    as_json: JsonFlag = False,
) -> None:
    """Write a small project to begin with. Files that are there already are never overwritten."""
    screen = Screen(as_json=as_json)
    chosen = template_named(template)
    try:
        written = write_project(chosen, folder)
    except FileExistsError as error:
        raise Failure("the folder is in use", str(error)) from error
    screen.result({"template": chosen.name.value, "files": [str(path) for path in written]})
    if not as_json:
        screen.note(escape("next: " + "\n      ".join((f"cd {folder}", *chosen.commands))))
