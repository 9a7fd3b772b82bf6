"""Every command explains itself, with an example that names it."""

import subprocess
import sys
from pathlib import Path

import pytest

import truestep as package
from tests.cli.conftest import Invoke

DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs"
COMMANDS = (
    "account encryption-key",
    "account list",
    "account new",
    "build",
    "challenger benchmark",
    "challenger doctor",
    "challenger init",
    "challenger run",
    "challenger status",
    "close",
    "dashboard",
    "delegate",
    "deletions",
    "demo",
    "deploy",
    "deposit",
    "devnet",
    "disclose",
    "drill availability",
    "estimate",
    "extend",
    "feed",
    "fetch",
    "gateway",
    "gateway-token",
    "import",
    "init",
    "items",
    "jobs",
    "keeper",
    "network add",
    "network list",
    "network parameters",
    "network show",
    "offer",
    "outputs",
    "proof",
    "proofs setup",
    "proofs verifier",
    "prove",
    "prove-step",
    "quantise",
    "receipt",
    "reclaim",
    "run",
    "sample",
    "seal",
    "status",
    "submit",
    "supply",
    "top-up",
    "unseal",
    "verify",
    "wait",
    "watch",
    "withdraw",
    "worker benchmark",
    "worker doctor",
    "worker init",
    "worker run",
    "worker status",
    "write-out",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_a_sentence_and_an_example(truestep: Invoke, command: str) -> None:
    finished = truestep(*command.split(), "--help")
    words = " ".join(finished.stdout.split())
    assert finished.exit_code == 0
    assert f"Example: truestep {command}" in words
    assert "--json" in words


@pytest.mark.parametrize("tool", ["cc", "c++", "ar", "ranlib"])
def test_compilers_have_help_too(truestep: Invoke, tool: str) -> None:
    finished = truestep(tool, "--help")
    assert finished.exit_code == 0
    assert f"Example: truestep {tool} " in " ".join(finished.stdout.split())


def test_the_program_lists_its_commands_and_exit_codes(truestep: Invoke) -> None:
    stdout = truestep("--help").stdout
    for command in COMMANDS:
        assert command.split()[0] in stdout
    assert "Exit codes: 0 ok" in stdout


def test_version(truestep: Invoke) -> None:
    assert truestep("--version").stdout == f"{package.__version__}\n"


@pytest.mark.parametrize("words", [("nonsense",), ("run",), ("run", "x", "--nonsense")])
def test_wrong_usage(truestep: Invoke, words: tuple[str, ...]) -> None:
    finished = truestep(*words)
    assert finished.exit_code == 2
    assert "Traceback" not in finished.stderr


def test_the_documentation_is_what_the_commands_say(tmp_path: Path) -> None:
    """After a change of a command: `make docs`."""
    written = tmp_path / "cli.md"
    words = ("truestep.cli.main", "utils", "docs", "--name", "truestep", "--output", written)
    typer = Path(sys.executable).with_name("typer")
    subprocess.run([str(typer), *map(str, words)], check=True, capture_output=True)
    assert (DOCUMENTATION / "cli.md").read_text(encoding="utf-8") == written.read_text(encoding="utf-8")
