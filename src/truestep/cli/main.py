"""The whole `truestep` program with every command loaded, for tests and the generated docs."""

from truestep.cli.application import COMMANDS, make_app

app = make_app(COMMANDS)

if __name__ == "__main__":
    from truestep.cli.start import main

    main()
