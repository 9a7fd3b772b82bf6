"""A log on the chain, from its registration to the end of its bond, on a chain with the real precompiles."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke
from tests.client.test_log_audit import HONEST
from truestep.adapters.chain.deployment import read_deployment
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.keystore import keystore_address, open_keystore
from truestep.adapters.logs.folder import LogFolder, LogNames
from truestep.adapters.logs.keys import Anchoring, LogKeys
from truestep.adapters.logs.serving import LogServer
from truestep.adapters.store.sqlite import SqliteStore
from truestep.devnet.network import PASSWORD, WINDOW_MIN_SECONDS, DevnetFolder, devnet_parameters, set_up

NAMES = LogNames(prefix="truestep/", suffix="9")


@pytest.fixture(scope="module")
def network(
    anvil_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AnvilDevnet, DevnetFolder]]:
    devnet, folder = AnvilDevnet(anvil_program), DevnetFolder(path=tmp_path_factory.mktemp("devnet"))
    set_up(devnet, folder, devnet_parameters(WINDOW_MIN_SECONDS), lambda *_: None)
    yield devnet, folder
    devnet.stop()


@pytest.fixture
def desk(
    network: tuple[AnvilDevnet, DevnetFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DevnetFolder:
    devnet, folder = network
    for name, value in {
        "TRUESTEP_RPC": devnet.node,
        "TRUESTEP_DEPLOYMENT": folder.deployment,
        "TRUESTEP_PASSWORD_FILE": folder.password,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    return folder


def log_of(desk: DevnetFolder, role: str, folder: Path, entries: list[bytes]) -> Path:
    """A log of an operator that forgets what it has signed."""
    account: Any = open_keystore(desk.keystore(role), PASSWORD)
    deployment = read_deployment(desk.deployment)
    anchoring = Anchoring(chain_id=deployment.chain_id, anchors=deployment.address("Anchors"))
    shutil.rmtree(folder, ignore_errors=True)
    LogFolder(folder, NAMES, LogKeys(account), SqliteStore(None), anchoring).append(entries)
    return folder


@pytest.mark.anvil
def test_two_pasts_cost_the_bond(desk: DevnetFolder, truestep: Invoke, tmp_path: Path) -> None:
    operator, reporter = (str(desk.keystore(role)) for role in ("operator-1", "challenger"))
    first = log_of(desk, "operator-1", tmp_path / "first", HONEST[:3])
    register = ("log", "register", first, "--url", "http://127.0.0.1:9", "--json")
    refused = truestep("log", "register", first, "--url", "nothing", "--keystore", operator)
    assert refused.exit_code == 2 and "expected an http or https URL without" in refused.stderr
    refused = truestep(*register, "--keystore", reporter)
    assert refused.exit_code == 1 and "is not of the account" in refused.stderr
    poor = truestep(*register, "--keystore", operator)
    assert poor.exit_code == 1 and "not enough free stake" in poor.stderr
    assert truestep("deposit", "4", "--keystore", operator).exit_code == 0
    said = truestep(*register, "--keystore", operator).fields()
    number = said["number"]
    assert (said["state"], said["bond_wei"]) == ("live", 10**18)
    assert truestep("log", "show", said["operator"], "--json").fields()["anchors"] == []
    assert truestep("log", "move", number, "http://127.0.0.1:7", "--keystore", operator).exit_code == 0

    audit = ("--offline", "--seen", "seen", "--key", said["key"], "--json")
    assert truestep("audit-log", first, *audit).fields()["sound"]
    second = log_of(desk, "operator-1", tmp_path / "second", [HONEST[0], *HONEST[2:]])
    found = truestep("audit-log", second, *audit, "--evidence", "evidence.json")
    assert found.exit_code == 1 and found.fields()["faults"] == {"split": 1}
    report = ("log", "report", number, "evidence.json", "--keystore", reporter, "--json")
    assert truestep(*report).fields()["state"] == "slashed"
    again = truestep(*report)
    assert again.exit_code == 1 and "log is over" in again.stderr
    assert truestep("log", "withdraw", "--keystore", reporter, "--json").fields()["amount_wei"] == 10**18 // 2
    gone = truestep("log", "show", said["operator"])
    assert gone.exit_code == 1 and "no log that is registered and live" in gone.stderr


@pytest.mark.anvil
def test_a_log_ends_and_another_begins(desk: DevnetFolder, truestep: Invoke, tmp_path: Path) -> None:
    operator = str(desk.keystore("operator-2"))
    folder = log_of(desk, "operator-2", tmp_path / "log", HONEST)
    truestep("deposit", "6", "--keystore", operator)
    register = ("log", "register", folder, "--url", "https://log.example", "--keystore", operator, "--json")
    number = truestep(*register).fields()["number"]
    assert "operator has a log" in truestep(*register).stderr
    assert truestep("log", "retire", number, "--keystore", operator, "--json").fields()["state"] == "retired"
    early = truestep("log", "release", number, "--keystore", operator)
    assert early.exit_code == 1 and "exit time is not over" in early.stderr
    assert truestep(*register).fields()["number"] == number + 1
    unknown = truestep("log", "show", number + 2)
    assert unknown.exit_code == 1 and f"1 to {number + 1}" in unknown.stderr


@pytest.mark.anvil
def test_logs_are_anchored_together(desk: DevnetFolder, truestep: Invoke, tmp_path: Path) -> None:
    roles, folders, numbers = ("operator-2", "operator-3"), dict[str, Path](), dict[str, int]()
    with ExitStack() as stack:
        for role in roles:
            folders[role] = log_of(desk, role, tmp_path / role, HONEST[:3])
            url = stack.enter_context(closing(LogServer(folders[role]))).url
            key = ("--keystore", desk.keystore(role))
            truestep("deposit", "9", *key)
            known = truestep("log", "show", keystore_address(desk.keystore(role)), "--json")
            if known.exit_code == 0:
                truestep("log", "retire", known.fields()["number"], *key)
            said = truestep("log", "register", folders[role], "--url", url, *key, "--json").fields()
            numbers[role] = said["number"]
        proposed = truestep("log", "propose", "-o", "epoch.json", "--json").fields()
        assert {*numbers.values()} <= {*proposed["logs"]}
        unsigned = truestep("log", "anchor", "epoch.json", "--keystore", desk.keystore("challenger"))
        assert unsigned.exit_code == 1 and "nobody" in unsigned.stderr
        shutil.copy("epoch.json", "copy.json")
        for role, file in zip(roles, ("epoch.json", "copy.json"), strict=True):
            words = ("log", "sign", file, "--log", folders[role], "--keystore", desk.keystore(role))
            assert truestep(*words).exit_code == 0
        false = log_of(desk, "operator-2", tmp_path / "false", [HONEST[0], *HONEST[2:]])
        lied = truestep("log", "sign", "copy.json", "--log", false, "--keystore", desk.keystore("operator-2"))
        assert lied.exit_code == 1 and "costs its bond" in lied.stderr
        anchored = truestep(
            *("log", "anchor", "epoch.json", "copy.json", "--keystore", desk.keystore("challenger"), "--json")
        ).fields()
        assert anchored["signed"] == sorted(numbers.values())
        operator = keystore_address(desk.keystore("operator-3"))
        assert len(truestep("log", "show", operator, "--json").fields()["anchors"]) == 1
        audit = ("audit-log", operator, "--epoch", "epoch.json", "--seen", "seen", "--json")
        found = truestep(*audit).fields()["faults"]
        assert "not_anchored" not in found
        log_of(desk, "operator-3", folders["operator-3"], [HONEST[0], *HONEST[2:]])
        stranger = ("--seen", "nothing", "--evidence", "evidence.json")
        found = truestep(*audit, *stranger).fields()
        assert found["faults"]["not_anchored"] == 1 and found["evidence"] == ["evidence.json"]
        shown, reporter = json.loads(Path("evidence.json").read_text("utf-8")), desk.keystore("challenger")
        number = numbers["operator-3"]
        report = ("log", "report", number, "evidence.json", "--keystore", reporter, "--json")
        for field, false in (("epoch", shown["first"]["epoch"] - 1), ("size", 2), ("path", ["00" * 32] * 8)):
            Path("false.json").write_text(json.dumps(shown | {"first": shown["first"] | {field: false}}))
            refused = truestep(*report[:3], "false.json", *report[4:])
            assert refused.exit_code == 1 and "log has not stated this" in refused.stderr
        assert truestep(*report).fields()["state"] == "slashed"


def test_what_is_no_evidence_is_refused(truestep: Invoke, tmp_path: Path) -> None:
    for content in ("", "{}", "[]", json.dumps({"format": "truestep log evidence", "version": 1})):
        (tmp_path / "file").write_text(content)
        found = truestep(
            *("log", "report", 1, tmp_path / "file", "--keystore", "none", "--rpc", "http://127.0.0.1:1"),
            *("--deployment", "none"),
        )
        assert found.exit_code == 1 and "audit-log --evidence" in found.stderr
