"""A log of Quorums, Audits or Lots that a node leaves out is noticed by the contracts, and read again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.audits import AuditNetwork
from tests.e2e.drawn import DrawnNetwork, open_drawn
from tests.e2e.network import ELF, INPUT, MAX_CYCLES, REWARD_WEI, Log
from tests.e2e.quorums import MEMBERS, QuorumNetwork
from truestep.adapters.chain.logs import LogReader, Reading
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import BatchId, JobId
from truestep.client import Order
from truestep.composition.daemons import daemon_memory
from truestep.node.chain.audit import Audit
from truestep.node.chain.indexer import Indexer
from truestep.protocol.audits.contracts import audits
from truestep.protocol.lots.contracts import lots
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import LeafId

HEADS = 8
ORDER = Order(reward_wei=REWARD_WEI, max_cycles=MAX_CYCLES, lease_seconds=10_000)


class Nothing:
    """What no event is."""


class Hiding:
    """A reader of logs that leaves out some, once each."""

    def __init__(self, reader: LogReader, hidden: type) -> None:
        self._reader = reader
        self._hidden = hidden
        self.left_out = set[tuple[int, int]]()

    def read(self, first: int, last: int, also: Any = ()) -> Reading:
        found = self._reader.read(first, last, also)
        places = {
            (each.at.block_number, each.at.log_index)
            for each in found.logs
            if isinstance(each.event, self._hidden)
        } - self.left_out
        self.left_out |= places
        kept = (each for each in found.logs if (each.at.block_number, each.at.log_index) not in places)
        return replace(found, logs=tuple(kept))


def watcher(network: DrawnNetwork) -> Web3Chain:
    """A daemon's chain, of an account of its own."""
    memory = daemon_memory(network.account("watcher"))
    return network.chain("watcher", SqliteStore(), memory=memory)


def found_again(network: DrawnNetwork, kind: type) -> tuple[Log, Facts, Facts]:
    """What is reported if events of a kind are left out; the facts at first, and at last."""
    chain, log = watcher(network), Log()
    hiding = Hiding(chain._follower._reader, kind)
    chain._follower._reader = hiding  # type: ignore[assignment]
    indexer = Indexer(chain, SqliteStore())
    audit = Audit(chain, indexer, log, network.account("watcher"))
    audit.check(indexer.sync())
    first = chain.facts()
    for _ in range(HEADS):
        network.devnet.advance(1)
        audit.check(indexer.sync())
    return log, first, chain.facts()


def newest(network: DrawnNetwork) -> Facts:
    network.requester.refresh()
    return network.requester.facts()


def check(network: DrawnNetwork, kinds: list[type], words: Callable[[Facts], object]) -> None:
    """Each kind is missing at first, and is found; if nothing is left out nothing is suspected."""
    log, first, _ = found_again(network, Nothing)
    assert (log.kinds(), words(first)) == ([], words(newest(network)))
    for kind in kinds:
        log, first, last = found_again(network, kind)
        assert words(first) != words(newest(network)), kind
        assert words(last) == words(newest(network)), kind
        assert log.kinds() == ["log_found"], (kind, log.lines)
        assert "events of the policy of job 1;" in log.lines[0][1]


@pytest.fixture
def quorum(tmp_path: Path) -> Iterator[QuorumNetwork]:
    with open_drawn(QuorumNetwork, tmp_path) as opened:
        yield opened


def test_what_quorums_says(quorum: QuorumNetwork) -> None:
    quorum.pledge(*MEMBERS)
    quorum.client().submit(ELF, INPUT, order=replace(ORDER, is_judged=True))
    quorum.randomness()
    members = [quorum.member(name, Log()) for name in MEMBERS]
    quorum.drive(members, lambda: _confirmed(newest(quorum)) == 4, idle_limit=25)
    kinds: list[type] = [quorums.Funded, quorums.Drawn, quorums.Committed, quorums.Confirmed]
    check(quorum, kinds, lambda facts: (facts.purses, facts.committees, facts.sittings, facts.commitments))


def _confirmed(facts: Facts) -> int:
    sitting = facts.sittings.get(BatchId(1))
    return sitting.confirmed.bit_count() if sitting is not None else 0


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[AuditNetwork]:
    with open_drawn(AuditNetwork, tmp_path) as opened:
        yield opened


def test_what_audits_says(audited: AuditNetwork) -> None:
    audited.pledge("ada")
    audited.client().submit(ELF, INPUT, order=replace(ORDER, is_audited=True, lease_seconds=900))
    claimant = audited.worker_of("wim", Log())
    audited.drive([claimant], lambda: bool(newest(audited).batches.get(BatchId(1))))
    audited.drive([claimant], lambda: bool(newest(audited).batches[BatchId(1)].leaves))
    audited.randomness()
    auditor = audited.worker_of("ada", Log(), is_auditor=True, takes=False)
    audited.drive([claimant, auditor], lambda: LeafId(1 << 8) in newest(audited).audits, idle_limit=30)
    kinds: list[type] = [audits.Funded, audits.Prepared, audits.Drawn, audits.Appointed]
    check(audited, kinds, lambda facts: (facts.funds, facts.audited, facts.audits))


@pytest.fixture
def drawn(tmp_path: Path) -> Iterator[DrawnNetwork]:
    with open_drawn(DrawnNetwork, tmp_path) as opened:
        yield opened


def test_what_lots_says(drawn: DrawnNetwork) -> None:
    drawn.pledge("ada", "bob")
    order = replace(ORDER, shard_count=6, is_drawn=True, lease_seconds=20_000, lifetime_seconds=1_000_000)
    drawn.client().submit(ELF, INPUT, order=order)
    drawn.randomness()
    drawn.transact("ada", "Lots", "draw", JobId(1), [0, 3])
    check(drawn, [lots.Offered, lots.Drawn], lambda facts: (facts.offers, facts.lots))
