"""Carries out drills, each on a network of its own."""

import shutil
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from truestep.adapters.files import write_file
from truestep.adapters.keepers.workers import KzgProcesses
from truestep.drills.catalogue import Drill
from truestep.drills.stage import Stage
from truestep.drills.verdict import Outcome, Verdict


def perform(drill: Drill, folder: Path, kzg: KzgProcesses, say: Callable[[str], None]) -> Outcome:
    """Carry out one. What its daemons have said stays in `folder` if it failed. Raises nothing of a drill."""
    began = time.monotonic()
    verdict: Verdict | None = None
    trouble = ""
    try:
        with closing(Stage(folder, kzg, say)) as stage:
            verdict = drill.play(stage)
    except Exception as error:  # whatever ends a drill is its outcome
        trouble = f"{error}" or type(error).__name__
        write_file(folder / "trouble", traceback.format_exc())
    outcome = Outcome(name=drill.name, verdict=verdict, trouble=trouble, seconds=time.monotonic() - began)
    if not outcome.complaints:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome
