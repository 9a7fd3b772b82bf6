"""Archives kept between builds: made once, and again if they or what they were made from change."""

from __future__ import annotations

from pathlib import Path

import pytest

from truestep.guest.kept import kept


def test_an_archive_is_made_again_only_when_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = tmp_path / "part.c"
    source.write_text("int x;")
    made: list[bytes] = []

    def make() -> bytes:
        made.append(b"archive %d" % len(made))
        return made[-1]

    def get(*flags: str) -> bytes:
        return kept("part", flags, [source], make)

    assert (get("-O2"), get("-O2"), get("-O3")) == (b"archive 0", b"archive 0", b"archive 1")
    source.write_text("int y;")
    assert (get("-O2"), get("-O2")) == (b"archive 2", b"archive 2")
    for path in (tmp_path / "truestep" / "archives").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert (get("-O2"), len(made)) == (b"archive 3", 4)


def test_without_a_cache_archives_are_made_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    assert kept("part", [], [], lambda: b"made") == b"made"
