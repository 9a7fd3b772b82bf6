"""Pledges from the command line: joined, shown, left and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Finished, Invoke
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.devnet.network import DEVNET_DRAWS, DevnetFolder, devnet_parameters, set_up

COIN_WEI = 10**18


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A devnet, and commands of its first operator."""

    devnet: AnvilDevnet
    folder: DevnetFolder
    operator: str
    truestep: Invoke

    def run(self, command: str, *words: object, sends: bool = True) -> Finished:
        options: list[object] = ["--rpc", self.devnet.node, "--deployment", self.folder.deployment, "--json"]
        if sends:
            keystore = self.folder.keystore("operator-1")
            options += ["--keystore", keystore, "--password-file", self.folder.password]
        return self.truestep(command, *words, *options)

    def stake(self, *words: object) -> Finished:
        """In a commit phase, which the command would wait for."""
        head: Any = connect(self.devnet.node).eth.get_block("latest")
        self.devnet.advance(-head["timestamp"] % DEVNET_DRAWS.phases.round_seconds)
        return self.run("stake", *words)


@pytest.fixture(scope="module")
def network(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, ...]]:
    devnet = AnvilDevnet(anvil_program)
    folder = DevnetFolder(path=tmp_path_factory.mktemp("devnet") / "devnet")
    _, addresses = set_up(devnet, folder, devnet_parameters(240), lambda *_: None)
    yield devnet, folder, addresses
    devnet.stop()


@pytest.fixture
def desk(network: tuple[Any, ...], truestep: Invoke) -> Desk:
    devnet, folder, addresses = network
    return Desk(devnet=devnet, folder=folder, operator=addresses["operator-1"], truestep=truestep)


@pytest.mark.anvil
def test_stake_is_pledged_shown_left_and_taken_back(desk: Desk) -> None:
    words = desk.run("stake", "pledge", 7, 2)
    assert words.exit_code == 1
    assert "of free stake, got 2 ETH; `truestep deposit 2`" in " ".join(words.stderr.split())
    assert desk.run("deposit", 3).exit_code == 0
    small = desk.stake("pledge", 7, "0.05")
    assert "expected a pledge of at least 0.1 ETH" in " ".join(small.stderr.split())
    done = desk.stake("pledge", 7, 2)
    assert done.exit_code == 0, done.stderr
    pledged = done.fields()
    assert (pledged["pool"], pledged["pledge_wei"], pledged["weight"]) == (7, 2 * COIN_WEI, 2 * 10**9)
    shown = desk.run("stake", "show", desk.operator, sends=False).fields()
    assert shown == pledged
    right = desk.stake("refresh")
    assert right.exit_code == 1 and "nothing is to be done" in " ".join(right.stderr.split())
    left = desk.stake("unpledge").fields()
    assert (left["pool"], left["pledge_wei"]) == (None, 2 * COIN_WEI)
    early = desk.stake("unpledge")
    assert "expected the exit time to be over" in " ".join(early.stderr.split())
    desk.devnet.advance(DEVNET_DRAWS.exit_seconds + 1)
    assert desk.stake("unpledge").fields()["pledge_wei"] == 0
    gone = desk.stake("unpledge")
    assert "got none" in " ".join(gone.stderr.split())
