"""`truestep drill availability`: names, list and JSON. The drills themselves: tests/drills."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.drills import catalogue
from truestep.drills.catalogue import Drill
from truestep.drills.stage import NotSo
from truestep.drills.verdict import Verdict

PASSES = Verdict(
    happened="a keeper was slashed",
    guilty={"keeper": 5},
    honest={"watcher": 2},
    changes={"keeper": -5, "watcher": 2, "requester": 0},
)


def _passes(_: object) -> Verdict:
    return PASSES


def _never_ends(_: object) -> Verdict:
    raise NotSo("expected that somebody challenges, but nobody does")


@pytest.fixture(autouse=True)
def drills(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (
        Drill(name="good", words="a keeper vanishes", play=_passes),
        Drill(name="endless", words="nobody looks", play=_never_ends),
    )
    monkeypatch.setattr(catalogue, "DRILLS", both)


def test_the_last_line_is_a_list_and_a_failure_is_the_exit_code(truestep: Invoke, tmp_path: Path) -> None:
    finished = truestep("drill", "availability", "--json", "--directory", tmp_path)
    outcomes = json.loads(finished.stdout.splitlines()[-1])
    shown = [
        (each["name"], each["outcome"], each["slashed"], each["made_whole"], type(each["seconds"]))
        for each in outcomes
    ]
    assert shown == [("good", "passed", True, True, float), ("endless", "failed", False, False, float)]
    assert finished.exit_code == 1
    assert str(tmp_path) in finished.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["endless"]


def test_one_by_its_name_in_words(truestep: Invoke) -> None:
    finished = truestep("drill", "availability", "good")
    assert finished.exit_code == 0
    assert all(word in finished.stdout for word in ("passed", "a keeper was slashed", "keeper: 5 wei"))
    assert "endless" not in finished.stdout


def test_the_list_and_a_name_that_is_none(truestep: Invoke) -> None:
    listed = truestep("drill", "availability", "--list", "--json")
    assert [each["name"] for each in json.loads(listed.stdout)] == ["good", "endless"]
    unknown = truestep("drill", "availability", "worse")
    assert unknown.exit_code == 2
    assert "good, endless" in unknown.stderr
