"""Workers anchor their logs together by themselves, with a dead log and a lying one among them, on anvil."""

from __future__ import annotations

import json
import shutil
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Finished, Invoke
from tests.client.test_log_audit import HONEST
from tests.e2e.network import SPEED, Log
from truestep.adapters.chain.anchors_desk import AnchorsDesk
from truestep.adapters.chain.deployment import read_deployment
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.keystore import keystore_address, open_keystore
from truestep.adapters.logs.anchoring import GroupAnchoring
from truestep.adapters.logs.epoch_file import (
    EpochAnswer,
    EpochFile,
    EpochProposal,
    RowPart,
    parse_proposal,
)
from truestep.adapters.logs.folder import LogFolder, LogNames
from truestep.adapters.logs.keys import Anchoring, LogKeys
from truestep.adapters.logs.serving import LogServer
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Rejected
from truestep.base.ids import Address
from truestep.composition.daemons import DaemonSettings, opened_world
from truestep.composition.logs import LogSettings
from truestep.devnet.network import PASSWORD, WINDOW_MIN_SECONDS, DevnetFolder, devnet_parameters, set_up
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.anchoring import desk as anchoring_desk
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.protocol.logs.contracts.anchors import Anchor
from truestep.protocol.logs.notes import parse_checkpoint, parse_note
from truestep.roles.anchoring import GroupSight, begins_at
from truestep.roles.worker import WorkerPolicy

NAMES = LogNames(prefix="truestep/", suffix="9")
LIAR = "operator-3"
WAIT_SECONDS = 240.0
LOOKS_EACH_EPOCH = 4_000
"""The chain's time jumps from turn to turn, and daemons look at it by the clock: here every 0.15 s."""
LOOKS_FOR_A_MISTAKE = 4
"""One that began before the jump, one that sees it, one after collecting, and one after sending."""


@dataclass
class Reports(Log):
    """What a worker says, and where its log is served."""

    url: str = ""
    folder: str = ""
    said: list[str] = field(default_factory=list)

    def report(self, kind: str, message: str, **fields: Any) -> None:
        self.said.append(f"{kind}: {message}")
        self.url = str(fields.get("url", self.url))


@dataclass
class Worker:
    """A worker in this process, which can be killed between two ticks and started again."""

    network: Networked
    role: str
    reports: Reports = field(default_factory=Reports)
    stack: ExitStack = field(default_factory=ExitStack)
    daemon: Daemon | None = None

    @property
    def folder(self) -> Path:
        return self.network.path / self.role / "log"

    @property
    def keystore(self) -> Path:
        return self.network.devnet_folder.keystore(self.role)

    @property
    def address(self) -> Address:
        return Address(keystore_address(self.keystore))

    def start(self, port: int = 0) -> Worker:
        state = self.network.path / self.role
        state.mkdir(exist_ok=True)
        settings = DaemonSettings(
            rpc=[self.network.devnet.node],
            deployment=self.network.devnet_folder.deployment,
            blobs=[str(self.network.path / "blobs")],
            state_dir=state,
            signer=open_keystore(self.keystore, PASSWORD),
            engine=ReferenceEngine(),
            parallel=1,
            log=LogSettings(folder=self.folder, listen=("127.0.0.1", port), anchor_cost_wei=10**17),
        )
        world = self.stack.enter_context(opened_world(settings, self.reports))
        self.daemon = worker_node(world, WorkerPolicy(speed=SPEED))
        return self

    def kill(self) -> None:
        """Without a word: nothing of what is under way is waited for."""
        self.daemon = None
        self.stack.close()


@dataclass
class Networked:
    devnet: AnvilDevnet
    devnet_folder: DevnetFolder
    path: Path
    workers: list[Worker] = field(default_factory=list)
    looks: Counter[Address] = field(default_factory=Counter)
    """Of each worker at its group, one piece of its work after the other."""

    def desk(self) -> AnchorsDesk:
        return AnchorsDesk([self.devnet.node], read_deployment(self.devnet_folder.deployment))

    def anchors(self) -> list[Anchor]:
        return [*self.desk().anchors().values()]

    def to_next_epoch(self) -> int:
        desk = self.desk()
        seconds = desk.terms.epoch_seconds
        self.devnet.advance(seconds - desk.now() % seconds + 2)
        return desk.now() // seconds

    def drive(self, is_done: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
        """Let all workers tick until something holds; whether it does in time."""
        until = time.monotonic() + seconds
        while not is_done():
            if time.monotonic() > until:
                return False
            for worker in self.workers:
                if worker.daemon is not None:
                    worker.daemon.tick()
            time.sleep(0.1)
        return True

    def have_looked(self, before: Counter[Address]) -> bool:
        """Whether every worker has had the time to send what it should not."""
        running = (worker.address for worker in self.workers if worker.daemon is not None)
        return all(self.looks[each] >= before[each] + LOOKS_FOR_A_MISTAKE for each in running)

    def epoch_anchored(self, epoch: int) -> list[Anchor]:
        """Play an epoch, to the turn of each worker; the anchors of it."""
        desk = self.desk()
        starts: list[int] = []
        for worker in self.workers:
            log = desk.log_of(worker.address)
            assert log is not None
            sight = GroupSight(
                number=log.number,
                live=desk.live(0),
                epoch_seconds=desk.terms.epoch_seconds,
                anchored={},
                gas_price_wei=1,
            )
            start = begins_at(sight, epoch)
            assert start is not None
            starts.append(start)
        for start in sorted(starts):
            self.devnet.advance(max(1, start + 2 - desk.now()))
            self.drive(lambda: any(each.epoch == epoch for each in self.anchors()))
            assert self.drive(partial(self.have_looked, self.looks.copy())), "the others have nothing to do"
        return [each for each in self.anchors() if each.epoch == epoch]


@pytest.fixture
def network(anvil_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Networked]:
    devnet, folder = AnvilDevnet(anvil_program), DevnetFolder(path=tmp_path / "devnet")
    set_up(devnet, folder, devnet_parameters(WINDOW_MIN_SECONDS), lambda *_: None)
    for name, value in {
        "TRUESTEP_RPC": devnet.node,
        "TRUESTEP_DEPLOYMENT": folder.deployment,
        "TRUESTEP_PASSWORD_FILE": folder.password,
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.chdir(tmp_path)
    found, look = Networked(devnet, folder, tmp_path), GroupAnchoring.look

    def counted(anchoring: GroupAnchoring) -> GroupSight | None:
        sight = look(anchoring)
        found.looks[anchoring._keys.signer] += 1
        return sight

    monkeypatch.setattr(GroupAnchoring, "look", counted)
    monkeypatch.setattr(anchoring_desk, "LOOKS_EACH_EPOCH", LOOKS_EACH_EPOCH)
    yield found
    for worker in found.workers:
        worker.kill()
    devnet.stop()


def liar_log(network: Networked, folder: Path, entries: list[bytes]) -> LogKeys:
    """A log of an operator that forgets what it has signed."""
    deployment = read_deployment(network.devnet_folder.deployment)
    anchoring = Anchoring(chain_id=deployment.chain_id, anchors=deployment.address("Anchors"))
    keys = LogKeys(open_keystore(network.devnet_folder.keystore(LIAR), PASSWORD))
    shutil.rmtree(folder, ignore_errors=True)
    LogFolder(folder, NAMES, keys, SqliteStore(None), anchoring).append(entries)
    return keys


def other_row(numbers: dict[str, int], size: int) -> RowPart:
    """A row of another log than that of the first worker: nobody asks whether it is true."""
    return RowPart(number=numbers["operator-2"], size=size, root="22" * 32)


def proposal(
    network: Networked, epoch: int, rows: tuple[RowPart, ...], proposer: int, keys: LogKeys
) -> bytes:
    desk = network.desk()
    file = EpochFile(
        chain_id=desk.chain_id, anchors=desk.address, group=0, epoch=epoch, rows=rows, signatures={}
    )
    with suppress(Rejected):
        signature = keys.sign_proposal(desk.anchoring, 0, epoch, file.tree().root)
        return (
            EpochProposal(file=file, proposer=proposer, signature=signature.hex()).model_dump_json().encode()
        )
    return EpochProposal(file=file, proposer=proposer, signature="00" * 65).model_dump_json().encode()


def assert_answers(url: str, content: bytes, status: int, why: str) -> None:
    request = urllib.request.Request(f"{url}/epoch", data=content, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            found, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        found, text = error.code, error.read().decode()
    assert (found, why in text) == (status, True), text


@dataclass
class Scene:
    """Two workers and a liar, all registered."""

    network: Networked
    truestep: Invoke
    numbers: dict[str, int] = field(default_factory=dict)
    is_lying: bool = True

    def __post_init__(self) -> None:
        for role in ("operator-1", "operator-2"):
            worker = Worker(self.network, role).start()
            self.network.workers.append(worker)
            self.register(role, worker.folder, worker.reports.url)
        self.liar_folder = self.network.path / "liar"
        self.liar_keys = liar_log(self.network, self.liar_folder, HONEST[:3])
        with closing(LogServer(self.liar_folder)) as server:
            self.port = int(server.url.rpartition(":")[2])
            self.register(LIAR, self.liar_folder, server.url)

    def register(self, role: str, folder: Path, url: str) -> None:
        key = ("--keystore", self.network.devnet_folder.keystore(role))
        assert self.truestep("deposit", "9", *key).exit_code == 0
        said = self.truestep("log", "register", folder, "--url", url, *key, "--json").fields()
        self.numbers[role] = said["number"]

    @property
    def honest(self) -> int:
        return sum(1 << self.numbers[role] for role in ("operator-1", "operator-2"))

    def liar_server(self) -> LogServer:
        return LogServer(self.liar_folder, port=self.port, sign=self.signed_by_liar)

    def signed_by_liar(self, content: bytes) -> bytes:
        """Another message than it is asked to sign; or what it is asked to."""
        keys, message = self.liar_keys, parse_proposal(content).file.message()
        signature = keys.sign_epoch(keys.note_key if self.is_lying else message)
        return EpochAnswer(key=keys.bls_key.hex(), signature=signature.hex()).model_dump_json().encode()

    def audited(self, operator: str, *words: str) -> Finished:
        return self.truestep("audit-log", operator, "--seen", "seen", "--json", *words)


@pytest.mark.long
@pytest.mark.anvil
def test_logs_anchor_themselves(network: Networked, truestep: Invoke) -> None:
    scene = Scene(network, truestep)
    first, _ = network.workers
    (anchor,) = network.epoch_anchored(network.to_next_epoch())  # the liar's log is dead
    assert (anchor.group, anchor.bitmap) == (0, scene.honest)
    payers = [each for each in network.workers if any("attest_landed" in line for line in each.reports.said)]
    assert len(payers) == 1
    for worker in network.workers:  # what was signed is kept and served by both, and readers take it
        found = scene.audited(worker.address).fields()
        assert found["sound"] and found["anchors_unread"] == []
        assert [each["name"] for each in found["compared"] if "anchor" in each["name"]]

    with closing(scene.liar_server()):
        epoch = network.to_next_epoch()
        first.kill()
        first.start(int(first.reports.url.rpartition(":")[2]))
        (anchor,) = network.epoch_anchored(epoch)
        assert anchor.bitmap == scene.honest
        assert any("its signature is false" in line for each in network.workers for line in each.reports.said)

        # it signs, and shows another past afterwards: others have the rows, and it loses its bond
        scene.is_lying = False
        epoch = network.to_next_epoch()
        (anchor,) = network.epoch_anchored(epoch)
        assert anchor.bitmap == scene.honest | 1 << scene.numbers[LIAR]
        liar_log(network, scene.liar_folder, [HONEST[0], *HONEST[2:]])
        operator = keystore_address(network.devnet_folder.keystore(LIAR))
        found = scene.audited(operator, "--evidence", "evidence.json")
        assert found.exit_code == 1 and found.fields()["faults"]["not_anchored"] == 1
        assert json.loads(Path("evidence.json").read_text("utf-8"))["first"]["epoch"] == epoch
        report = ("log", "report", scene.numbers[LIAR], "evidence.json", "--json", "--keystore")
        reporter = network.devnet_folder.keystore("challenger")
        assert truestep(*report, reporter).fields()["state"] == "slashed"

    (anchor,) = network.epoch_anchored(network.to_next_epoch())  # the other two go on
    assert anchor.bitmap == scene.honest
    assert len({each.epoch for each in network.anchors()}) == len(network.anchors())


@pytest.mark.anvil
def test_only_logs_of_the_group_get_signatures_and_only_for_what_was(
    network: Networked, truestep: Invoke
) -> None:
    scene = Scene(network, truestep)
    (first, _), numbers, keys = network.workers, scene.numbers, scene.liar_keys
    epoch = network.to_next_epoch()
    checkpoint = parse_checkpoint(parse_note((first.folder / "checkpoint").read_bytes()))
    own = RowPart(number=numbers["operator-1"], size=checkpoint.size, root=checkpoint.root.hex())
    for rows, signer, status, why in (
        ((own,), keys, 200, "signature"),
        ((own.model_copy(update={"root": "11" * 32}),), keys, 409, "costs its bond"),
        ((own.model_copy(update={"size": 7}),), keys, 409, "do not sign"),
        ((other_row(numbers, 1),), keys, 409, "has no row"),
        ((own, own), keys, 409, "one row for each log"),
        ((own,), LogKeys(open_keystore(first.keystore, PASSWORD)), 409, "it is not signed by"),
        *(((own, other_row(numbers, size)), keys, 200, "signature") for size in range(3)),
        ((own, other_row(numbers, 4)), keys, 409, "has proposed 4 others"),
        ((own,), keys, 200, "signature"),  # what was signed is signed
    ):
        proposed = proposal(network, epoch, rows, numbers[LIAR], signer)
        assert_answers(first.reports.url, proposed, status, why)
    late = proposal(network, epoch - 2, (own,), numbers[LIAR], keys)
    assert_answers(first.reports.url, late, 409, "cannot be anchored")
    stranger = proposal(network, epoch, (own,), 77, keys)
    assert_answers(first.reports.url, stranger, 409, "is not a live one")
    assert_answers(first.reports.url, b"[" * 70_000, 413, "at most 65,536 bytes")
    assert_answers(first.reports.url, b"[" * 60_000, 409, "a proposal of an epoch")
    assert len([*(first.folder / f"epoch/{epoch}").iterdir()]) == 4
