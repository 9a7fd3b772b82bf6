"""A small network with liars in it comes to its end, with processes on anvil."""

from __future__ import annotations

from pathlib import Path

import pytest

from truestep.drills.network.plan import Terms, planned
from truestep.drills.network.play import Screenplay, perform


@pytest.mark.long
@pytest.mark.anvil
def test_every_job_is_final_every_lie_is_struck_and_nobody_honest_loses(
    anvil_program: Path, tmp_path: Path
) -> None:
    plan = planned(Terms(jobs=9, workers=2, liar_share=0.1, seed=1))
    told = Screenplay(say=print, progress=lambda done, words: None)
    figures = perform(plan, tmp_path / "drill", anvil_program, told)
    assert figures.complaints == ()
    assert (figures.jobs, figures.finalized) == (9, 9)
    assert figures.claims_struck == figures.lies == len(plan.lies) > 0
    assert figures.slashed_wei == len(plan.lies) * 10**18
    assert (figures.lost_wei, figures.manual_steps) == (0, 0)
    assert figures.gas_per_task > 0
    assert (tmp_path / "drill" / "worker-2.log").exists()
