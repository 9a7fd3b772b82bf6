"""The whole `truestep` program, every command loaded: for tests and for the generated docs."""

from truestep.cli.application import COMMANDS, make_app

app = make_app(COMMANDS)
