"""Trials from the command line: run, sign, collect, compare (docs/operators.md O6)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.adapters.keystore import create_keystore

PASSWORD = "secret"


@pytest.fixture
def keys(tmp_path: Path) -> dict[str, tuple[object, ...]]:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    options: dict[str, tuple[object, ...]] = {}
    for name in ("ada", "bob"):
        path = tmp_path / f"{name}-key.json"
        create_keystore(path, PASSWORD, guards_money=False)
        options[name] = ("--keystore", path, "--password-file", password, "--json")
    return options


def test_two_operators_try_a_program_and_agree(
    truestep: Invoke, keys: dict[str, tuple[object, ...]], hello_elf: Path, tmp_path: Path
) -> None:
    files = [tmp_path / f"{name}.json" for name in keys]
    text = tmp_path / "text.txt"
    text.write_text("hello")
    for path, key in zip(files, keys.values(), strict=True):
        words = ("--input", text, "--generate", 2, "--size", 50, "--shards", 2, "-o", path)
        made = truestep("program", "trial", hello_elf, *words, *key).fields()
        assert made["runs"] == 6 and made["cycles"] > 0
    together = tmp_path / "all.json"
    found = truestep("program", "trials", *files, "--program", hello_elf, "-o", together, "--json").fields()
    assert found["holds"] and [each["agreeing"] for each in found["programs"]] == [2]
    assert truestep("program", "trials", together, "--at-least", 3, "--json").exit_code == 1
    shown = truestep("program", "trials", together)
    assert (
        "2 operators: " in shown.stdout and "at least 2 operators agree, and nobody differs" in shown.stdout
    )

    content = json.loads(together.read_text())
    content["trials"][1]["runs"][3]["cycles"] += 1
    together.write_text(json.dumps(content))
    changed = truestep("program", "trials", together)
    assert changed.exit_code == 1 and "signature of somebody else" in changed.stderr


def test_what_cannot_be_tried_is_said(
    truestep: Invoke, keys: dict[str, tuple[object, ...]], hello_elf: Path, tmp_path: Path
) -> None:
    output = tmp_path / "trials.json"
    nothing = truestep("program", "trial", hello_elf, "-o", output, *keys["ada"])
    assert nothing.exit_code == 2 and "--generate N" in nothing.stderr
    output.write_text("{}")
    other = truestep("program", "trial", hello_elf, "--generate", 1, "-o", output, *keys["ada"])
    assert other.exit_code == 1 and output.read_text() == "{}"
    missing = truestep("program", "trials", tmp_path / "none.json")
    assert missing.exit_code == 1 and "cannot read" in missing.stderr
