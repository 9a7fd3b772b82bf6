from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from truestep.adapters.files import OPEN_TO_OWNER, UNFINISHED_SUFFIX, unfinished, write_file


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "made" / "for it" / "file"
    for content, expected in (
        (b"bytes", b"bytes"),
        ("tëxt", "tëxt".encode()),
        ([b"in ", b"pieces"], b"in pieces"),
    ):
        write_file(path, content)
        assert path.read_bytes() == expected
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_file(path, b"old")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        assert [each.suffix for each in tmp_path.iterdir() if each != path] == [UNFINISHED_SUFFIX]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_file(path, pieces())
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_must_not_be_replaced_is_not(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_file(path, b"first", mode=OPEN_TO_OWNER, may_replace=False)
    with pytest.raises(FileExistsError):
        write_file(path, b"second", mode=OPEN_TO_OWNER, may_replace=False)
    assert path.read_bytes() == b"first"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_links_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_file(link, b"content")
    assert link.is_symlink()
    assert target.read_bytes() == b"content"
    write_file(Path(os.devnull), b"gone")
    assert not Path(os.devnull).is_file()


def test_standard_output_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    program = "from pathlib import Path; from truestep.adapters.files import write_file;"
    program += "print('before', flush=True); write_file(Path('/dev/stdout'), b'within\\n'); print('after')"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"before\nwithin\nafter\n"
    with (tmp_path / "log").open("ab") as log:
        subprocess.run(command, stdout=log, check=True)
        assert (tmp_path / "log").stat().st_ino == os.fstat(log.fileno()).st_ino


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    with unfinished(path) as file:
        file.write(b"never finished")
    assert list(tmp_path.iterdir()) == []
    write_file(path, b"content")
    assert path.read_bytes() == b"content"
