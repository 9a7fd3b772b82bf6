"""Ctrl-C ends a command in one line, also while the program is being loaded."""

import subprocess
import sys
from pathlib import Path

import pytest

INTERRUPTED_AT_AN_IMPORT = """
import os, signal, sys

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == "MODULE":
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from truestep.cli.start import main
main()
"""
IGNORING = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
LISTENING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
"""What Python does at its start, except where a background shell runs the tests: it ignores SIGINT."""


def _run(program: str, elf: Path) -> subprocess.CompletedProcess[str]:
    words = ("run", str(elf), "--engine", "reference")
    return subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "module",
    ["typer", "truestep.cli.commands.run", "truestep.cli.screen", "truestep.machine.interpreter"],
)
def test_ctrl_c_while_a_module_is_imported(module: str, hello_elf: Path) -> None:
    finished = _run(LISTENING + INTERRUPTED_AT_AN_IMPORT.replace("MODULE", module), hello_elf)
    assert (finished.returncode, finished.stdout, finished.stderr) == (130, "", "interrupted\n")


def test_a_background_shells_command_is_not_interrupted(hello_elf: Path) -> None:
    finished = _run(IGNORING + INTERRUPTED_AT_AN_IMPORT.replace("MODULE", "typer"), hello_elf)
    assert finished.returncode == 0
