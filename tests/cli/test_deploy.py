"""`truestep deploy` and `truestep network`, as a newcomer meets them, on anvil: much can go wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from tests.cli.conftest import Finished, Invoke
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.keystore import create_keystore
from truestep.adapters.parameter_files import read_settings
from truestep.base.ids import Address
from truestep.contracts.artifacts import load_artifact

pytestmark = pytest.mark.anvil

STEPS = len(read_settings("testnet", [], Address("0x" + "11" * 20)).plan().steps)
"""Of a deployment with everything that there is."""


@pytest.fixture(scope="module")
def anvil(anvil_program: Path) -> Iterator[AnvilDevnet]:
    devnet = AnvilDevnet(anvil_program)
    yield devnet
    devnet.stop()


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and a user who has named no network yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "password").write_text("password\n")
    return tmp_path


@pytest.fixture
def deployer(anvil: AnvilDevnet, desk: Path) -> Address:
    address = create_keystore(desk / "deployer.json", "password", guards_money=False)
    anvil.fund(address, 10**18)
    return address


def _words(anvil: AnvilDevnet, *more: object) -> tuple[object, ...]:
    keys = ("--keystore", "deployer.json", "--password-file", "password")
    return ("deploy", "--rpc", anvil.node, "--parameters", "testnet", *keys, *more)


def _said(finished: Finished) -> str:
    return " ".join(finished.stderr.split())


@pytest.fixture
def deployed(truestep: Invoke, anvil: AnvilDevnet, deployer: Address) -> dict[str, Any]:
    finished = truestep(*_words(anvil, "--json"))
    assert finished.exit_code == 0, finished.stderr
    return finished.fields()


def test_a_dry_run_sends_nothing_and_says_everything(
    truestep: Invoke, anvil: AnvilDevnet, deployer: Address, desk: Path
) -> None:
    before = sorted(desk.iterdir())
    fields = truestep(*_words(anvil, "--dry-run", "--json")).fields()
    assert len(fields["steps"]) == STEPS and fields["simulated"]
    assert (fields["deployer"], fields["balance_wei"], fields["missing_wei"]) == (deployer, 10**18, 0)
    assert fields["gas"] == sum(step["gas"] for step in fields["steps"])
    assert fields["cost_wei"] == fields["gas"] * fields["gas_price_wei"] < fields["needed_wei"]
    finished = truestep(*_words(anvil, "--dry-run", "--set", "window=3h"))
    assert finished.exit_code == 0
    size = f"{load_artifact('Disputes').deployed_size_bytes:,}"
    assert "8. Disputes" in finished.stdout and size in finished.stdout
    assert re.search(r"^window +3 h$", finished.stdout, re.MULTILINE)
    assert "each step simulated" in finished.stdout
    assert "nothing was sent" in finished.stderr
    assert sorted(desk.iterdir()) == before
    assert connect(anvil.node).eth.get_transaction_count(Web3.to_checksum_address(deployer)) == 0


def test_from_nothing_to_a_network_with_a_name(
    truestep: Invoke, anvil: AnvilDevnet, deployer: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = truestep(*_words(anvil))
    assert finished.exit_code == 0, finished.stderr
    assert (
        f" 1/{STEPS} Step at 0x" in finished.stderr and f"{STEPS}/{STEPS} connect Jobs for" in finished.stderr
    )
    assert re.search(r"checked: the code of \d\d contracts, \d\d+ links and rules", finished.stderr)
    again = truestep(*_words(anvil))
    assert again.exit_code == 0 and again.stderr.count("(done before)") == STEPS
    added = truestep("network", "add", "mine", "deployment.json", "--rpc", anvil.node)
    assert added.exit_code == 0 and "mine is on chain 31337, Jobs at 0x" in added.stdout
    assert "mine  chain 31337, Jobs at 0x" in truestep("network", "list").stdout
    shown = truestep("network", "show", "mine", "--rpc", anvil.node)
    for rule in (
        "quorum: needed",
        "quorum: lie",
        "audits: penalty factor",
        "drawn: turn",
        "draws: exit",
        "logs: bond",
    ):
        assert rule in shown.stdout
    assert "admission: fresh share" in shown.stdout and "drawn: turn" in shown.stdout
    assert shown.exit_code == 0 and re.search(r"(\d+) of \1 checks passed: as promised", shown.stdout)
    said = {line.split("  ")[0]: line.split("  ")[-1].strip() for line in shown.stdout.splitlines()}
    assert (said["window"], said["operator bond"], said["delay"]) == ("2 h", "0.25 ETH", "1 d")
    assert said["proposer"] == deployer and said["guardian"].startswith(f"{deployer}, until 20")
    assert said["parameters"] == "set number 1, which new jobs are bound to"
    status = ("status", 1, "--rpc", anvil.node)
    assert "unknown job" in truestep(*status, "--network", "mine").stderr
    monkeypatch.setenv("TRUESTEP_NETWORK", "mine")
    assert "unknown job" in truestep(*status).stderr
    monkeypatch.setenv("TRUESTEP_DEPLOYMENT", "missing.json")
    monkeypatch.setenv("TRUESTEP_NETWORK", "another")
    assert "unknown job" in truestep(*status, "--network", "mine").stderr
    assert "cannot read other.json" in truestep(*status, "--deployment", "other.json").stderr
    both = truestep(*status)
    assert both.exit_code == 2 and "both name one" in " ".join(both.stderr.replace("│", "").split())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ("--chain-id", 1),
            "wrong chain: expected chain id 1, as --chain-id says, but the node is of chain id 31337; give"
            " the URL of a node of that chain",
        ),
        (
            ("--set", "clock=29s"),
            "clock out of bounds: clock: expected 30 s to 12 d 3 h 16 min 16 s, got 29 s; rescue: expected"
            " 3 s (clock / 8) to 29 s (clock), got 5 min",
        ),
        (
            ("--keystore", "password"),
            "not a keystore: expected a keystore of version 3 in password; `truestep account new` makes one",
        ),
        (
            ("--keystore", "none.json"),
            "none.json: No such file or directory; check the path and its permissions",
        ),
    ],
)
def test_what_is_refused_before_anything_is_sent(
    truestep: Invoke, anvil: AnvilDevnet, deployer: Address, more: tuple[object, ...], message: str
) -> None:
    finished = truestep(*_words(anvil, *more))
    assert (finished.exit_code, _said(finished)) == (1, f"error: {message}")
    assert connect(anvil.node).eth.get_transaction_count(Web3.to_checksum_address(deployer)) == 0
    assert not Path("deployment.json").exists()


def test_no_coins(truestep: Invoke, anvil: AnvilDevnet, desk: Path) -> None:
    address = create_keystore(desk / "deployer.json", "password", guards_money=False)
    fields = truestep(*_words(anvil, "--dry-run", "--json")).fields()
    assert fields["missing_wei"] == fields["needed_wei"] > 0
    finished = truestep(*_words(anvil))
    assert finished.exit_code == 1
    assert _said(finished).startswith(
        f"error: not enough coins in the wallet: {address} has 0 ETH and needs 0."
    )
    assert "send it at least 0." in finished.stderr
    assert "the deployer is short of 0.0" in truestep(*_words(anvil, "--dry-run")).stderr
    anvil.fund(address, 10**18)
    assert truestep(*_words(anvil, "--set", "window=1d")).exit_code == 0  # the failure binds to nothing


def test_a_wrong_password_and_a_dead_node(truestep: Invoke, anvil: AnvilDevnet, deployer: Address) -> None:
    Path("password").write_text("another\n")
    assert "this password does not open deployer.json" in truestep(*_words(anvil)).stderr
    words = list(_words(anvil))
    words[2] = "http://127.0.0.1:9"
    finished = truestep(*words)
    assert finished.exit_code == 3 and "check that it runs" in finished.stderr


def test_a_deployment_file_is_not_overwritten(
    truestep: Invoke, anvil: AnvilDevnet, deployed: dict[str, Any]
) -> None:
    other = truestep(*_words(anvil, "--state", "other.state"))
    assert _said(other) == (
        "error: deployment.json would be lost; choose another --out, or move it away first"
    )
    changed = truestep(*_words(anvil, "--set", "window=1d"))
    assert _said(changed) == (
        "error: not the state of this deployment: a deployment with this state file was begun with other"
        " parameters, or by another version of truestep; to go on with it, give what was given then, and for"
        " a new deployment give another --state"
    )


def test_a_file_that_does_not_fit_the_chain(
    truestep: Invoke, anvil: AnvilDevnet, deployed: dict[str, Any], desk: Path
) -> None:
    """The address of Jobs is that of another network: clients refuse it, and so does `network add`."""
    assert truestep(*_words(anvil, "--out", "other.json")).exit_code == 0
    ours, other = (json.loads(Path(f"{name}.json").read_text()) for name in ("deployment", "other"))
    ours["addresses"]["jobs"] = other["addresses"]["jobs"]
    Path("mixed.json").write_text(json.dumps(ours))
    message = (
        f"contracts do not fit together: Jobs: operators: expected {ours['addresses']['operators']}, got"
        f" {other['addresses']['operators']}; the deployment file mixes contracts of several networks, or"
        " states other rules: get the network's file again"
    )
    status = truestep("status", 1, "--rpc", anvil.node, "--deployment", "mixed.json")
    assert (status.exit_code, _said(status)) == (1, f"error: {message}")
    added = truestep("network", "add", "mixed", "mixed.json", "--rpc", anvil.node)
    assert (added.exit_code, _said(added)) == (1, f"error: {message}")
    shown = truestep("network", "show", "mixed.json", "--rpc", anvil.node)
    assert shown.exit_code == 1 and "✗ Jobs: operators: expected" in shown.stdout
    assert "do not use this network" in shown.stdout


def test_unknown_code_is_refused_unless_it_is_trusted_aloud(
    truestep: Invoke, anvil: AnvilDevnet, deployed: dict[str, Any]
) -> None:
    web3, programs = connect(anvil.node), deployed["contracts"]["Programs"]
    size = load_artifact("Programs").deployed_size_bytes
    code = bytes(web3.eth.get_code(programs))
    web3.provider.make_request("anvil_setCode", [programs, f"0x{(code + bytes(1)).hex()}"])  # type: ignore[arg-type]
    status = ("status", 1, "--rpc", anvil.node, "--deployment", "deployment.json")
    Path("cache/truestep/inspected-deployments.json").unlink()  # the deployment was found right
    refused = truestep(*status)
    assert refused.exit_code == 1
    assert _said(refused).startswith(
        f"error: contract has unknown code: Programs at {programs}: expected {size:,} bytes of code with"
        " SHA-256 "
    )
    assert "--trust-unknown-code" in refused.stderr
    for _ in range(2):  # each time aloud
        trusted = truestep(*status, "--trust-unknown-code")
        assert _said(trusted).startswith(
            f"warning: the code of Programs at {programs} is unknown, and trusted all the same: it may take"
            " every coin"
        )
        assert "unknown job" in trusted.stderr


def test_a_deployment_is_inspected_once(
    truestep: Invoke, anvil: AnvilDevnet, deployed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    status = ("status", 1, "--rpc", anvil.node, "--deployment", "deployment.json")
    monkeypatch.setattr("truestep.adapters.chain.web3_chain.inspect", None)
    assert "unknown job" in truestep(*status).stderr


# --- networks with names --------------------------------------------------------------------------------


def test_names_of_networks(truestep: Invoke, deployed: dict[str, Any]) -> None:
    assert "no network has a name yet" in truestep("network", "list").stderr
    assert truestep("network", "list", "--json").fields() == {"networks": {}}
    assert _said(truestep("network", "show", "mine")) == (
        "error: not the name of a network: no network is named 'mine', there is none yet; see `truestep"
        " network add`"
    )
    assert truestep("network", "add", "mine", "deployment.json").exit_code == 0
    assert truestep("network", "add", "mine", "deployment.json").exit_code == 0
    assert "there are mine;" in truestep("network", "show", "other").stderr
    assert "such as sepolia-1, got '../x'" in truestep("network", "add", "../x", "deployment.json").stderr
    fields = json.loads(Path("deployment.json").read_text())
    Path("later.json").write_text(json.dumps(fields | {"block_number": 5}))
    again = truestep("network", "add", "mine", "later.json")
    assert _said(again) == (
        "error: not the name of a network: mine is the name of another network already; choose another name,"
        " or pass --replace"
    )
    assert truestep("network", "add", "mine", "later.json", "--replace").exit_code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"version": 5},
            "spoilt.json has the form of version 5, and this version of truestep reads version 4; use a newer"
            " truestep",
        ),
        (
            {"version": 3},
            "spoilt.json has the form of version 3, and this version of truestep reads version 4; its"
            " contracts are no longer used",
        ),
        (
            {"addresses": {}},
            "spoilt.json does not have the form of version 4; get the network's file again. addresses.step:"
            " Field required",
        ),
        (
            {"version": None},
            "spoilt.json does not have the form of version 4; get the network's file again. version: Input"
            " should be a valid integer",
        ),
    ],
)
def test_files_that_are_refused(
    truestep: Invoke, deployed: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    fields = json.loads(Path("deployment.json").read_text())
    Path("spoilt.json").write_text(json.dumps(fields | change))
    finished = truestep("network", "add", "mine", "spoilt.json")
    assert finished.exit_code == 1
    assert _said(finished).startswith(f"error: not a deployment file: {message}")


def test_addresses_that_are_refused(truestep: Invoke) -> None:
    plain = truestep("network", "add", "mine", "http://example.org/deployment.json")
    assert "expected a URL that begins with https://" in plain.stderr and plain.exit_code == 1
    dead = truestep("network", "add", "mine", "http://127.0.0.1:9/deployment.json")
    assert "cannot fetch http://127.0.0.1:9/deployment.json" in dead.stderr and dead.exit_code == 3


def test_a_printed_file_of_parameters_is_one_to_deploy_with(
    truestep: Invoke, anvil: AnvilDevnet, deployer: Address
) -> None:
    printed = truestep("network", "parameters", "testnet")
    Path("mine.toml").write_text(printed.stdout)
    dry_run = truestep(*_words(anvil, "--parameters", "mine.toml", "--dry-run", "--json"))
    assert dry_run.fields()["parameters"]["window_seconds"] == 7_200
    assert "expected one of testnet, mainnet, got 'x'" in truestep("network", "parameters", "x").stderr


def test_a_command_without_a_network(truestep: Invoke) -> None:
    finished = truestep("status", 1, "--rpc", "http://127.0.0.1:9")
    assert finished.exit_code == 2
    assert "expected the network to use: --network NAME" in " ".join(finished.stderr.replace("│", "").split())
