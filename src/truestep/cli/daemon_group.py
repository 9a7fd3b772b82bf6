"""`truestep worker …` and `truestep challenger …`: a group of commands, of which `run` need not be typed."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from truestep.cli.configuration import naming_the_file, with_configuration
from truestep.cli.option_errors import PlainGroup

RUN = "run"
WORDS = "truestep.words"
"""Where a command's context has all words, and those that were typed."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Options in a TOML file, as `init` writes it. What is typed goes before it, and it before the"
        " environment.",
    ),
]


class DaemonGroup(PlainGroup):
    """Words that begin with no command are those of `run`: `truestep worker --stake 5`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words as typed, or with `run` before them."""
        first = args[0] if args else ""
        is_complete = first in self.commands or first in ctx.help_option_names
        return super().parse_args(ctx, args if is_complete else [RUN, *args])


class ConfiguredCommand(TyperCommand):
    """Takes options from the file that --config names too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the words as typed, after those of the file."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        return self.parse_words(ctx, with_configuration(self.params, args), args)

    def parse_words(self, ctx: Any, words: list[str], args: list[str]) -> list[str]:
        """Take the words, of which those before what was typed are the file's."""
        ctx.meta[WORDS] = tuple(words), tuple(args)
        with naming_the_file(*ctx.meta[WORDS]):
            return super().parse_args(ctx, words)

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Texts such as amounts are looked at only now."""
        with naming_the_file(*ctx.meta[WORDS]):
            return super().invoke(ctx)


def daemon_group(name: str, about: str) -> typer.Typer:
    """The group of a daemon's commands."""
    example = (
        f"`truestep {name} --config FILE` is short for `truestep {name} run --config FILE`;"
        f" `truestep {name} run --help` shows all options."
    )
    return typer.Typer(name=name, cls=DaemonGroup, help=about, epilog=example, no_args_is_help=False)


def add_run(group: typer.Typer, run: Callable[..., None], example: str) -> None:
    """Add the command that runs the daemon."""
    group.command(name=RUN, cls=ConfiguredCommand, epilog=example)(run)
