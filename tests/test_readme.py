"""The README's examples are run, its commands and options exist, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.models.test_onnx_hostile import RELU, model
from truestep.cli.main import app
from truestep.protocol.records import Parameters
from truestep.roles.estimates import Speed
from truestep.roles.worker import WorkerPolicy

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text("utf-8")
GAS_PAGE = (REPOSITORY / "docs" / "gas.md").read_text("utf-8")
LOCAL_COMMANDS = ("build", "import", "run", "prove-step")
"""Commands that need no network; the others are run by tests/cli and tests/e2e."""


def blocks(language: str) -> list[str]:
    """The README's code blocks in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def commands() -> list[list[str]]:
    """Every `truestep` line of the shell blocks, as words."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("truestep ")]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the requester's files, made the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letters.c").write_text(blocks("c")[0], "utf-8")
    (tmp_path / "text.txt").write_text("hello, world", "utf-8")
    (tmp_path / "model.py").write_text(next(b for b in blocks("python") if "@truestep.guest" in b), "utf-8")
    (tmp_path / "prices.bin").write_bytes(bytes(64))
    (tmp_path / "network.onnx").write_bytes(model([RELU]))
    (tmp_path / "rows.csv").write_text("a,b,c,d\n1,-2,3,4.5\n", "utf-8")
    return tmp_path


def test_local_commands_run(desk: Path) -> None:
    local = [words for words in commands() if words[0] in LOCAL_COMMANDS]
    assert {words[0] for words in local} == set(LOCAL_COMMANDS)
    for words in local:
        finished = CliRunner().invoke(app, words, catch_exceptions=False)
        assert finished.exit_code == 0, (words, finished.output)
    assert (desk / "letters.elf").is_file()


def test_python_example_runs(desk: Path) -> None:
    for block in blocks("python"):
        finished = subprocess.run(
            [sys.executable, "-c", block], cwd=desk, capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stderr


def test_network_commands_have_these_options() -> None:
    shown: dict[str, str] = {}
    for words in commands():
        name = " ".join(words[:2]) if words[0] in ("account", "network") else words[0]
        if name in ("worker", "challenger"):
            name += " run" if words[1].startswith("--") else f" {words[1]}"
        if name not in shown:
            finished = CliRunner().invoke(app, [*name.split(), "--help"], terminal_width=200)
            assert finished.exit_code == 0, finished.output
            shown[name] = finished.output
        for option in (word for word in words if word.startswith("--")):
            assert option in shown[name], f"{name} has no {option}"


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [target for target in targets if "://" not in target and not (REPOSITORY / target).exists()]
    assert missing == []


def test_gas_is_that_of_the_page() -> None:
    """The README rounds what docs/gas.md has in full, which another test measures again."""
    bars = dict(re.findall(r"^\| (.*?) \| ≤ [\d,]+ \| ([\d,]+) \|$", GAS_PAGE, re.MULTILINE))
    gas = {what: int(figure.replace(",", "")) for what, figure in bars.items()}
    plain, ends = "dispute over 2^40 cycles", "one that ends in a float"
    assert (
        f"{gas[f'moves of a {plain}']} moves, {gas[f'gas of a {plain}'] / 1e6:.2f}M gas;"
        f" {gas[f'moves of {ends}']} and {gas[f'gas of {ends}'] / 1e6:.1f}M if it ends in a float"
    ) in README
    (step,) = (figure for what, figure in gas.items() if what.startswith("one step"))
    kinds = re.findall(r"^\| .*? \| ([\d,]+) \|$", GAS_PAGE.partition("## One step")[2], re.MULTILINE)
    dearest = max(int(figure.replace(",", "")) for figure in kinds)
    assert (
        f"{step / 1e3:.0f}k in a memory without a zero word, never more than {dearest / 1e3:.0f}k" in README
    )
    batches = "one task alone: take, claim, finalize", "a task of 32 shards of one job in a batch"
    alone, together, many = (gas[what] for what in (*batches, "a task of 256 shards of one job in a batch"))
    assert (
        f"| {alone / 1e3:.0f}k gas alone, {together / 1e3:.1f}k in a batch of 32 shards,"
        f" {many / 1e3:.1f}k in one of 256 |"
    ) in README


def test_one_machine_can_defend_as_many_games_as_it_says() -> None:
    def games(clock_seconds: int) -> int:
        parameters = Parameters(
            operator_bond_wei=10**18,
            challenger_bond_wei=10**16,
            window_seconds=8 * clock_seconds,
            clock_seconds=clock_seconds,
            rescue_seconds=clock_seconds // 6,
            lease_penalty_bps=1_000,
            release_penalty_bps=100,
            winner_share_bps=5_000,
            gas_price_cap_wei=10**11,
            arity=64,
        )
        return Speed().games_limit(60, 2**40, parameters)

    text = " ".join(README.split())
    assert f"for a run of 60 s over 2^40 steps, default settings allow {games(3_600)} games at once" in text
    assert f"a clock of one hour and {games(12 * 3_600):,} with one of twelve hours" in text
    assert WorkerPolicy().games_expected == 8 and "could answer eight games on it at once" in text
