"""The `truestep` script. It imports only the command that is called."""

import sys

from truestep.cli.interruption import end_at_once


def main() -> None:
    """Run the program with this process's arguments."""
    end_at_once()
    # Imports take a second or more, so Ctrl-C is handled before them.
    from truestep.cli.application import COMMANDS, make_app
    from truestep.cli.deferred_imports import defer_imports
    from truestep.cli.streams import ends_with_one_line, prepare_streams

    prepare_streams()
    defer_imports()
    wanted = sys.argv[1:2]
    is_command = bool(wanted) and wanted[0] in COMMANDS
    with ends_with_one_line():
        make_app(wanted if is_command else COMMANDS)()
