"""`truestep audit-log`: what it prints and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.client.test_log_audit import HONEST, KEY, written
from truestep.cli.application import make_app

RUNNER = CliRunner()


def audit(*arguments: str) -> tuple[int, str]:
    app = make_app(["audit-log", "account"])
    result = RUNNER.invoke(
        app, ["audit-log", *arguments], env={"TRUESTEP_RPC": "", "TRUESTEP_DEPLOYMENT": ""}
    )
    return result.exit_code, result.output


def test_a_sound_log_and_then_another_past(tmp_path: Path) -> None:
    folder, seen, evidence = tmp_path / "log", str(tmp_path / "seen"), tmp_path / "evidence.json"
    written(folder, HONEST[:4])
    code, output = audit(str(folder), "--offline", "--seen", seen)
    assert code == 0, output
    assert "nothing is wrong" in output
    assert "the log itself says" in output
    written(folder, [*HONEST[:2], b"[red]junk"], anew=True)
    code, output = audit(str(folder), "--offline", "--seen", seen, "--key", KEY.text)
    assert code == 1
    assert "✗ the log has 3 entries here, and has signed 4" in output
    assert "[red]junk" not in output or "no record" in output
    written(folder, [*HONEST[:2], *HONEST[3:]], anew=True)
    arguments = (str(folder), "--offline", "--seen", seen, "--key", KEY.text, "--evidence", str(evidence))
    code, output = audit(*arguments, "--json")
    assert code == 1
    said = json.loads([line for line in output.splitlines() if line.startswith("{")][-1])
    assert said["faults"] == {"split": 1}
    assert json.loads(evidence.read_text("utf-8"))["format"] == "truestep log evidence"


def test_two_readers_compare_what_they_saw(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a", HONEST), written(tmp_path / "b", [*HONEST[:3], HONEST[1]])
    mine, yours = tmp_path / "mine", tmp_path / "yours"
    assert audit(str(first), "--offline", "--seen", str(mine))[0] == 0
    assert audit(str(second), "--offline", "--seen", str(yours))[0] == 0
    (theirs,) = yours.iterdir()
    code, output = audit(str(first), "--offline", "--seen", str(mine), "--compare", str(theirs))
    assert code == 1
    assert "two pasts" in output


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([".", "--offline", "--reproduce", "1"], 2, "leave out --offline"),
        ([".", "--offline"], 3, "has no checkpoint: no log is there"),
        (["nowhere", "--offline"], 1, "expected the URL of a log or its folder"),
        (["LOG"], 2, "--offline"),
        (["LOG", "--offline", "--key", "a+b"], 1, "not a signed checkpoint"),
        (["LOG", "--offline", "--max-entries", "2"], 1, "--max-entries"),
    ],
)
def test_refusals_say_what_to_do(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    folder = written(tmp_path / "log", HONEST)
    found, output = audit(
        *(str(folder) if each == "LOG" else each for each in arguments), "--seen", str(tmp_path)
    )
    assert found == code
    assert words in output
