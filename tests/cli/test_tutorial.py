"""docs/tutorial.md: its commands are those of a newcomer, and print what the page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.console import named_commands, play, session

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text("utf-8")
INSTALL = "pip install 'truestep[guest,devnet]' vyper==0.4.3"
BAR = 15
"""Commands from nothing to a contract that uses a result."""


@pytest.mark.long
def test_the_tutorial_prints_what_it_shows(tmp_path: Path) -> None:
    """Here everything is installed. It waits for the challenge window of the devnet, four minutes."""
    play(PAGE, tmp_path, {INSTALL: "true"})


def test_it_is_short_and_its_commands_have_these_options(truestep: Invoke) -> None:
    assert session(PAGE)[0].line == INSTALL
    assert len(session(PAGE)) <= BAR
    for words in named_commands(PAGE):
        command = [words[0], "run"] if words[0] in ("worker", "challenger") else words[:1]
        help_text = truestep(*command, "--help").stdout
        for option in (word for word in words if word.startswith("--")):
            assert option in help_text, (words, option)
