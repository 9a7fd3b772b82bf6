"""Every store of cells keeps the promises of the port; the directory also through kills and full disks."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.cells.s3_server import ACCESS_KEY, BUCKET, SECRET_KEY
from truestep.adapters.cells.directory import DirectoryCells
from truestep.adapters.cells.s3 import S3Cells, open_bucket
from truestep.adapters.files import UNFINISHED_SUFFIX
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.ports.cells import CellStore, RunKey

LIMIT_BYTES = 1_000
ITEM, OTHER = Bytes32(b"\x01" * 32), Bytes32(b"\xfe" * 32)
RUN = RunKey(item=ITEM, blob=4_351, first_cell=127)

OpenStore = Callable[[], CellStore]


@pytest.fixture(params=["directory", "s3"])
def open_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OpenStore]:
    """Opens the same store each time, as a process that starts does."""
    if request.param == "s3":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        url = s3_url(request.getfixturevalue("s3_endpoint"), uuid4().hex)
        yield lambda: S3Cells(open_bucket(url), limit_bytes=LIMIT_BYTES, name="the bucket")
        return
    opened: list[DirectoryCells] = []

    def reopened() -> DirectoryCells:
        for each in opened:
            each.close()
        opened.append(DirectoryCells(tmp_path / "cells", limit_bytes=LIMIT_BYTES))
        return opened[-1]

    yield reopened
    opened[-1].close()


def s3_url(endpoint: str, prefix: str) -> str:
    return f"s3://{BUCKET}/{prefix}?endpoint={endpoint}&region=us-east-1"


def test_what_was_put_is_there_until_it_is_removed(open_store: OpenStore) -> None:
    store = open_store()
    assert (store.items(), store.runs(ITEM), store.manifest(ITEM), store.used_bytes) == ([], [], None, 0)
    assert store.read_run(RUN, range(4)) is None
    store.put_run(RUN, b"0123456789")
    store.put_manifest(ITEM, b"its manifest")
    store.put_run(RunKey(item=OTHER, blob=0, first_cell=0), b"other")
    for each in (store, open_store()):
        assert each.items() == [ITEM, OTHER]
        assert each.runs(ITEM) == [RUN]
        assert each.manifest(ITEM) == b"its manifest"
        assert each.read_run(RUN, range(2, 5)) == b"234"
        assert each.read_run(RUN, range(8, 20)) == b"89"
        assert each.used_bytes == 27
    store = open_store()
    store.remove_run(RUN)
    store.remove_run(RUN)
    assert store.runs(ITEM) == []
    store.remove(ITEM)
    store.remove(ITEM)
    assert store.items() == [OTHER]
    assert (store.manifest(ITEM), store.used_bytes) == (None, 5)


def test_a_full_store_refuses_and_keeps_what_it_has(open_store: OpenStore) -> None:
    store = open_store()
    store.put_run(RUN, b"a" * LIMIT_BYTES)
    with pytest.raises(Unavailable, match="full: 1,000 of 1,000 bytes are used; raise --store-limit"):
        store.put_manifest(ITEM, b"x")
    store.put_run(RUN, b"b" * LIMIT_BYTES)  # in place of itself it fits
    with pytest.raises(Unavailable, match="full"):
        store.put_run(RUN, b"c" * (LIMIT_BYTES + 1))
    assert store.read_run(RUN, range(LIMIT_BYTES + 1)) == b"b" * LIMIT_BYTES
    store.remove(ITEM)
    store.put_manifest(ITEM, b"x")
    assert open_store().used_bytes == 1


RUNS = st.builds(
    RunKey,
    item=st.sampled_from([ITEM, OTHER]),
    blob=st.sampled_from([0, 9_999]),
    first_cell=st.sampled_from([0, 64]),
)
CALLS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), RUNS, st.binary(min_size=1, max_size=400)),
        st.tuples(st.just("remove"), RUNS, st.none()),
        st.tuples(st.just("remove item"), RUNS, st.none()),
        st.tuples(st.just("open again"), RUNS, st.none()),
    ),
    max_size=12,
)


@given(calls=CALLS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_a_bounded_dictionary(
    open_store: OpenStore, calls: list[tuple[str, RunKey, bytes | None]]
) -> None:
    store, model = open_store(), {}
    for item in (ITEM, OTHER):
        store.remove(item)
    for call, run, content in calls:
        match call:
            case "put":
                assert content is not None
                rest = sum(len(each) for key, each in model.items() if key != run)
                if rest + len(content) <= LIMIT_BYTES:
                    store.put_run(run, content)
                    model[run] = content
                else:
                    with pytest.raises(Unavailable):
                        store.put_run(run, content)
            case "remove":
                store.remove_run(run)
                model.pop(run, None)
            case "remove item":
                store.remove(run.item)
                model = {key: each for key, each in model.items() if key.item != run.item}
            case _:
                store = open_store()
        assert store.used_bytes == sum(map(len, model.values()))
        assert [each for item in store.items() for each in store.runs(item)] == sorted(model)
        assert all(store.read_run(key, range(500)) == each for key, each in model.items())


WRITER = """
import sys
from pathlib import Path
from truestep.adapters.cells.directory import DirectoryCells
from truestep.ports.cells import RunKey
store = DirectoryCells(Path(sys.argv[1]), limit_bytes=1 << 40)
for blob in range(5_000):
    store.put_run(RunKey(item=bytes([1] * 32), blob=blob, first_cell=0), bytes([blob % 256]) * 100_000)
    print(blob, flush=True)
"""


def test_a_killed_writer_leaves_whole_runs_and_no_others(tmp_path: Path) -> None:
    kept = -1
    for kill_after in (3, 10, 30):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(kill_after):
                kept = max(kept, int(writer.stdout.readline()))
            writer.send_signal(signal.SIGKILL)
        (tmp_path / ITEM.hex() / f".0000-000.0{UNFINISHED_SUFFIX}").write_bytes(b"half")
        store = DirectoryCells(tmp_path, limit_bytes=1 << 40)
        runs = store.runs(ITEM)
        assert [run.blob for run in runs[: kept + 1]] == list(range(kept + 1))
        for run in runs:
            assert store.read_run(run, range(200_000)) == bytes([run.blob % 256]) * 100_000
        assert store.used_bytes == len(runs) * 100_000
        assert not list(tmp_path.rglob(f"*{UNFINISHED_SUFFIX}"))
        store.close()


def test_a_disk_that_fills_costs_only_what_was_not_acknowledged(tmp_path: Path) -> None:
    writer = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)){WRITER}"
    done = subprocess.run(
        [sys.executable, "-c", writer, tmp_path], capture_output=True, text=True, check=False
    )
    assert "cannot write" in done.stderr and "check disk space and permissions" in done.stderr
    store = DirectoryCells(tmp_path, limit_bytes=LIMIT_BYTES)
    assert (store.used_bytes, store.runs(ITEM)) == (0, [])
    store.close()


def test_the_daemons_state_keeps_room_on_the_disk(tmp_path: Path) -> None:
    store = DirectoryCells(tmp_path, limit_bytes=LIMIT_BYTES, reserved_bytes=1 << 60)
    with pytest.raises(Unavailable, match="stay free for the daemon's state; make room"):
        store.put_run(RUN, b"x")
    assert (store.used_bytes, store.runs(ITEM)) == (0, [])
    store.close()


def test_a_directory_is_of_one_process(tmp_path: Path) -> None:
    store = DirectoryCells(tmp_path, limit_bytes=LIMIT_BYTES)
    with pytest.raises(Rejected, match="give this keeper another --store") as refusal:
        DirectoryCells(tmp_path, limit_bytes=LIMIT_BYTES)
    assert refusal.value.reason is Reject.STORE_IN_USE
    store.close()


@contextmanager
def no_bucket() -> Iterator[None]:
    with pytest.raises(Rejected, match="expected s3://BUCKET/PREFIX") as refusal:
        yield
    assert refusal.value.reason is Reject.CELL_STORE


def test_other_urls_are_no_buckets() -> None:
    for url in ("http://bucket/x", "s3:///x", "s3://bucket?secret_access_key=x", "directory", ""):
        with no_bucket():
            open_bucket(url)


def test_wrong_keys_are_said_in_words(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another secret")
    with pytest.raises(Unavailable, match=r"the bucket failed: .*; check its address and keys"):
        S3Cells(open_bucket(s3_url(s3_endpoint, "x")), limit_bytes=LIMIT_BYTES, name="the bucket")


def test_a_dead_store_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setattr("truestep.adapters.cells.s3.RETRIES", 0)
    with pytest.raises(Unavailable, match="the bucket failed"):
        S3Cells(open_bucket(s3_url("http://127.0.0.1:1", "x")), limit_bytes=LIMIT_BYTES, name="the bucket")
