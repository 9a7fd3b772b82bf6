"""`doctor`, `status` and `benchmark`: on a devnet with a worker that earns, and with everything wrong."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke
from tests.cli.processes import START_SECONDS, Devnet, running_devnet, start, stop
from tests.postgres import PostgresServer
from truestep.composition import examining
from truestep.composition.trial import differs_at
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import DATA_START
from truestep.simulation.faulty_engine import Fault, FaultyEngine


def test_the_engines_agree_and_a_faulty_one_is_found() -> None:
    assert differs_at(ReferenceEngine()) is None
    fault = Fault(cycle=900, address=DATA_START, mask=1)
    assert differs_at(FaultyEngine(ReferenceEngine(), fault)) == 1_000


def test_benchmark_says_what_is_safe_to_promise(truestep: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("truestep.composition.trial.MEASURED_SECONDS", 0.05)
    fields = truestep("worker", "benchmark", "--json").fields()
    assert 0 < fields["safe_cycles_per_second"] <= fields["cycles_per_second"]
    assert fields["hashed_pages_per_second"] > 0
    told = truestep("worker", "benchmark", "--cycles-per-second", "1e15")
    assert told.exit_code == 0
    assert "more than is safe here" in told.stderr


def healthy(devnet: Devnet, folder: Path) -> tuple[object, ...]:
    return (*devnet.options("operator-1"), "--state-dir", folder / "worker")


def test_a_worker_with_a_store_in_postgres_is_looked_after(
    truestep: Invoke,
    hello_elf: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    postgres: PostgresServer,
) -> None:
    with running_devnet(tmp_path / "devnet") as devnet:
        with monkeypatch.context() as patch:
            patch.setattr(examining, "DISK_BYTES", 1 << 60)
            _doctor_finds_what_is_missing(truestep, devnet, tmp_path)
        (devnet.folder / "password").chmod(0o600)
        _doctor_counts_the_stake_to_come(truestep, *healthy(devnet, tmp_path))
        folder, settings = tmp_path / "new", ("--set", "stake=5", "--set", "send_seconds=1")
        settings += ("--set", f"store={postgres.uri('operator_1')}")
        for option, value in zip(*[iter(map(str, healthy(devnet, tmp_path)))] * 2, strict=True):
            settings += ("--set", f"{option.removeprefix('--').replace('-', '_')}={value}")
        assert truestep("worker", "init", folder, *settings).exit_code == 0
        config = ("--config", folder / "worker.toml")
        process = start(tmp_path / "log", "worker", *config)
        words = ("submit", hello_elf, "--shards", "2", "--reward", "0.01", *devnet.options("requester"))
        assert truestep(*words, "--state", tmp_path / "requester", "--json").exit_code == 0
        fields = _status(truestep, config)
        assert [claim["task_id"] for claim in fields["claims"]] != []
        assert fields["claimed_bonds_wei"] > 0 and fields["fees_wei"] > 0 and fields["lost_wei"] == 0
        process.kill()
        process.wait()
        assert _status(truestep, config)["claims"] == fields["claims"], "it is read without a daemon too"
        process = start(tmp_path / "log 2", "worker", *config)
        told = truestep("worker", "status", *config)
        assert "job 1 shard" in told.stderr and "keep the daemon running for" in told.stderr
        assert "in 2 claims" in told.stdout
        checked = truestep("worker", "doctor", *config, "--rpc", devnet.rpc, "--rpc", devnet.rpc)
        assert checked.exit_code == 0, checked.stderr
        assert "stake: 5 ETH" in checked.stderr
        assert "state: at postgresql://postgres@" in " ".join(checked.stderr.split())
        _wait_for(tmp_path / "log 2", "watching")
        assert stop(process) == 0


def _doctor_counts_the_stake_to_come(truestep: Invoke, *options: object) -> None:
    finished = truestep("worker", "doctor", *options, "--stake", "5")
    assert finished.exit_code == 0, finished.stderr
    assert "the start deposits 5 ETH more" in finished.stderr
    finished = truestep("worker", "doctor", *options, "--stake", "5000000")
    assert finished.exit_code == 1
    assert "to mend: stake" in finished.stderr and "send 4,99" in finished.stderr


def _doctor_finds_what_is_missing(truestep: Invoke, devnet: Devnet, folder: Path) -> None:
    assert (devnet.folder / "password").stat().st_mode & 0o077 == 0, "a devnet is an example"
    (devnet.folder / "password").chmod(0o644)
    wrong = ("--rpc", "http://127.0.0.1:9", "--blobs", "/no/where")
    finished = truestep("worker", "doctor", *healthy(devnet, folder), *wrong)
    assert finished.exit_code == 1
    for words in (
        "to mend: node http://127.0.0.1:9, blob store /no/where, disk, stake, password",
        "name another with --rpc",
        "make room: at least",
        "start with --stake: a task locks",
        f"chmod 600 {devnet.folder}/password",
        "right chain and contracts, block",
        "engine: computes as the reference machine does",
    ):
        assert words in " ".join(finished.stderr.split()), finished.stderr
    finished = truestep("worker", "doctor", *healthy(devnet, folder), "--keystore", folder / "no key")
    shown = " ".join(finished.stderr.split())
    assert f"keystore: there is no file {folder}/no key" in shown
    assert f"account new '{folder}/no key'" in shown
    assert "Errno" not in shown
    state = ("--state-dir", folder / "none")
    missing = truestep("worker", "status", *devnet.options()[2:], "--keystore", "k", *state)
    assert missing.exit_code == 1


def _wait_for(log: Path, kind: str) -> None:
    for _ in range(10 * START_SECONDS):
        if kind in log.read_text():
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def _status(truestep: Invoke, config: tuple[object, ...]) -> dict[str, Any]:
    """Once both tasks are claimed."""
    for _ in range(START_SECONDS):
        finished = truestep("worker", "status", *config, "--json")
        if finished.exit_code == 0 and len((fields := finished.fields())["claims"]) == 2:
            return fields
        time.sleep(1)
    raise AssertionError("the tasks were not claimed")
