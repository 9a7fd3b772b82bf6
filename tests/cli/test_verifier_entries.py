"""Entries of Verifiers from the command line: announced, executed after the delay, cancelled (S2.4, V2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from tests.cli.conftest import Finished, Invoke
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.chain.timelock import Timelock
from truestep.circuits.setup_key import KeyName
from truestep.cli.failure import Failure
from truestep.cli.screen import Screen
from truestep.cli.verifier_kinds import refuse_development_key
from truestep.devnet.network import DevnetFolder, devnet_parameters, set_up
from truestep.machine.elf import load_elf
from truestep.protocol.settlement.programs import named_program

IMAGE = "0x" + "5a" * 32
MAX_CYCLES = 4096
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A devnet, and commands as one of its accounts."""

    devnet: AnvilDevnet
    folder: DevnetFolder
    truestep: Invoke
    verifier: str

    def run(self, *words: object, role: str | None = "governor") -> Finished:
        options: list[object] = ["--rpc", self.devnet.node, "--deployment", self.folder.deployment, "--json"]
        if role is not None:
            options += ["--keystore", self.folder.keystore(role), "--password-file", self.folder.password]
        return self.truestep("verifiers", *words, *options)

    def add(self, *words: object, role: str | None = "governor") -> Finished:
        return self.run("add", "risc-zero-3.0", self.verifier, *words, role=role)

    def listed(self, kind: str) -> list[dict[str, Any]]:
        finished = self.truestep(
            "verifiers", "list", "--rpc", self.devnet.node, "--deployment", self.folder.deployment, "--json"
        )
        return finished.fields()[kind]

    def refused(self, words: str, finished: Finished, exit_code: int = 1) -> None:
        assert finished.exit_code == exit_code, finished.stdout
        assert words in finished.stderr

    def timelock(self) -> Timelock:
        from truestep.adapters.chain.deployment import read_deployment

        return Timelock([self.devnet.node], read_deployment(self.folder.deployment))


@pytest.fixture(scope="module")
def network(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    devnet = AnvilDevnet(anvil_program)
    folder = DevnetFolder(path=tmp_path_factory.mktemp("devnet") / "devnet")
    set_up(devnet, folder, devnet_parameters(240), lambda *_: None)
    yield devnet, folder
    devnet.stop()


@pytest.fixture
def desk(
    network: tuple[AnvilDevnet, DevnetFolder],
    truestep: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    """Whatever a test announces and leaves is cancelled after it."""
    monkeypatch.chdir(tmp_path)
    devnet, folder = network
    plain = Desk(devnet=devnet, folder=folder, truestep=truestep, verifier="")
    made = plain.run("deploy", "risc-zero-3.0", role="operator-1").fields()
    desk = Desk(devnet=devnet, folder=folder, truestep=truestep, verifier=made["verifier"])
    yield desk
    for each in desk.listed("announced"):
        assert desk.run("cancel", each["entry"], "--action", each["action_id"]).exit_code == 0


@pytest.fixture
def limits(hello_elf: Path) -> tuple[object, ...]:
    return ("--image", IMAGE, "--program", hello_elf, "--max-cycles", MAX_CYCLES, "--value-cap", "5")


@pytest.mark.anvil
def test_an_entry_is_announced_and_added_after_the_delay(
    desk: Desk, limits: tuple[object, ...], hello_elf: Path
) -> None:
    finished = desk.add(*limits)
    assert "no --least-bond" in finished.stderr
    announced = finished.fields()
    program, count = load_elf(hello_elf.read_bytes()), len(desk.listed("entries"))
    number = count + 1
    assert announced["entry"] == number
    assert announced["program_hash"] == (
        f"0x{named_program(program.root(), program.entry, MAX_CYCLES).hex()}"
    )
    assert announced["active_until"] > announced["due_at"] + 364 * DAY_SECONDS
    assert desk.listed("announced") == [announced]
    desk.refused("is announced for this program as entry", desk.add(*limits))
    early = desk.run("execute", number, role="requester")
    desk.refused("can be added from", early)
    desk.refused("is not announced", desk.run("execute", number + 1, role="requester"))
    assert desk.run("execute", number, "--skip-delay", role="requester").exit_code == 0
    assert desk.listed("announced") == []
    (added,) = (each for each in desk.listed("entries") if each["number"] == number)
    same = ("verifier", "selector", "key_digest", "program_hash", "bits", "value_cap_wei", "gas_limit")
    assert {name: added[name] for name in same} == {name: announced[name] for name in same}
    assert added["state"] == "live" and added["key_digest"] == IMAGE
    desk.refused("is not announced", desk.run("execute", number))
    desk.refused("a stop is for", desk.run("stop", number, role="requester"))
    desk.refused("unknown entry", desk.run("stop", number + 1))
    assert desk.run("stop", number).exit_code == 0
    desk.refused("is stopped already", desk.run("stop", number))
    desk.refused("is stopped already", desk.run("stop", number, "--call-data", role=None))
    assert desk.listed("entries")[-1]["state"] == "stopped"


@pytest.mark.anvil
def test_announcements_have_numbers_in_order(desk: Desk, limits: tuple[object, ...]) -> None:
    first = desk.add(*limits).fields()["entry"]
    assert (
        desk.add(*limits, "--active-from", "2100-01-01", "--active-until", "2101-01-01").fields()["entry"]
        == first + 1
    )
    desk.refused("must be added before", desk.run("execute", first + 1, "--skip-delay", role="requester"))
    desk.refused("a cancellation is for", desk.run("cancel", first, role="requester"))
    assert desk.run("cancel", first).exit_code == 0
    assert [each["entry"] for each in desk.listed("announced")] == [first + 1]
    again = desk.add(*limits).fields()  # the next free one: nothing that is announced changes its number
    assert again["entry"] == first + 2


@pytest.mark.anvil
def test_a_safe_gets_the_call(desk: Desk, limits: tuple[object, ...]) -> None:
    """What is printed is what the proposer sends, whoever he is."""
    printed = desk.add(*limits, "--call-data", role=None).fields()
    assert desk.listed("announced") == []
    governor = Web3.to_checksum_address(desk.timelock().proposer())
    web3 = connect(desk.devnet.node)

    def act(call: dict[str, Any]) -> None:
        web3.provider.make_request("anvil_impersonateAccount", [governor])  # type: ignore[arg-type]
        sent = web3.eth.send_transaction({"from": governor, "to": call["to"], "data": call["data"]})
        assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1

    act(printed)
    (announced,) = desk.listed("announced")
    desk.devnet.advance(DAY_SECONDS)
    act(desk.run("execute", announced["entry"], "--call-data", role=None).fields())
    assert desk.listed("announced") == [] and desk.listed("entries")[-1]["state"] == "live"
    act(desk.run("stop", announced["entry"], "--call-data", role=None).fields())
    assert desk.listed("entries")[-1]["state"] == "stopped"
    act(desk.add(*limits, "--call-data", role=None).fields())
    (again,) = desk.listed("announced")
    act(desk.run("cancel", again["entry"], "--call-data", role=None).fields())
    assert desk.listed("announced") == []


@pytest.mark.anvil
def test_an_entry_that_cannot_be_is_not_announced(desk: Desk, limits: tuple[object, ...]) -> None:
    """Before anything is paid."""
    without = limits[:-2]
    desk.refused("an announcement is for", desk.add(*limits, role="requester"))
    desk.refused("--call-data", desk.add(*limits, role=None))
    desk.refused("value cap out of bounds", desk.add(*without, "--value-cap", "0"))
    desk.refused("expected an amount", desk.add(*without, "--value-cap", "many"), 2)
    desk.refused("expected a day after", desk.add(*limits, "--active-until", "2001-01-01"), 2)
    desk.refused("time of the entry", desk.add(*limits, "--active-from", "2999-01-01"))
    desk.refused("expected --image HEX", desk.add("--value-cap", "5"), 2)
    desk.refused("64 hex digits", desk.add("--image", "0x12", *limits[2:]), 2)
    wrong = desk.run("add", "sp1-6.1", desk.verifier, *limits)
    desk.refused("do not let it be believed", wrong)
    nothing = desk.run("add", "risc-zero-3.0", "0x" + "77" * 20, *limits)
    desk.refused("no contract at", nothing)
    desk.refused("GHSA-g3qg-6746-3mg9", desk.run("add", "risc-zero-2.0", desk.verifier, *limits))
    assert desk.listed("announced") == []


def test_the_development_key_is_for_devnets() -> None:
    screen = Screen(as_json=True)
    refuse_development_key(KeyName.PRODUCTION, 1, screen)
    refuse_development_key(KeyName.DEVELOPMENT, 31_337, screen)
    with pytest.raises(Failure, match="chain 1 is no devnet"):
        refuse_development_key(KeyName.DEVELOPMENT, 1, screen)
