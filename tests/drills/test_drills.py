"""Each drill passes. `make test` carries out a sample, `make drill` all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from truestep.adapters.keepers.workers import KzgProcesses
from truestep.drills.catalogue import DRILLS, Drill
from truestep.drills.performance import perform
from truestep.drills.verdict import Verdict

SAMPLE = ("root-mismatch",)


@pytest.fixture(scope="module")
def kzg() -> Iterator[KzgProcesses]:
    with closing(KzgProcesses()) as processes:
        yield processes


@pytest.mark.parametrize(
    "drill",
    [
        pytest.param(drill, id=drill.name, marks=() if drill.name in SAMPLE else pytest.mark.long)
        for drill in DRILLS
    ],
)
def test_a_drill_passes(drill: Drill, kzg: KzgProcesses, tmp_path: Path) -> None:
    outcome = perform(drill, tmp_path / "drill", kzg, print)
    assert outcome.complaints == []
    assert not (tmp_path / "drill").exists()


def test_what_breaks_in_a_drill_is_its_outcome_and_its_folder_stays(
    kzg: KzgProcesses, tmp_path: Path
) -> None:
    def breaks(_: object) -> Verdict:
        raise KeyError("nothing is where it should be")

    drill = Drill(name="broken", words="", play=breaks)
    outcome = perform(drill, tmp_path / "drill", kzg, print)
    assert outcome.fields["outcome"] == "failed"
    assert "nothing is where it should be" in outcome.complaints[0]
    assert "KeyError" in (tmp_path / "drill" / "trouble").read_text()
