"""The documentation builds as a site: every page is in its navigation, and links lead somewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.site import faults

REPOSITORY = Path(__file__).resolve().parent.parent


def test_the_site_builds_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "zensical.toml", tmp_path)
    shutil.copytree(REPOSITORY / "docs", tmp_path / "docs")
    build = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    built = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    assert list(faults(tmp_path / "site")) == []


def test_every_page_is_in_the_navigation() -> None:
    project = tomllib.loads((REPOSITORY / "zensical.toml").read_text("utf-8"))["project"]
    named = list(_pages(project["nav"]))
    assert len(named) == len(set(named))
    assert set(named) == {path.name for path in (REPOSITORY / "docs").glob("*.md")} | {"decisions/README.md"}


def _pages(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
    else:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from _pages(inner)


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ('<a href="gone.html">', "links to gone.html"),
        ('<a href="../outside.html">', "links to ../outside.html"),
        ('<a href="#gone">', "links to #gone"),
        ('<script src="https://elsewhere.example/a.js">', "loads https://elsewhere.example/a.js"),
    ],
)
def test_faults_are_found(page: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "outside.html").write_text("", "utf-8")
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(page, "utf-8")
    (found,) = faults(site)
    assert fault in found


def test_links_within_a_site_are_fine(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<a href="#here" id="here"><a href="https://elsewhere.example/">', "utf-8"
    )
    assert list(faults(tmp_path)) == []
