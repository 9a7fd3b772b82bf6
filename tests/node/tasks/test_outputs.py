"""Outputs are published however large, however often the store fails, and as long as they may be needed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.adapters.hostile_server import serving_raw, silent
from tests.e2e.network import ELF, GUEST, INPUT, T0, T1, Log, elf_of, expected_output
from tests.machine.encode import encode
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.base.errors import Unavailable
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.jit import JitEngine
from truestep.engine.runtime.keccak import vector_hash_pairs
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_LIMIT_BYTES, OUTPUT_START, RANGE_LEVEL
from truestep.machine.program import Task
from truestep.node.tasks.outputs import (
    CHECK_AGAIN_SECONDS,
    GIVE_UP_FAILURES,
    OFFER_WAIT,
    Offered,
    OutputShelf,
    keep_output,
    key_of,
    offer_output,
    read_output,
    written_bytes,
)
from truestep.ports.blobs import OutputKey
from truestep.ports.engine import Machine
from truestep.ports.executor import Stopped
from truestep.protocol.claims import ClaimedState, claim_state

TASK = Task(input=INPUT)
ENGINES = (ReferenceEngine(), JitEngine())
# It states an output of eight bytes, and leaves eight more behind it and at the end of the next page.
WRITES_BEHIND = elf_of(
    (
        *GUEST[:13],
        encode("sd", rs1=T0, rs2=T1, immediate=8),
        encode("lui", rd=T0, immediate=0xE000_2000),
        encode("sd", rs1=T0, rs2=T1, immediate=-16),
        *GUEST[13:],
    )
)


def finished(elf: bytes, shard_index: int = 0) -> tuple[Machine, ClaimedState]:
    machine = ENGINES[0].start(load_elf(elf), Task(input=INPUT, shard_index=shard_index, shard_count=99))
    machine.advance(10_000)
    return machine, claim_state(machine.state(), machine.node, machine.read_memory)


def claim_of_shard(shard_index: int) -> ClaimedState:
    return finished(ELF, shard_index)[1]


def kept(folder: OutputDirectory, *shards: int) -> list[ClaimedState]:
    claims: list[ClaimedState] = []
    for shard in shards:
        machine, claimed = finished(ELF, shard)
        assert keep_output(folder, machine, claimed) == ""
        claims.append(claimed)
    return claims


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
@pytest.mark.parametrize("last", [None, 0, 31, 32, 4095, 4096, 1 << 20, OUTPUT_LIMIT_BYTES - 1])
def test_the_last_byte_of_an_output_range_is_found(engine: ReferenceEngine, last: int | None) -> None:
    machine = engine.start(load_elf(ELF), TASK)
    if last is not None:
        machine.memory.write(OUTPUT_START + last, b"\x01")
        machine.memory.write(OUTPUT_START + last // 3, b"\x02")
    machine.state()
    assert written_bytes(machine) == (0 if last is None else last + 1)


def test_an_output_is_read_in_pieces() -> None:
    machine, _ = finished(ELF)
    for size_bytes in (0, 8, 4_000_000):
        pieces = list(read_output(machine, size_bytes))
        assert max(map(len, pieces)) <= 1 << 20
        assert b"".join(pieces) == expected_output(0).ljust(size_bytes, b"\0")


def test_an_output_whose_guest_wrote_behind_it_is_published(tmp_path: Path) -> None:
    machine, claimed = finished(WRITES_BEHIND)
    assert claimed.output_size == 8
    blobs, folder = DirectoryBlobs(tmp_path / "theirs"), OutputDirectory(tmp_path / "own")
    assert keep_output(folder, machine, claimed) == ""
    assert offer_output(blobs, folder, key_of(claimed), lambda: False).trouble == ""
    assert blobs.get_output(claimed.output_root, 8) == expected_output(0)


def test_a_failed_run_has_no_output(tmp_path: Path) -> None:
    machine, claimed = finished(elf_of((encode("ebreak"),)))
    folder, log = OutputDirectory(tmp_path), Log()
    assert keep_output(folder, machine, claimed) == ""
    shelf = OutputShelf(folder, log)
    shelf.add(claimed)
    assert (shelf.due(0), folder.kept()) == ([], frozenset())


def test_an_output_is_offered_until_a_store_takes_it_and_again_if_that_loses_it(tmp_path: Path) -> None:
    folder, log, theirs = OutputDirectory(tmp_path / "own"), Log(), tmp_path / "theirs"
    (claimed,) = kept(folder, 3)
    shelf = OutputShelf(folder, log)
    shelf.add(claimed)
    dead, blobs, key, now = HttpBlobs("http://127.0.0.1:1"), DirectoryBlobs(theirs), key_of(claimed), 0.0
    waits: list[float] = []
    for _ in range(12):
        assert shelf.due(now) == [key]
        shelf.record(offer_output(dead, folder, key, lambda: False), now)
        began = now
        while not shelf.due(now):
            now += 1.0
        waits.append(now - began)
    assert waits[0] <= 4
    assert all(later >= sooner - 1 for sooner, later in pairwise(waits))
    assert waits[-1] == OFFER_WAIT.limit_seconds
    assert log.kinds() == ["unpublished"] * 12
    assert "offered again in" in log.lines[0][1]
    for _ in range(2):
        shelf.record(offer_output(blobs, folder, key, lambda: False), now)
        assert blobs.get_output(key.output_root, key.size_bytes) == expected_output(3)
        assert shelf.due(now + CHECK_AGAIN_SECONDS - 1) == []
        now += CHECK_AGAIN_SECONDS
        assert shelf.due(now) == [key]
        shutil.rmtree(theirs)
    assert log.kinds() == ["unpublished"] * 12 + ["published"]


def test_a_restart_goes_on_and_what_is_final_is_forgotten(tmp_path: Path) -> None:
    folder = OutputDirectory(tmp_path)
    first, second, third = kept(folder, 1, 2, 3)
    shelf = OutputShelf(folder, Log())
    assert set(shelf.due(0)) == {key_of(claimed) for claimed in (first, second, third)}
    shelf.forget_except([second])
    assert len(folder.kept()) == 3  # no store has taken them
    for key in shelf.due(0):
        shelf.record(Offered(key=key, trouble=""), 0)
    shelf.forget_except([second])
    restarted = OutputShelf(OutputDirectory(tmp_path), Log())
    assert restarted.due(0) == [key_of(second)]
    assert folder.kept() == {key_of(second)}


def test_outputs_kept_but_not_yet_added_are_left_alone(tmp_path: Path) -> None:
    """A run ends in another thread while the loop tidies up."""
    folder = OutputDirectory(tmp_path)
    shelf = OutputShelf(folder, Log())
    (claimed,) = kept(folder, 1)
    shelf.forget_except([])
    shelf.add(claimed)
    (key,) = shelf.due(0)
    assert offer_output(DirectoryBlobs(tmp_path / "x"), folder, key, lambda: False).trouble == ""


def test_the_longest_overdue_is_offered_first(tmp_path: Path) -> None:
    folder = OutputDirectory(tmp_path)
    first, second = kept(folder, 1, 2)
    shelf = OutputShelf(folder, Log())
    for claimed, now in ((first, 100.0), (second, 50.0)):
        shelf.record(offer_output(DirectoryBlobs(tmp_path), folder, key_of(claimed), lambda: False), now)
    assert shelf.due(10_000.0) == [key_of(second), key_of(first)]
    assert shelf.due(50.0 + CHECK_AGAIN_SECONDS) == [key_of(second)]


def test_a_broken_disk_costs_no_claim_and_is_told(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("in the way")
    machine, claimed = finished(ELF)
    assert "make room there" in keep_output(OutputDirectory(tmp_path / "own"), machine, claimed)
    folder, log = OutputDirectory(tmp_path), Log()
    shelf = OutputShelf(folder, log)
    shelf.add(claimed)
    (key,) = shelf.due(0)
    shelf.record(offer_output(DirectoryBlobs(tmp_path), folder, key, lambda: False), 0)
    assert "is missing" in log.lines[0][1]


def test_an_offer_stops_when_asked_to(tmp_path: Path) -> None:
    folder = OutputDirectory(tmp_path)
    (claimed,) = kept(folder, 1)
    with serving_raw(silent) as url, pytest.raises(Stopped):
        offer_output(HttpBlobs(url), folder, key_of(claimed), lambda: True)


def test_an_output_of_another_directory_is_no_key(tmp_path: Path) -> None:
    folder = OutputDirectory(tmp_path)
    kept(folder, 1)
    for name in ("nonsense", f"{'0' * 64}-01", f".{'0' * 64}-1.unfinished"):
        (tmp_path / "outputs" / name).write_text("x")
    assert len(folder.kept()) == 1


def test_a_large_output_is_published_in_pieces(tmp_path: Path) -> None:
    folder, blobs = OutputDirectory(tmp_path / "own"), DirectoryBlobs(tmp_path / "theirs")
    sizes: list[int] = []

    def pieces() -> Iterable[bytes]:
        for number in range(64):
            yield bytes([number]) * (1 << 20)

    root = root_of_bytes(b"".join(pieces()), RANGE_LEVEL, vector_hash_pairs)
    key = OutputKey(output_root=root, size_bytes=64 << 20)
    folder.keep(key, pieces())
    sizes += [len(piece) for piece in folder.content(key)]
    assert (sum(sizes), max(sizes)) == (64 << 20, 1 << 20)
    assert offer_output(blobs, folder, key, lambda: False).trouble == ""
    assert len(blobs.get_output(root, 64 << 20)) == 64 << 20


def test_nothing_is_kept_of_what_cannot_be_read(tmp_path: Path) -> None:
    folder = OutputDirectory(tmp_path)
    (claimed,) = kept(folder, 1)
    folder.remove(key_of(claimed))
    folder.remove(key_of(claimed))
    with pytest.raises(Unavailable, match="missing"):
        folder.content(key_of(claimed))


def test_an_output_that_no_store_ever_takes_is_dropped_a_day_after_its_task_is_final(tmp_path: Path) -> None:
    folder = OutputDirectory(tmp_path)
    (claimed,) = kept(folder, 1)
    shelf = OutputShelf(folder, Log())
    for _ in range(GIVE_UP_FAILURES):
        shelf.forget_except([])
        assert folder.kept() == {key_of(claimed)}
        shelf.record(Offered(key=key_of(claimed), trouble="down"), 0)
    shelf.forget_except([claimed])
    assert folder.kept() == {key_of(claimed)}
    shelf.forget_except([])
    assert folder.kept() == frozenset()
