"""`--metrics-listen`: daemons in processes of their own, as Prometheus meets them."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.cli.conftest import Invoke
from tests.cli.processes import START_SECONDS, Devnet, running_devnet, start, stop
from truestep.adapters.store.sqlite import SqliteStore


@contextmanager
def running(log: Path, *words: object) -> Generator[subprocess.Popen[str]]:
    process = start(log, *words, "--json", "--metrics-listen", "127.0.0.1:0")
    yield process
    assert stop(process) == 0, log.read_text()


def told(process: subprocess.Popen[str], kind: str) -> dict[str, Any]:
    """The first line of a log of a kind."""
    assert process.stdout is not None
    for line in process.stdout:
        if (fields := json.loads(line))["kind"] == kind:
            return fields
    raise AssertionError(f"the daemon ended without a line {kind!r}")


def ready(url: str) -> httpx.Response:
    """The answer of `/ready` once it is 200."""
    answer = httpx.get(f"{url}/ready")
    for _ in range(START_SECONDS * 4):
        if answer.status_code == 200:
            break
        time.sleep(0.25)
        answer = httpx.get(f"{url}/ready")
    return answer


def worker(devnet: Devnet, folder: Path) -> tuple[object, ...]:
    return ("worker", *devnet.options("operator-1"), "--stake", "5", "--state-dir", folder / "worker")


def test_daemons_serve_health_and_metrics(tmp_path: Path, truestep: Invoke) -> None:
    with running_devnet(tmp_path / "devnet") as devnet:
        challenger = ("challenger", *devnet.options("challenger"), "--state-dir", tmp_path / "challenger")
        keeper = (
            "keeper", *devnet.sending("operator-2"), "--state-dir", tmp_path / "keeper",
            "--url", "http://127.0.0.1:9", "--listen", "127.0.0.1:0",
        )  # fmt: skip
        expected = {
            "worker": (worker(devnet, tmp_path), 'truestep_stake_ether{state="free"} 5.0'),
            "challenger": (challenger, 'truestep_owed_ether{contract="Disputes"} 0.0'),
            "keeper": (keeper, 'truestep_clocks{kind="challenge"} 0.0'),
        }
        for role, (words, line) in expected.items():
            with running(tmp_path / f"{role}.log", *words) as process:
                url = told(process, "metrics")["url"]
                assert ready(url).json() == {"ready": True, "reason": ""}, role
                assert httpx.get(f"{url}/health").json() == {"alive": True, "reason": ""}, role
                lines = httpx.get(f"{url}/metrics").text.splitlines()
                assert line in lines
                assert any(f'role="{role}"' in each for each in lines)
        _waits_for_its_node(devnet, tmp_path)
        with closing(socket.create_server(("127.0.0.1", 0))) as taken:
            place = f"127.0.0.1:{taken.getsockname()[1]}"
            refused = truestep(*worker(devnet, tmp_path), "--metrics-listen", place)
            with closing(SqliteStore(tmp_path / "worker" / "state.sqlite")):  # as a daemon that runs already
                twice = truestep(*worker(devnet, tmp_path), "--metrics-listen", place)
    assert (refused.exit_code, twice.exit_code) == (1, 1)
    assert "belongs to the running process" in twice.stderr
    assert "choose another with --metrics-listen HOST:PORT" in refused.stderr


def _waits_for_its_node(devnet: Devnet, folder: Path) -> None:
    """A daemon that waits for its node is alive, and is not ready."""
    words = tuple(str(word).replace(devnet.rpc, "http://127.0.0.1:9") for word in worker(devnet, folder))
    with running(folder / "waiting.log", *words) as process:
        url = told(process, "metrics")["url"]
        told(process, "waiting")
        assert httpx.get(f"{url}/health").status_code == 200
        answer = httpx.get(f"{url}/ready")
        assert (answer.status_code, answer.json()["ready"]) == (503, False)
