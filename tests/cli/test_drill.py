"""`truestep drill`: names, list, options and JSON. The drills themselves: tests/drills."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.drills import catalogue
from truestep.drills.catalogue import Drill
from truestep.drills.network import play
from truestep.drills.network.plan import Plan, Terms
from truestep.drills.network.verdict import Figures
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


FIGURES = Figures(
    jobs=2,
    finalized=2,
    tasks=3,
    lies=1,
    claims_struck=1,
    slashed_wei=10**18,
    lost_wei=0,
    manual_steps=0,
    gas_per_task=9_000,
    gas_per_post=90_000,
    dispute_gas=700_000,
    tasks_per_minute=60.0,
    seconds=9.5,
    complaints=(),
)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """What the network was to do. Its figures are what the number of jobs says: one fails."""
    seen = list[Plan]()

    def perform(plan: Plan, folder: Path, anvil: Path, told: play.Screenplay) -> Figures:
        seen.append(plan)
        told.say(f"on {anvil.name}")
        told.progress(1, "1 posted")
        if plan.terms.jobs == 1:
            raise NotSo("nothing has happened")
        wrong = ("job 1 is not final with the right result",) if plan.terms.jobs == 3 else ()
        return replace(FIGURES, jobs=plan.terms.jobs, complaints=wrong)

    monkeypatch.setattr(play, "perform", perform)
    return seen


@pytest.fixture
def node(tmp_path: Path) -> Path:
    program = tmp_path / "anvil"
    program.touch()
    return program


def test_a_network_gives_one_object_in_the_last_line(truestep: Invoke, plans: list[Plan], node: Path) -> None:
    options = ("--jobs", 2, "--workers", 5, "--liars", "33%", "--seed", 7, "--anvil", node)
    finished = truestep("drill", "network", *options, "--json")
    assert finished.exit_code == 0, finished.stderr
    found = json.loads(finished.stdout.splitlines()[-1])
    assert found == asdict(FIGURES) | {"complaints": [], "outcome": "passed"}
    assert [plan.terms for plan in plans] == [Terms(jobs=2, workers=5, liar_share=0.33, seed=7)]
    assert truestep("drill", "network", "--jobs", 2, "--liars", "0.01", "--anvil", node).exit_code == 0
    assert plans[-1].terms.liar_share == 0.01


def test_a_network_that_failed_names_its_folder(
    truestep: Invoke, plans: list[Plan], node: Path, tmp_path: Path
) -> None:
    place = ("--anvil", node, "--directory", tmp_path / "logs")
    wrong = truestep("drill", "network", "--jobs", 3, *place)
    assert wrong.exit_code == 1
    assert "job 1 is not final" in wrong.stderr
    assert "slashed           1 ETH" in wrong.stdout
    endless = truestep("drill", "network", "--jobs", 1, *place)
    assert endless.exit_code == 1
    for finished in (wrong, endless):
        assert str(tmp_path / "logs") in finished.stderr.replace("\n", "")
    assert len(plans) == 2


def test_a_network_refuses_more_lies_than_jobs_and_a_node_that_is_none(
    truestep: Invoke, tmp_path: Path
) -> None:
    for share in ("50%", "0.5", "1", "-0.1", "many"):
        wrong = truestep("drill", "network", "--liars", share)
        assert wrong.exit_code == 2
        assert "from 0% to 33%" in wrong.stderr
    absent = truestep("drill", "network", "--anvil", tmp_path / "none")
    assert absent.exit_code == 1
    assert "make anvil" in absent.stderr
