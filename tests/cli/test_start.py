"""What the script does before anything is imported."""

import os
import runpy
import sys

import pytest

from truestep.cli import main as all_commands
from truestep.cli.start import main


@pytest.mark.parametrize(("chosen", "expected"), [(None, "1"), ("3", "3")])
def test_numpy_starts_no_threads_unless_the_user_wants_them(
    monkeypatch: pytest.MonkeyPatch, chosen: str | None, expected: str
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", chosen or "")
    if chosen is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(sys, "argv", ["truestep", "cc", "--version"])
    monkeypatch.setattr("truestep.cli.start.end_at_once", lambda: None)
    with pytest.raises(SystemExit):
        main()
    assert os.environ["OPENBLAS_NUM_THREADS"] == expected


def test_the_module_of_all_commands_runs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr("truestep.cli.start.main", lambda: called.append("main"))
    runpy.run_path(all_commands.__file__, run_name="__main__")
    assert called == ["main"]
