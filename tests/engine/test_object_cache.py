"""Compiled code on disk: found again, never trusted when it changed or others could write it, bounded."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.engine.programs import CODE_START, program_of
from tests.machine.encode import encode
from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.translation import CompilePolicy, Translation
from truestep.engine.jit import JitEngine
from truestep.machine.program import Program, Task
from truestep.machine.state import Status

KEY, CONTENT = b"key", b"machine code"


def _exit_with(code: int) -> Program:
    words = [encode("addi", rd=10, immediate=code), encode("addi", rd=17, immediate=93), encode("ecall")]
    return program_of(words)


def _run(directory: Path, program: Program) -> tuple[Status, int]:
    machine = JitEngine(CompilePolicy(objects=ObjectCache(directory))).start(program, Task())
    machine.advance(100)
    return machine.status, machine.code


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir())


def test_what_was_stored_is_found_by_another_cache(tmp_path: Path) -> None:
    ObjectCache(tmp_path / "objects").store(KEY, CONTENT)
    assert ObjectCache(tmp_path / "objects").load(KEY) == CONTENT
    assert ObjectCache(tmp_path / "objects").load(b"other key") is None


def test_the_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "objects"
    ObjectCache(directory).store(KEY, CONTENT)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [stat.S_IMODE(entry.stat().st_mode) for entry in _entries(directory)] == [0o600]


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_directory_that_others_can_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    ObjectCache(tmp_path / "objects").store(KEY, CONTENT)
    (tmp_path / "objects").chmod(mode)
    cache = ObjectCache(tmp_path / "objects")
    assert cache.load(KEY) is None
    cache.store(b"other key", CONTENT)
    assert len(_entries(tmp_path / "objects")) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    ObjectCache(tmp_path / "objects").store(KEY, CONTENT)
    os.chown(tmp_path / "objects", 12345, 12345)
    assert ObjectCache(tmp_path / "objects").load(KEY) is None


def test_a_link_to_a_directory_is_not_used(tmp_path: Path) -> None:
    ObjectCache(tmp_path / "objects").store(KEY, CONTENT)
    (tmp_path / "link").symlink_to(tmp_path / "objects")
    assert ObjectCache(tmp_path / "link").load(KEY) is None


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "swap"])
def test_a_damaged_entry_is_deleted(tmp_path: Path, damage: str) -> None:
    cache = ObjectCache(tmp_path)
    tmp_path.chmod(0o700)
    cache.store(KEY, CONTENT)
    (entry,) = _entries(tmp_path)
    content = entry.read_bytes()
    if damage == "swap":
        cache.store(b"other key", b"other code")
        (other,) = (path for path in _entries(tmp_path) if path != entry)
        other.replace(entry)
    else:
        entry.write_bytes({"flip": content[:-1] + b"x", "cut": content[:-1], "empty": b""}[damage])
    assert cache.load(KEY) is None
    assert not entry.exists()
    cache.store(KEY, CONTENT)
    assert cache.load(KEY) == CONTENT


def test_the_entries_used_longest_ago_go_first(tmp_path: Path) -> None:
    cache = ObjectCache(tmp_path / "objects", limit_bytes=3500)
    for number in range(3):
        cache.store(bytes([number]), bytes(1000))
    for age, number in enumerate((2, 0, 1)):
        path = cache._path(bytes([number]))
        os.utime(path, ns=(age, age))
    assert cache.load(bytes([2]))
    cache.store(bytes([3]), bytes(1000))
    assert [cache.load(bytes([number])) is not None for number in range(4)] == [False, True, True, True]


def test_an_unusable_directory_costs_no_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert _run(tmp_path / "file", _exit_with(7)) == (Status.EXITED, 7)


def test_code_comes_from_the_cache_and_is_the_programs_own(tmp_path: Path) -> None:
    directory = tmp_path / "objects"
    assert _run(directory, _exit_with(1)) == _run(directory, _exit_with(1)) == (Status.EXITED, 1)
    (first,) = _entries(directory)
    assert _run(directory, _exit_with(2)) == (Status.EXITED, 2)
    assert len(_entries(directory)) == 2
    first.write_bytes(first.read_bytes()[:-1])
    assert _run(directory, _exit_with(1)) == (Status.EXITED, 1)
    assert len(_entries(directory)) == 2


def test_a_hit_compiles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = CompilePolicy(objects=ObjectCache(tmp_path / "objects"))
    assert Translation(_exit_with(1), policy).prepare(CODE_START)
    monkeypatch.delattr("truestep.engine.compilation.translation.object_code")
    assert Translation(_exit_with(1), policy).prepare(CODE_START)


def test_a_piece_that_is_kept_is_entered_at_first_touch(tmp_path: Path) -> None:
    policy = CompilePolicy(objects=ObjectCache(tmp_path / "objects"), piece_steps=10)
    middle = CODE_START + 4
    made = Translation(_exit_with(1), policy)
    assert made.prepare(CODE_START)
    assert not made.prepare(middle)
    made.note_steps(middle, 10)
    assert made.prepare(middle)
    found = Translation(_exit_with(1), policy)
    assert found.prepare(CODE_START)
    assert found.prepare(middle)


def _write_and_read(directory: Path, worker: int) -> bool:
    cache = ObjectCache(directory, limit_bytes=60_000)
    for number in range(200):
        key = bytes([number % 7])
        cache.store(key, key * 10_000)
        found = cache.load(bytes([(number + worker) % 7]))
        if found not in (None, bytes([(number + worker) % 7]) * 10_000):
            return False
    return True


def test_many_processes_write_and_evict_at_once(tmp_path: Path) -> None:
    directory = tmp_path / "objects"
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        assert all(pool.map(_write_and_read, [directory] * 3, range(3)))
    assert not [path for path in _entries(directory) if path.suffix != ".object"]
    assert sum(path.stat().st_size for path in _entries(directory)) <= 80_000
