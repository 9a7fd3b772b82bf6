"""The commands of a whole network, each in its own process; and what goes wrong, in words."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider, Web3

from tests.cli.conftest import Invoke
from tests.cli.processes import START_SECONDS, WINDOW_SECONDS, Devnet, running_devnet, start, stop
from tests.e2e.floats import FLOAT_ELF
from truestep.adapters.chain.evidence_abi import encode_evidence
from truestep.adapters.keystore import create_keystore
from truestep.client import read_receipt
from truestep.devnet.remote import RemoteDevnet

DONE_SECONDS = 120
"""What a loaded machine may need; an idle one needs a few."""

DEAD_RPC = "http://127.0.0.1:9"
"""The discard port: nobody listens there."""


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Generator[Devnet]:
    with running_devnet(tmp_path_factory.mktemp("network") / "devnet") as running:
        yield running


def _read_until(process: subprocess.Popen[str], kind: str) -> set[str]:
    """The kinds of a daemon's log lines up to the first of this kind."""
    kinds: set[str] = set()
    while kind not in kinds:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"expected a line of the kind {kind}, got only {kinds}"
        kinds.add(json.loads(line)["kind"])
    return kinds


def _wait_for(truestep: Invoke, devnet: Devnet, job_id: int, stage: str) -> None:
    deadline = time.monotonic() + DONE_SECONDS
    while True:
        fields = truestep("status", job_id, *devnet.options(), "--json").fields()
        if all(task["stage"] == stage for task in fields["tasks"]):
            return
        assert time.monotonic() < deadline, f"not every shard is {stage} after {DONE_SECONDS} s: {fields}"
        time.sleep(0.2)


def test_the_whole_road_over_http(truestep: Invoke, devnet: Devnet, hello_elf: Path, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"hello network")
    roles = {"worker": "operator-1", "challenger": "challenger"}
    limits = ("--memory-limit", "64MiB", "--snapshot-limit", "8MiB", "--checkpoint-stride", "100000")
    extra = {
        "worker": ("--stake", "5", "--send-seconds", "1", "--parallel", "2", *limits),
        "challenger": limits,
    }
    daemons = {
        command: start(
            tmp_path / f"{command}.log",
            command,
            *devnet.options(role),
            "--state-dir",
            tmp_path / role,
            "--poll",
            "0.2",
            "--json",
            *extra[command],
        )
        for command, role in roles.items()
    }
    receipt = tmp_path / "receipt.json"
    words = ("submit", hello_elf, "--input", tmp_path / "input", "--shards", 2, "--reward", "0.01")
    waiting = ("--wait", "--receipt", receipt, "--json")
    submit = start(tmp_path / "submit", *words, *waiting, *devnet.options("requester"))
    try:
        deadline = time.monotonic() + START_SECONDS
        while truestep("status", 1, *devnet.options(), "--json").exit_code and time.monotonic() < deadline:
            time.sleep(0.2)
        _wait_for(truestep, devnet, 1, "claimed")
        assert "claimed by" in truestep("status", 1, *devnet.options()).stdout
        checked = _read_until(daemons["challenger"], "hashed")  # later nobody needs it
        RemoteDevnet(devnet.rpc).advance(WINDOW_SECONDS + 1)
        said, _ = submit.communicate(timeout=DONE_SECONDS)
        fields = json.loads(said)
        assert submit.returncode == 0, (tmp_path / "submit").read_text()
        assert [bytes.fromhex(shard["output"]) for shard in fields["shards"]] == [b"HELLO NETWORK"] * 2
        assert "final" in (tmp_path / "submit").read_text()
        _check_outputs(truestep, devnet, tmp_path / "fetched")
        _check_receipt(truestep, devnet, receipt, tmp_path / "again [1].json")
        _check_proofs(truestep, devnet, receipt)
    finally:
        exit_codes = {command: stop(process) for command, process in daemons.items()}
    assert exit_codes == {"worker": 0, "challenger": 0}
    logs = {command: process.stdout.read() for command, process in daemons.items() if process.stdout}
    kinds = {
        command: {json.loads(line)["kind"] for line in log.splitlines()} for command, log in logs.items()
    }
    assert {
        "staked",
        "ready",
        "no_min_reward",
        "take_sent",
        "self_checked",
        "claim_landed",
        "stopped",
    } <= kinds["worker"]
    assert {"ready", "computing", "hashed"} <= checked
    assert "stopped" in kinds["challenger"]


def _check_outputs(truestep: Invoke, devnet: Devnet, fetched: Path) -> None:
    blobs = ("--blobs", f"{devnet.rpc}/blobs")
    all_of_it = truestep("outputs", 1, "--output", fetched, *devnet.options(), *blobs)
    assert (all_of_it.exit_code, fetched.read_bytes()) == (0, b"HELLO NETWORK" * 2), all_of_it.stderr


def _check_receipt(truestep: Invoke, devnet: Devnet, receipt: Path, again: Path) -> None:
    """The receipt that submit wrote is true, and can be had afterwards, without a key."""
    words = ("receipt", 1, "--output", again, *devnet.options(), "--blobs", f"{devnet.rpc}/blobs")
    finished = truestep(*words)
    assert (finished.exit_code, finished.stdout) == (
        0,
        f"receipt of job 1: 2 shards, written to {again}; check it: truestep verify '{again}'\n",
    ), finished.stderr
    assert again.read_bytes() == receipt.read_bytes()
    assert truestep(*words, "--json").fields() == {"job_id": 1, "shards": 2, "receipt": str(again)}
    verified = truestep("verify", again, *devnet.options(), "--json")
    assert (verified.exit_code, verified.fields()["verified"]) == (0, True)


def _check_proofs(truestep: Invoke, devnet: Devnet, receipt: Path) -> None:
    """A settled job's results are proved, and written out."""
    held = read_receipt(receipt)
    blobs = ("--blobs", f"{devnet.rpc}/blobs")
    fields = truestep("proof", 1, 1, "--part", 0, *devnet.options(), *blobs, "--json").fields()
    assert fields["question"]["digest"] == f"0x{held.job_digest().hex()}"
    assert fields["evidence_abi"] == f"0x{encode_evidence(held.evidence(held.shards[1])).hex()}"
    assert bytes.fromhex(fields["chunk"]["content"][2:]) == b"HELLO NETWORK"
    assert len(fields["chunk"]["path"]) == 16
    assert "leaf " in truestep("proof", 1, 0, *devnet.options()).stdout
    assert truestep("proof", 1, 2, *devnet.options()).exit_code == 1
    assert "in batch" in truestep("status", 1, *devnet.options()).stdout
    written = truestep("write-out", 1, *devnet.sending("requester"), "--json").fields()
    assert (written["written"], written["final"], written["called_back"]) == (2, 2, False)
    assert truestep("proof", 1, 1, *devnet.options(), "--json").fields()["evidence"] == fields["evidence"]


def _check_no_result_yet(truestep: Invoke, devnet: Devnet, job_id: int, output: Path) -> None:
    """Both commands that need a complete job refuse this one with the same sentence, and write nothing."""
    options = ("--output", output, *devnet.options(), "--blobs", f"{devnet.rpc}/blobs")
    refused = [truestep(command, job_id, *options) for command in ("outputs", "receipt")]
    assert refused[0] == refused[1]
    assert refused[1].exit_code == 1
    assert f"0 of 3 shards of job {job_id} are final" in refused[1].stderr
    assert f"truestep status {job_id}" in refused[1].stderr
    assert not output.exists()


def test_a_job_without_waiting_and_its_reclaim(
    truestep: Invoke, devnet: Devnet, hello_elf: Path, tmp_path: Path
) -> None:
    words = (
        "submit",
        hello_elf,
        "--max-cycles",
        1000,
        "--lifetime",
        300,
        "--shards",
        3,
        "--reward",
        "20gwei",
    )
    fields = truestep(*words, *devnet.options("requester"), "--json").fields()
    assert (fields["shards"], fields["escrow_wei"]) == (3, 60 * 10**9)
    job_id = fields["job_id"]
    _check_no_result_yet(truestep, devnet, job_id, tmp_path / "none")
    early = truestep("reclaim", job_id, *devnet.sending("requester"), "--json").fields()
    assert early["reclaimed_wei"] == 0
    RemoteDevnet(devnet.rpc).advance(301)
    status = truestep("status", job_id, *devnet.options(), "--json").fields()
    assert (status["stage"], status["reclaimable"]) == ("expired", [0, 1, 2])
    assert f"truestep reclaim {job_id}" in truestep("status", job_id, *devnet.options()).stdout
    finished = truestep("reclaim", job_id, *devnet.sending("requester"), "--json")
    assert (finished.exit_code, finished.fields()["reclaimed_wei"]) == (0, 60 * 10**9)


def test_a_step_is_checked_by_the_contract(truestep: Invoke, devnet: Devnet, hello_elf: Path) -> None:
    words = ("prove-step", hello_elf, "--cycle", 30, "--engine", "reference", "--json")
    fields = truestep(*words, *devnet.options()).fields()
    assert fields["checked_on_chain"] is True
    assert truestep("prove-step", hello_elf, "--cycle", 30, "--rpc", devnet.rpc).exit_code == 2


def test_a_float_instruction_is_checked_by_the_contract(
    truestep: Invoke, devnet: Devnet, tmp_path: Path
) -> None:
    program = tmp_path / "float.elf"
    program.write_bytes(FLOAT_ELF)
    words = ("prove-step", program, "--cycle", 3, "--engine", "reference", "--json", *devnet.options())
    opened, first = truestep(*words).fields(), truestep(*words, "--micro", 0).fields()
    assert opened["checked_on_chain"] is first["checked_on_chain"] is True
    assert opened["micro_start"] == first["before"]


# --- what goes wrong ---


def _refusal(truestep: Invoke, *words: Any) -> tuple[int, str, str]:
    finished = truestep(*words, "--json")
    assert "Traceback" not in finished.stderr
    return finished.exit_code, finished.fields()["error"]["reason"], finished.stderr


def test_an_unknown_job(truestep: Invoke, devnet: Devnet) -> None:
    reading, sending = devnet.options(), devnet.sending("requester")
    commands = (
        ("status", reading),
        ("outputs", ("-o", "none", *reading, "--blobs", "none")),
        ("receipt", ("-o", "none", *reading, "--blobs", "none")),
        ("proof", (0, *reading)),
        *((command, sending) for command in ("reclaim", "close", "write-out")),
        ("top-up", ("1", *sending)),
        ("feed", (*sending, "--blobs", "none")),
    )
    for command, options in commands:
        exit_code, reason, said = _refusal(truestep, command, 999_999, *options)
        assert (exit_code, reason) == (1, "unknown job")
        assert said.startswith("error: unknown job: expected a"), said
        assert "got 999999;" in said


def test_a_dead_rpc(truestep: Invoke, devnet: Devnet, hello_elf: Path) -> None:
    words = ("--deployment", devnet.folder / "deployment.json", "--rpc", DEAD_RPC)
    exit_code, reason, said = _refusal(truestep, "status", 1, *words)
    assert (exit_code, reason) == (3, "unavailable")
    assert "check that it runs" in said
    keys = devnet.options("requester")[4:]  # without the node
    assert _refusal(truestep, "submit", hello_elf, "--max-cycles", 9, *words, *keys)[:2] == (3, "unavailable")


def test_one_of_several_nodes_may_be_dead(
    truestep: Invoke, devnet: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("status", 999_999, "--deployment", devnet.folder / "deployment.json")
    both = ("--rpc", DEAD_RPC, "--rpc", devnet.rpc)
    assert _refusal(truestep, *words, *both)[:2] == (1, "unknown job")
    monkeypatch.setenv("TRUESTEP_RPC", f"{DEAD_RPC} {devnet.rpc}")
    assert _refusal(truestep, *words)[:2] == (1, "unknown job")
    exit_code, reason, said = _refusal(truestep, *words, "--rpc", "localhost:8545")
    assert (exit_code, reason) == (1, "not the URL of a node")
    assert "such as http" in said


def test_another_chain(truestep: Invoke, devnet: Devnet, tmp_path: Path) -> None:
    fields = json.loads((devnet.folder / "deployment.json").read_text())
    other = tmp_path / "other.json"
    other.write_text(json.dumps(fields | {"chain_id": 1}))
    words = ("status", 1, "--rpc", devnet.rpc, "--deployment", other)
    exit_code, reason, said = _refusal(truestep, *words)
    assert (exit_code, reason) == (1, "wrong chain")
    assert "expected chain id 1" in said


def test_a_deployment_of_another_network(truestep: Invoke, devnet: Devnet, tmp_path: Path) -> None:
    fields = json.loads((devnet.folder / "deployment.json").read_text())
    fields["addresses"]["jobs"] = "0x" + "11" * 20
    other = tmp_path / "other.json"
    other.write_text(json.dumps(fields))
    words = ("status", 1, "--rpc", devnet.rpc, "--deployment", other)
    assert _refusal(truestep, *words)[:2] == (1, "no contract at this address")
    (tmp_path / "bad.json").write_text("{}")
    words = ("status", 1, "--rpc", devnet.rpc, "--deployment", tmp_path / "bad.json")
    assert _refusal(truestep, *words)[:2] == (1, "not a deployment file")


def test_insufficient_funds(truestep: Invoke, devnet: Devnet, hello_elf: Path, tmp_path: Path) -> None:
    create_keystore(tmp_path / "poor.json", "truestep", guards_money=False)
    options = [*devnet.options("requester"), "--max-cycles", "1000", "--reward", "1"]
    options[options.index("--keystore") + 1] = str(tmp_path / "poor.json")
    exit_code, reason, said = _refusal(truestep, "submit", hello_elf, *options)
    assert (exit_code, reason) == (1, "not enough coins in the wallet")
    assert "send it at least" in said and "up to 0 ETH" not in said


def test_a_wrong_password(truestep: Invoke, devnet: Devnet, hello_elf: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("wrong")
    options = [*devnet.options("requester"), "--max-cycles", "1000"]
    options[options.index("--password-file") + 1] = str(tmp_path / "password")
    assert _refusal(truestep, "submit", hello_elf, *options)[:2] == (1, "wrong password")


def test_a_worker_without_stake(truestep: Invoke, devnet: Devnet, tmp_path: Path) -> None:
    finished = truestep("worker", *devnet.options("operator-3"), "--state-dir", tmp_path / "state")
    assert finished.exit_code == 1
    assert "--stake 5" in finished.stderr


def test_a_second_worker_on_the_same_state(truestep: Invoke, devnet: Devnet, tmp_path: Path) -> None:
    words = ("worker", *devnet.options("operator-2"), "--stake", "2", "--state-dir", tmp_path / "state")
    first = start(tmp_path / "log", *words, "--json")
    try:
        _read_until(first, "watching")
        finished = truestep(*words)
        assert finished.exit_code == 1
        assert "belongs to the running process" in finished.stderr
        assert str(first.pid) in finished.stderr
    finally:
        assert stop(first) == 0


def test_a_program_whose_trial_fails_costs_nothing(
    truestep: Invoke, devnet: Devnet, failing_elf: Path, tmp_path: Path
) -> None:
    (tmp_path / "input").write_bytes(b"t")
    words = ("submit", failing_elf, "--input", tmp_path / "input", *devnet.options("requester"))
    exit_code, reason, said = _refusal(truestep, *words)
    assert (exit_code, reason) == (1, "failed trial")
    assert "truestep run" in said


@pytest.mark.parametrize(
    ("option", "value"), [("--reward", "lots"), ("--reward", "0.5wei"), ("--seed", "xyz"), ("--shards", "0")]
)
def test_an_option_out_of_its_range(
    truestep: Invoke, devnet: Devnet, hello_elf: Path, option: str, value: str
) -> None:
    finished = truestep("submit", hello_elf, option, value, *devnet.options("requester"))
    assert finished.exit_code == 2
    assert option in finished.stderr


def test_options_come_from_the_environment(
    truestep: Invoke, devnet: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = (devnet.folder / "environment").read_text().splitlines()
    for name, value in (line.removeprefix("export ").split("=", 1) for line in lines):
        monkeypatch.setenv(name, value.strip("'"))
    assert os.environ["TRUESTEP_RPC"] == devnet.rpc
    assert _refusal(truestep, "status", 999_999)[:2] == (1, "unknown job")


def test_a_daemon_waits_for_a_node_that_is_down(devnet: Devnet, tmp_path: Path) -> None:
    options = [*devnet.options("operator-3"), "--state-dir", str(tmp_path / "state"), "--json"]
    options[options.index("--rpc") + 1] = DEAD_RPC
    waiting = start(tmp_path / "log", "worker", *options)
    assert waiting.stdout is not None
    lines = [json.loads(waiting.stdout.readline()) for _ in range(2)]
    assert [line["kind"] for line in lines] == ["deployment", "waiting"]
    assert "trying again" in lines[1]["message"]
    time.sleep(lines[1]["wait_seconds"])  # what it says at each attempt is not said again
    assert stop(waiting) == 0
    assert json.loads(waiting.stdout.readline())["kind"] == "stopped"
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_daemon_ends_in_order_by_other_signals(devnet: Devnet, tmp_path: Path, number: int) -> None:
    words = ("challenger", *devnet.options("challenger"), "--state-dir", tmp_path / "state", "--json")
    before = signal.signal(number, signal.SIG_DFL)  # `nohup` ignores SIGHUP, and a daemon respects that
    try:
        daemon = start(tmp_path / "log", *words)
    finally:
        signal.signal(number, before)
    _read_until(daemon, "watching")
    daemon.send_signal(number)
    assert daemon.wait(timeout=START_SECONDS) == 0
    _read_until(daemon, "stopped")


@pytest.mark.parametrize("window", ["10", "-5", "9999999999"])
def test_a_window_in_which_no_worker_takes_a_job(truestep: Invoke, tmp_path: Path, window: str) -> None:
    finished = truestep("devnet", "--directory", tmp_path / "devnet", "--window", window)
    assert (finished.exit_code, "--window" in finished.stderr) == (2, True)
    assert not (tmp_path / "devnet").exists()


@pytest.mark.anvil
def test_a_devnet_on_anvil_mines_by_itself(anvil_program: Path, tmp_path: Path) -> None:
    words = ("devnet", "--port", 0, "--directory", tmp_path / "devnet", "--anvil", anvil_program, "--json")
    process = start(tmp_path / "log", *words)
    assert process.stdout is not None
    web3 = Web3(HTTPProvider(json.loads(process.stdout.readline())["rpc"]))
    try:
        first = web3.eth.block_number
        while web3.eth.block_number == first:
            time.sleep(0.05)
    finally:
        assert stop(process) == 0
