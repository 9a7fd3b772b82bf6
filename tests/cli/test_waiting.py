"""Ctrl-C while a command waits for a job ends the command, not the job."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from truestep.cli.commands import submit
from truestep.cli.screen import Screen, guarded


def _interrupted(on_event: Callable[[Any], None]) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_says_that_the_job_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    job: Any = SimpleNamespace(job_id=7, wait=_interrupted)
    with pytest.raises(typer.Exit):
        guarded(lambda: submit.follow(Screen(as_json=False), job, 2, None))()
    assert "job 7 goes on without this command: truestep status 7" in capsys.readouterr().err
