"""The examples in the SDK's own documentation, run as they stand there."""

import shutil
import textwrap
import threading
import time
from pathlib import Path

import pytest

import truestep.client
from tests.client.conftest import EXAMPLES, WINDOW_SECONDS, Network
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.keystore import create_keystore
from truestep.base.ids import JobId
from truestep.client.receipt import read_receipt
from truestep.devnet.rpc import DevnetRpc
from truestep.devnet.server import serving
from truestep.protocol.records import TaskStage


def examples() -> list[str]:
    """The indented blocks of the package's docstring."""
    blocks: list[list[str]] = [[]]
    for line in (truestep.client.__doc__ or "").splitlines():
        if line.startswith("    ") or (not line and blocks[-1]):
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [textwrap.dedent("\n".join(block)) for block in blocks if block]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(EXAMPLES / "hello" / "hello.c", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_example_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exec(examples()[0], {})
    assert capsys.readouterr().out.endswith(" instructions\n")


def test_the_second_example_settles_a_job(
    folder: Path, network: Network, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "hello.elf").write_bytes(network.elf)
    (folder / "devnet").mkdir()
    network.deployment.write(folder / "devnet" / "deployment.json")
    requester = create_keystore(folder / "devnet" / "requester.json", "truestep", guards_money=False)
    network.devnet.fund(requester, 10**18)
    blobs = network.client.blobs
    assert isinstance(blobs, DirectoryBlobs)
    with serving(DevnetRpc(network.devnet, clock=lambda: 0.0), blobs, 0) as url:
        example = examples()[1].replace("http://127.0.0.1:8545", url)
        thread = threading.Thread(target=exec, args=(example, {}))
        thread.start()
        job = _posted(network, requester)
        network.do(job, 0, 1)
        network.finish(job)
        thread.join(timeout=60)
    assert "[b'HELLO', b'HELLO']" in capsys.readouterr().out
    receipt = read_receipt(folder / "receipt.json")
    assert (receipt.terms.requester, receipt.shard_count) == (requester, 2)
    assert network.deployment.rules.window_seconds == WINDOW_SECONDS


def _posted(network: Network, requester: str) -> truestep.client.Job:
    """The job that `requester` posts, once it is there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            job = network.client.job(JobId(_count(network)))
        except truestep.client.Rejected:
            time.sleep(0.05)
            continue
        if job.status().job.requester == requester:
            assert job.status().count(TaskStage.OPEN) == 2
            return job
        time.sleep(0.05)
    pytest.fail("the example posted no job")


def _count(network: Network) -> int:
    """How many jobs there are."""
    number = 0
    while True:
        try:
            network.client.chain.job(JobId(number + 1))
        except truestep.client.Rejected:
            return number
        number += 1
