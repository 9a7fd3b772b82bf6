"""`truestep simulate`: names, seeds, sizes and JSON. What is simulated: tests/simulation/economy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pytest

from tests.cli.conftest import Invoke
from truestep.protocol.audits.contracts.audits import Rules
from truestep.protocol.settlement.parameters import Parameters
from truestep.simulation.economy import drawn_queues, scenarios
from truestep.simulation.economy.assumptions import Assumptions
from truestep.simulation.economy.auditing import Audited, Court, Manner
from truestep.simulation.economy.cells import usual_cells
from truestep.simulation.economy.sieges import Siege


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two strategies, and 4 sybils at the most."""
    cells = [cell for cell in usual_cells() if cell.name in ("lying", "withholding")]
    monkeypatch.setattr(scenarios, "usual_cells", lambda: cells)
    play = scenarios.sieges

    def fewer(rules: Parameters, assumed: Assumptions, seed: int, counts: tuple[int, ...]) -> list[Siege]:
        return play(rules, assumed, seed, counts and (4,))

    monkeypatch.setattr(scenarios, "sieges", fewer)
    monkeypatch.setattr(scenarios, "auditors", one_kind)


def one_kind(
    rules: Parameters, assumed: Assumptions, seed: int, audits: int, by: Rules | None
) -> list[Audited]:
    """Auditors that say nothing, and two audits."""
    del audits
    return [Court(rules, assumed, seed, Manner.ABSENT, by).hear(2)]


SIZE = ("--jobs", "6", "--operators", "6")


def test_the_last_line_is_one_object_with_all_figures(truestep: Invoke) -> None:
    result = truestep("simulate", "default", "--seed", "3", "--json", *SIZE)
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert figures["seed"] == 3
    rows = figures["strategies"]
    assert [(row["name"], row["stake_share"]) for row in rows[:4]] == [
        ("lying", 0.1), ("lying", 0.33), ("withholding", 0.1), ("withholding", 0.33),
    ]  # fmt: skip
    assert {row["is_deterred"] for row in rows if row["attempts"]} == {True}
    assert figures["events"] > 100
    assert figures["honest"]["operator_profit_per_task_wei"] > 0
    assert figures["recommended"]["value_per_result_limit_wei"] > 0
    assert all(siege["is_held"] for siege in figures["sieges"])


def test_the_same_seed_gives_the_same_line(truestep: Invoke) -> None:
    lines = {truestep("simulate", "default", "--json", *SIZE).stdout for _ in range(2)}
    assert len(lines) == 1


def test_people_get_tables(truestep: Invoke) -> None:
    result = truestep("simulate", *SIZE)
    assert result.exit_code == 0, result.stderr
    assert "withholding" in result.stdout
    assert "value per result limit" in result.stdout


def test_other_networks_have_tasks_that_fit_their_clocks(truestep: Invoke) -> None:
    result = truestep("simulate", "default", "--json", "--parameters", "testnet", *SIZE)
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert figures["task_cycles"] < 2**34
    assert {row["is_deterred"] for row in figures["strategies"]} == {True}


def test_sybils_are_also_played_among_those_that_are_drawn(
    truestep: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = replace(drawn_queues.SETTING, jobs=20)
    monkeypatch.setattr(scenarios, "drawn_queues", partial(drawn_queues.drawn_queues, setting=few))
    monkeypatch.setattr(scenarios, "sleepers", partial(drawn_queues.sleepers, sizes=(1,)))
    result = truestep("simulate", "sybils", "--json")
    assert result.exit_code == 0, result.stderr
    figures = json.loads(result.stdout.splitlines()[-1])
    assert {row["names"] for row in figures["drawn"]} == {8, 1_024}
    assert all(row["are_defenders_whole"] for row in figures["drawn"])
    assert figures["sleepers"][0]["loss_over_gain"] >= 3
    assert "1,024 names" in truestep("simulate", "sybils").stdout
    without = truestep("simulate", "sybils", "--json", "--set", "drawn=none")
    assert json.loads(without.stdout.splitlines()[-1])["drawn"] == []


def test_the_list_names_default(truestep: Invoke) -> None:
    assert "default" in truestep("simulate", "--list").stdout
    listed = json.loads(truestep("simulate", "--list", "--json").stdout)
    assert "default" in [each["name"] for each in listed]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("nothing",), "expected one of default"),
        (("default", "--seed", "-1"), "seed"),
        (("default", "--seed", "one"), "seed"),
        (("default", "--jobs", "0"), "jobs"),
        (("default", "--operators", "1000000"), "operators"),
        (("default", "--set", "window=1s"), "window"),
        (("default", "--parameters", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_is_wrong_is_said(truestep: Invoke, arguments: Sequence[str], expected: str) -> None:
    result = truestep("simulate", *arguments)
    assert result.exit_code in (1, 2)
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bar_that_is_missed_gives_another_exit_code(
    truestep: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenarios, "BAR", 1_000_000)
    monkeypatch.setattr("truestep.simulation.economy.measure.BAR", 1_000_000)
    assert truestep("simulate", "default", "--json", *SIZE).exit_code == 1
