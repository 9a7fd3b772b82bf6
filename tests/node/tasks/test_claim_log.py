"""A worker logs what it claims before it sends it (docs/logs.md L7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from web3 import Account

from tests.e2e.network import SPEED, Log, Network
from truestep.adapters.logs.folder import LogFolder
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import BatchId, Bytes32, JobId
from truestep.commitments.keccak import keccak256
from truestep.composition.logs import LogOwner, LogSettings, opened_log
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.tasks.claim_log import ClaimLog
from truestep.node.worker import worker_node
from truestep.ports.blobs import OutputKey
from truestep.protocol.audit_calls import RevealAudit
from truestep.protocol.calls import Deposit
from truestep.protocol.logs.entries import AuditEntry, ClaimEntry, DeletedEntry, LogOpened, parse_entry
from truestep.protocol.logs.tiles import parse_bundle
from truestep.protocol.settlement.ids import claim_of
from truestep.roles.worker import WorkerPolicy

NAME = "operator"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def logged_worker(network: Network, stack: ExitStack, log: Log) -> Daemon:
    """A worker with a log, and a stake."""
    world = network.world(NAME, network.store(NAME), log, ReferenceEngine())
    if NAME not in network.staked:
        network.staked.add(NAME)
        world.chain.transact(Deposit(amount_wei=4 * 10**18), intent="stake")
    account: Any = Account.from_key(keccak256(NAME.encode()))
    owner = LogOwner(signer=account, operator=world.chain.account, deployment=network.deployment)
    folder = network.folder / "log"
    opened = opened_log(LogSettings(folder=folder), owner, world.store, world.chain, log, network.folder)
    world = replace(world, claim_log=stack.enter_context(opened).claims)
    return worker_node(world, WorkerPolicy(speed=SPEED))


def entries_in(folder: Path, count: int) -> list[Any]:
    content = (folder / f"tile/entries/000.p/{count}").read_bytes()
    return [parse_entry(entry) for entry in parse_bundle(content, count)]


def all_entries(folder: Path) -> list[Any]:
    return entries_in(
        folder, int(max(folder.glob("tile/entries/000.p/*"), key=lambda path: int(path.name)).name)
    )


def test_claims_are_in_the_log_each_once(network: Network, stack: ExitStack) -> None:
    job_id = network.post(shard_count=2)
    worker = logged_worker(network, stack, Log())
    network.drive([worker], lambda: network.is_final(job_id, 0) and network.is_final(job_id, 1))
    opened, first, second = entries_in(network.folder / "log", 3)
    assert isinstance(opened, LogOpened)
    assert (opened.operator, opened.batch_count) == (network.account(NAME), 0)
    for shard, entry in enumerate((first, second)):
        assert isinstance(entry, ClaimEntry)
        assert (entry.job_id, entry.shard_index, entry.status, entry.code) == (job_id, shard, 1, 0)
    again = logged_worker(network, stack, Log())
    network.drive([again], lambda: True)
    network.post()
    network.drive([again], lambda: network.is_final(JobId(2)))
    kinds = [type(each) for each in all_entries(network.folder / "log")]
    assert kinds.count(ClaimEntry) == 3 and kinds.count(LogOpened) == 1


def test_nothing_is_claimed_while_the_log_cannot_be_written(
    network: Network, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, log = network.post(), Log()
    worker = logged_worker(network, stack, log)

    def failing(*_: Any) -> None:
        raise Unavailable("cannot use the log: No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LogFolder, "append", failing)
        network.drive([worker], lambda: "log_unavailable" in log.kinds())
        assert "claim_sent" not in log.kinds()
    network.drive([worker], lambda: network.is_final(job_id))


class ShortLog:
    """A log with its first entry, of a network with two batches at that time."""

    size = 1

    def entry(self, index: int) -> bytes:
        return next(self.newest(1))

    def newest(self, count: int) -> Iterator[bytes]:
        yield (
            b'{"kind":"opened","version":1,"chain_id":1,"jobs":"0x%s","operator":"0x%s","account":"0x%s",'
            b'"batch_count":2,"software":"t","logged_at":1}' % (b"aa" * 20, b"bb" * 20, b"bb" * 20)
        )

    def append(self, entries: Any) -> None:
        raise AssertionError(entries)


def test_a_claim_on_the_chain_that_the_log_lacks_is_an_old_copy() -> None:
    ClaimLog(ShortLog()).check({BatchId(1), BatchId(2)})
    with pytest.raises(Rejected) as caught:
        ClaimLog(ShortLog()).check({BatchId(1), BatchId(3)})
    assert caught.value.reason is Reject.LOG_FORK
    assert "batch 3" in str(caught.value)
    ClaimLog(ShortLog(), is_shared=True).check({BatchId(3)})


def test_words_and_deletions_are_logged_before(network: Network, stack: ExitStack) -> None:
    world = network.world(NAME, network.store(NAME), Log(), ReferenceEngine())
    account: Any = Account.from_key(keccak256(NAME.encode()))
    owner = LogOwner(signer=account, operator=world.chain.account, deployment=network.deployment)
    settings = LogSettings(folder=network.folder / "log")
    opened = opened_log(settings, owner, world.store, world.chain, Log(), network.folder)
    log = stack.enter_context(opened).claims
    call = RevealAudit(
        claim_id=claim_of(BatchId(7), 3), seat=1, digest=Bytes32(b"d" * 32), salt=Bytes32(bytes(32))
    )
    for _ in range(2):  # what is sent again is logged once
        log.record_word(call, 5)
    log.record_deleted([OutputKey(output_root=Bytes32(b"o" * 32), size_bytes=9)], 6)
    _, word, deleted = entries_in(network.folder / "log", 3)
    assert word == AuditEntry(batch_id=7, leaf_index=3, seat=1, digest=Bytes32(b"d" * 32), logged_at=5)
    assert (deleted.what, deleted.size, deleted.logged_at) == ("output", 9, 6)


def test_an_output_is_deleted_once_that_is_in_the_log(network: Network, stack: ExitStack) -> None:
    job_id, log = network.post(), Log()
    worker = logged_worker(network, stack, log)
    network.drive([worker], lambda: network.is_final(job_id))
    for _ in range(20):
        network.clock.sleep(20)
        worker.tick()
    *_, deleted = entries_in(network.folder / "log", 3)
    assert isinstance(deleted, DeletedEntry) and deleted.reason == "its task is over"
