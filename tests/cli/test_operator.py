"""Operators from the command line: admission through the timelock, records, what is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Finished, Invoke
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.base.errors import Reject, Rejected
from truestep.devnet.network import DevnetFolder, devnet_admission, devnet_parameters, set_up
from truestep.protocol.settlement.standing import Phase

COIN_WEI = 10**18


def _refuse(*_: object) -> None:
    raise Rejected(Reject.SIGNATURE_OTHER, "another has signed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A devnet that begins with an allow-list, and commands as one of its accounts."""

    devnet: AnvilDevnet
    folder: DevnetFolder
    addresses: dict[str, Any]
    truestep: Invoke

    def run(self, *words: object, role: str | None = None, command: str = "operator") -> Finished:
        options: list[object] = ["--rpc", self.devnet.node, "--deployment", self.folder.deployment, "--json"]
        if role is not None:
            options += ["--keystore", self.folder.keystore(role), "--password-file", self.folder.password]
        return self.truestep(command, *words, *options)

    def shown(self, role: str) -> dict[str, Any]:
        return self.run("show", self.addresses[role]).fields()

    def refused(self, words: str, finished: Finished) -> None:
        assert finished.exit_code == 1, finished.stdout
        assert words in " ".join(finished.stderr.split())

    def done(self, *words: object) -> None:
        announced = self.run(*words, role="governor").fields()
        assert announced in self.run("phase").fields()["announced"]
        self.refused("expected a time from", self.run("execute", announced["action"], role="requester"))
        assert self.run("execute", announced["action"], "--skip-delay", role="requester").exit_code == 0
        assert self.run("phase").fields()["announced"] == []


@pytest.fixture(scope="module")
def network(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    devnet = AnvilDevnet(anvil_program)
    folder = DevnetFolder(path=tmp_path_factory.mktemp("devnet") / "devnet")
    admission = devnet_admission(Phase.ALLOW_LIST, 5_000)
    _, addresses = set_up(devnet, folder, devnet_parameters(240), lambda *_: None, admission)
    yield devnet, folder, addresses
    devnet.stop()


@pytest.fixture
def desk(network: tuple[Any, ...], truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    devnet, folder, addresses = network
    return Desk(devnet=devnet, folder=folder, addresses=addresses, truestep=truestep)


@pytest.mark.anvil
def test_a_record_is_published_signed_and_replaced(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.shown("operator-1")["record"] is None
    quote = tmp_path / "quote.bin"
    quote.write_bytes(b"a quote")
    words = ("--name", "Ada [b]Computing[/b]", "--endpoint", "https://ada.example", "--capability", "python")
    first = desk.run("record", *words, "--evidence", quote, role="operator-1").fields()
    assert (first["revision"], first["published"]) == (1, True)
    shown = desk.shown("operator-1")
    assert shown["record"] == {key: value for key, value in first.items() if key != "published"}
    assert shown["record_problem"] is None
    seen = desk.run("show", desk.addresses["operator-1"], "--evidence", quote).fields()
    assert seen["evidence_warning"] == "it proves nothing about results"
    (found,) = seen["evidence"]
    assert (found["kind"], found["in_record"], found["holds"]) == ("file", True, False)
    other = tmp_path / "other.json"
    other.write_text("{}")
    (found,) = desk.run("show", desk.addresses["operator-1"], "--evidence", other).fields()["evidence"]
    assert (found["kind"], found["in_record"], found["holds"]) == ("attestation", False, False)
    with monkeypatch.context() as patched:
        patched.setattr("truestep.client.typed_data.check_signature", _refuse)
        false = desk.shown("operator-1")
    assert (false["record"], "another has signed" in false["record_problem"]) == (None, True)
    dry = desk.run("record", "--name", "Ada", "--dry-run", role="operator-1").fields()
    assert (dry["revision"], dry["published"]) == (2, False)
    assert desk.shown("operator-1")["record"]["revision"] == 1
    desk.run("record", "--name", "Ada", role="operator-1").fields()
    assert desk.shown("operator-1")["record"]["revision"] == 2
    plain = desk.truestep(
        "operator", "show", desk.addresses["operator-1"], "--rpc", desk.devnet.node, "--deployment",
        desk.folder.deployment,
    )  # fmt: skip
    assert "revision 2, valid, until" in plain.stdout
    assert "may take no tasks: the network is allow-list" in " ".join(plain.stdout.split())
    for words, wrong in (
        ("name: ", ("--name", "")),
        ("name: ", ("--name", "a" * 81)),
        ("endpoints.0: ", ("--name", "Ada", "--endpoint", "ftp://x")),
    ):
        desk.refused(words, desk.run("record", *wrong, role="operator-1"))


@pytest.mark.anvil
def test_a_network_is_opened_step_by_step(desk: Desk) -> None:
    for role, amount in (("operator-1", "5"), ("operator-2", "1"), ("operator-3", "2")):
        assert desk.run(amount, role=role, command="deposit").exit_code == 0
    assert [desk.shown(role)["admitted"] for role in ("operator-1", "operator-2")] == [False, False]
    desk.refused("is for", desk.run("admit", desk.addresses["operator-2"], role="operator-1"))
    call = desk.run("admit", desk.addresses["operator-2"], "--call-data").fields()
    assert call["to"] and call["data"].startswith("0x")
    desk.done("admit", desk.addresses["operator-2"])
    shown = desk.shown("operator-2")
    assert (shown["admitted"], shown["cap_wei"], shown["room_wei"]) == (True, COIN_WEI // 2, COIN_WEI // 2)
    desk.refused("on the list already", desk.run("admit", desk.addresses["operator-2"], role="governor"))
    desk.done("admit", desk.addresses["operator-2"], "--remove")
    assert not desk.shown("operator-2")["admitted"]
    desk.done("phase", "stake-gated")
    roles = ("operator-1", "operator-2", "operator-3")
    assert [desk.shown(role)["admitted"] for role in roles] == [True, False, True]
    desk.refused("never back", desk.run("phase", "allow-list", role="governor"))
    withdrawn = desk.run("phase", "open", role="governor").fields()
    assert desk.run("cancel", withdrawn["action"], role="governor").exit_code == 0
    desk.refused("is not announced", desk.run("execute", withdrawn["action"], role="requester"))
    desk.done("phase", "open")
    assert all(desk.shown(role)["admitted"] for role in roles)
