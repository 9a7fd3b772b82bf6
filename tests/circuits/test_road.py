"""Roads to a final claim by commands, as they stand on the pages (docs/circuits.md, docs/receipts.md)."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.console import named_commands, play
from truestep.circuits.toolchain import Tools
from truestep.cli.main import app

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE, FOREIGN_PAGE = (
    (REPOSITORY / "docs" / name).read_text("utf-8") for name in ("circuits.md", "receipts.md")
)
SNIPPET = re.compile(r"`make_model.py` .*?^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
COMPILING = ("compiling ", "deriving ")
"""Progress of a circuit that nobody has compiled before."""


@pytest.mark.long
def test_the_road_leads_to_a_final_claim(tools: Tools, tmp_path: Path) -> None:
    """On the devnet in Python, with a worker that proves by itself, and with a seal that is made by hand."""
    assert tools.bb
    snippet = SNIPPET.search(PAGE)
    assert snippet is not None
    (tmp_path / "make_model.py").write_text(snippet[1], "utf-8")
    play(PAGE, tmp_path, {}, COMPILING)


@pytest.mark.long
def test_a_foreign_verifier_is_believed_for_a_program(tmp_path: Path) -> None:
    """Up to the statement: proofs of it come from another system."""
    shutil.copy(REPOSITORY / "examples" / "hello" / "hello.c", tmp_path)
    play(FOREIGN_PAGE, tmp_path, {}, COMPILING)


@pytest.mark.parametrize("page", [PAGE, FOREIGN_PAGE], ids=["circuits", "receipts"])
def test_its_commands_have_these_options(page: str) -> None:
    """Without the prover: what a page names is there."""
    named = list(named_commands(page))
    assert len(named) > 7
    for words in named:
        path = words[:2] if words[0] == "verifiers" else words[:1]
        path += ["run"] if words[0] in ("worker", "challenger") else []
        finished = CliRunner().invoke(app, [*path, "--help"], terminal_width=300)
        assert finished.exit_code == 0, path
        for option in (word for word in words if word.startswith("--")):
            assert option in finished.output, (path, option)
