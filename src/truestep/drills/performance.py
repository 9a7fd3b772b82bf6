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
    """Carry out one. What its daemons have said stays in `folder` if it failed.

    Whatever ends a drill is its outcome. Raises `Unavailable` or OSError if its network cannot be started.
    """
    began = time.monotonic()
    with closing(Stage(folder, kzg, say)) as stage:
        verdict, trouble = _played(drill, stage)
    outcome = Outcome(name=drill.name, verdict=verdict, trouble=trouble, seconds=time.monotonic() - began)
    if not outcome.complaints:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _played(drill: Drill, stage: Stage) -> tuple[Verdict | None, str]:
    """The verdict, or why there is none."""
    try:
        return drill.play(stage), ""
    except Exception as error:
        write_file(stage.folder / "trouble", traceback.format_exc())
        return None, f"{error}" or type(error).__name__
