"""What games committed to is on the disk before they are opened, and as long as it may be asked for."""

from __future__ import annotations

from collections.abc import Sequence

from tests.e2e.network import INPUT, Log, Network
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.base.ids import BatchId, Bytes32, ClaimId, claim_of, task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.challenger import challenger_node
from truestep.node.tasks.commitments import COMMITMENTS, KEPT_SECONDS, Commitments, kept_secret
from truestep.ports.store import Change
from truestep.protocol import events
from truestep.roles.challenger import ChallengerPolicy
from truestep.simulation.faulty_engine import Fault, FaultyEngine

ONE, OTHER = Bytes32(b"1" * 32), Bytes32(b"2" * 32)
CLAIM = (ClaimId(7 << 64 | 1), Bytes32(b"c" * 32))


def test_the_secret_is_drawn_once() -> None:
    store, drawn = SqliteStore(), list[int]()

    def draw(size_bytes: int) -> bytes:
        drawn.append(size_bytes)
        return bytes([len(drawn)]) * size_bytes

    assert kept_secret(store, draw) == kept_secret(store, draw) == b"\x01" * 32
    assert drawn == [32]


def test_the_first_commitment_stays_until_nobody_can_ask_for_it() -> None:
    """An earlier attempt to open the game may be on chain, whatever a later one says."""
    store = SqliteStore()
    commitments = Commitments(store)
    assert commitments.keep(CLAIM, ONE, now=100) == ONE
    again = Commitments(store)
    assert again.keep(CLAIM, OTHER, now=200) == ONE
    again.forget_old(100 + KEPT_SECONDS)
    assert again.state_hashes() == {CLAIM: ONE}
    again.forget_old(101 + KEPT_SECONDS)
    assert (again.state_hashes(), store.rows(COMMITMENTS)) == ({}, [])


def test_another_claim_of_the_same_id_has_a_commitment_of_its_own() -> None:
    """A reorganisation gave the id to it."""
    store = SqliteStore()
    other = (CLAIM[0], Bytes32(b"C" * 32))
    commitments = Commitments(store)
    assert [commitments.keep(CLAIM, ONE, now=100), commitments.keep(other, OTHER, now=100)] == [ONE, OTHER]
    assert Commitments(store).state_hashes() == {CLAIM: ONE, other: OTHER}


class NoCommitments(SqliteStore):
    """It takes everything but commitments."""

    is_failing = True

    def write(self, changes: Sequence[Change]) -> None:
        if self.is_failing and any(change.table == COMMITMENTS for change in changes):
            raise Unavailable("disk is full")
        super().write(changes)


def test_no_game_is_opened_before_its_commitment_is_on_the_disk(network: Network) -> None:
    network.post()
    liar = network.worker(
        "liar", network.store("liar"), Log(), FaultyEngine(ReferenceEngine(), Fault(cycle=5))
    )
    network.drive([liar], lambda: bool(network.told(events.TaskClaimed)))
    log, store = Log(), NoCommitments()
    challenger = challenger_node(
        network.world("challenger", store, log, ReferenceEngine()), ChallengerPolicy()
    )
    refusals = 0
    for _ in range(12):
        network.devnet.advance(1)
        try:
            challenger.tick()
        except Unavailable:
            refusals += 1
    assert refusals > 0
    assert (network.told(events.GameOpened), "open_sent" in log.kinds()) == ([], False)
    store.is_failing = False
    network.drive([challenger], lambda: bool(network.told(events.GameOpened)))
    claim_id = claim_of(task_of(network.told(events.JobPosted)[0].job_id, 0), BatchId(1))
    assert [disputed for disputed, _ in Commitments(store).state_hashes()] == [claim_id]


def test_what_was_committed_to_is_shown_after_a_restart(network: Network) -> None:
    """The second one's game is over with the claim; only what it knew can still win."""
    job_id, log = network.post(content=INPUT[:9]), Log()
    liar = network.worker(
        "liar", network.store("liar"), Log(), FaultyEngine(ReferenceEngine(), Fault(cycle=5))
    )
    first = network.challenger("first", network.store("first"), Log())
    second = network.challenger("second", network.store("second"), log)
    network.drive([liar], lambda: bool(network.told(events.TaskClaimed)))
    network.drive([first, second], lambda: len(network.told(events.GameOpened)) == 2)
    network.drive([liar, first], lambda: bool(network.told(events.ClaimStruck)))
    restarted = network.challenger("second", network.store("second"), log)
    honest = network.worker("honest", network.store("honest"), Log())
    everybody = [first, restarted, honest]
    network.drive(everybody, lambda: len(network.told(events.GameRewarded)) == 2, rounds=400)
    winners = {event.challenger for event in network.told(events.GameRewarded)}
    assert winners == {network.account("first"), network.account("second")}
    assert network.is_final(job_id)
