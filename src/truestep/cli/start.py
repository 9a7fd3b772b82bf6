"""The `truestep` script. It imports only the command that is called."""

import sys

from truestep.cli.application import COMMANDS, make_app
from truestep.cli.deferred_imports import defer_imports
from truestep.cli.streams import prepare_streams


def main() -> None:
    """Run the program with this process's arguments."""
    prepare_streams()
    defer_imports()
    wanted = sys.argv[1:2]
    is_command = bool(wanted) and wanted[0] in COMMANDS
    make_app(wanted if is_command else COMMANDS)()
