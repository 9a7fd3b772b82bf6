"""Estimates of proofs: they follow what was measured here, and the published figures before that."""

import json
import re
from pathlib import Path

import pytest

from truestep.circuits import expectations
from truestep.circuits.expectations import (
    GAS_BY_LOG_SIZE,
    KEPT_LIMIT,
    SECONDS_BY_GATES,
    Timing,
    add_timing,
    expected_gas,
    expected_seconds,
    on_curve,
    read_timings,
)
from truestep.client.costs import TASK_GAS

DOCUMENTATION = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "truestep" / "circuits" / "proof-times.json"


def test_without_proofs_another_computer_s_are_taken_and_said() -> None:
    found = expected_seconds(39_598)
    assert (found.cpu_seconds, found.measured_count) == (1.90, 0)
    assert "another computer" in str(found)


def test_proofs_of_this_computer_say_how_slow_it_is() -> None:
    for factor in (2.0, 3.0, 100.0):  # one of them met a busy moment
        add_timing(Timing(gates=39_598, cpu_seconds=1.90 * factor))
    found = expected_seconds(112_773)
    assert found.cpu_seconds == pytest.approx(3 * 4.26) and "3 proofs made here" in str(found)
    for _ in range(KEPT_LIMIT):
        add_timing(Timing(gates=112_773, cpu_seconds=4.26))
    assert expected_seconds(39_598).cpu_seconds == pytest.approx(1.90) and len(read_timings()) == KEPT_LIMIT


@pytest.mark.parametrize(
    "text", ["", "{", "7", '[["a", 1]]', "[[1]]", "[[-5, 1], [5, -1], [5, 0], [1, 1e999]]"]
)
def test_a_damaged_file_says_nothing(cache: Path, text: str) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(text)
    assert expected_seconds(39_598).measured_count == 0
    add_timing(Timing(gates=10, cpu_seconds=1.0))
    assert json.loads(cache.read_text()) == [[10, 1.0]]


def test_a_folder_that_cannot_be_written_costs_no_proof(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(expectations, "circuit_cache", lambda: tmp_path / "file" / "below")
    add_timing(Timing(gates=10, cpu_seconds=1.0))
    assert read_timings() == []


def test_a_curve_is_straight_between_points_and_beyond() -> None:
    assert [on_curve(((1, 10), (3, 30), (5, 70)), at) for at in (0, 1, 2, 3, 4, 6)] == [0, 10, 20, 30, 50, 90]
    assert expected_gas(1 << 17, is_of_claim=False) == 739_198
    assert expected_gas(1 << 16, is_of_claim=True) > expected_gas(1 << 16, is_of_claim=False)


def test_the_figures_are_those_of_the_pages() -> None:
    """Roughly: pages are measured again now and then."""
    page = (DOCUMENTATION / "circuits-benchmarks.md").read_text("utf-8")
    for name, index in (("int8 MLP 784-128-10", 0), ("int8 CNN on 28x28", 1)):
        row = re.search(rf"\| {name} \|[^|]*\| ([\d.]+) \|[^|]*\| ([\d,]+) \|", page)
        assert row is not None
        assert SECONDS_BY_GATES[index][1] == pytest.approx(float(row[1]), rel=0.5)
        assert GAS_BY_LOG_SIZE[index][1] == pytest.approx(int(row[2].replace(",", "")), rel=0.05)
    gas = re.search(r"take, claim, finalize \|[^|]*\| ([\d,]+) \|", (DOCUMENTATION / "gas.md").read_text())
    assert gas is not None and pytest.approx(int(gas[1].replace(",", "")), rel=0.02) == TASK_GAS
