"""What workers and challengers show of themselves, in a network with a liar."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.e2e.network import COIN_WEI, PARAMETERS, REWARD_WEI, SPEED, Log, ManualClock, Network
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.node.chain.pending import PendingAge
from truestep.node.challenger import challenger_node
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.ports.engine import Engine
from truestep.ports.vitals import ClockKind, Totals, Vitals
from truestep.protocol import events
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.faulty_engine import Fault, FaultyEngine


@dataclass
class Watched:
    """Satisfies `Monitor`."""

    seen: list[Vitals] = field(default_factory=list)
    turns: list[str] = field(default_factory=list)

    def turn_ended(self, seconds: float, trouble: str) -> None:
        assert seconds >= 0
        self.turns.append(trouble)

    def show(self, vitals: Vitals) -> None:
        self.seen.append(vitals)


def watched_worker(network: Network, name: str, log: Log, engine: Engine) -> tuple[Daemon, Watched]:
    watched = Watched()
    world = network.world(name, network.store(name), log, engine)
    network.stake(name, world.chain)
    return worker_node(replace(world, monitor=watched), WorkerPolicy(speed=SPEED)), watched


def test_a_worker_shows_leases_claims_and_earnings(network: Network) -> None:
    log = Log()
    job_id = network.post(shard_count=2)
    worker, watched = watched_worker(network, "worker", log, ReferenceEngine())
    network.drive([worker], lambda: network.is_final(job_id, 0) and network.is_final(job_id, 1))
    worker.tick()

    leases = [vitals for vitals in watched.seen if vitals.taken_tasks]
    assert leases[0].taken_bonds_wei == leases[0].taken_tasks * COIN_WEI
    (lease,) = leases[0].clocks
    assert (lease.kind, lease.whole_seconds) == (ClockKind.LEASE, 300)
    assert leases[0].now <= lease.until <= leases[0].now + 300
    claimed = [vitals for vitals in watched.seen if vitals.exposure.claims == 2]
    assert claimed[0].exposure.bonds_wei == 2 * COIN_WEI
    assert claimed[0].exposure.disputed == 0
    assert claimed[0].exposure.last_until > claimed[0].now + PARAMETERS.window_seconds // 2
    stake = claimed[-1].stake
    assert stake is not None
    assert (stake.free_wei, stake.locked_wei) == (COIN_WEI, 2 * COIN_WEI)
    last = watched.seen[-1]
    assert last.totals == Totals(finished_tasks=2, earned_wei=2 * REWARD_WEI)
    assert (last.exposure.claims, last.clocks) == (0, ())
    assert last.pending == 0
    paid = [message for kind, message in log.lines if kind == "paid"]
    assert sorted(message.partition(" {")[0] for message in paid) == [
        f"job 1 shard {shard}: the claim is final and earns 0.05 ETH" for shard in (0, 1)
    ]
    worker.stop()
    (summary,) = [message for kind, message in log.lines if kind == "summary"]
    assert "2 tasks became final and earned 0.1 ETH" in summary
    assert "can be disputed" not in summary


def test_a_dispute_is_seen_by_both_sides(network: Network) -> None:
    log = Log()
    network.post()
    fault = Fault(cycle=371, address=OUTPUT_START + 3, mask=0x10)
    liar, lied = watched_worker(network, "liar", log, FaultyEngine(ReferenceEngine(), fault))
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    checked = Watched()
    world = network.world("challenger", network.store("challenger"), log, ReferenceEngine())
    challenger = challenger_node(replace(world, monitor=checked), ChallengerPolicy())
    honest = network.worker("worker", network.store("worker"), log)
    network.drive([liar, challenger, honest], lambda: bool(network.told(events.GameRewarded)))
    liar.tick()
    challenger.tick()

    for watched in (lied, checked):
        clocks = [clock for vitals in watched.seen for clock in vitals.clocks if clock.kind is ClockKind.GAME]
        assert {clock.subject for clock in clocks} == {"game 1 on job 1 shard 0"}
        assert all(0 < clock.until - vitals.now <= 500 for vitals in watched.seen for clock in vitals.clocks)
        assert {clock.whole_seconds for clock in clocks} == {PARAMETERS.clock_seconds}
        assert max(vitals.open_games for vitals in watched.seen) == 1
    assert max(vitals.exposure.disputed for vitals in lied.seen) == 1
    said = dict(log.lines)
    assert "job 1 shard 0: YOUR CLAIM IS DISPUTED, and 1 ETH is at risk" in said["claim_disputed"]
    assert "THE BOND OF YOUR CLAIM IS LOST, 1 ETH: it was proved false" in said["bond_lost"]
    assert (log.kinds().count("claim_disputed"), log.kinds().count("bond_lost")) == (1, 1)
    challenger.stop()
    assert "disputes: 1 won, 0 lost, 0 open" in log.lines[-1][1]
    assert lied.seen[-1].totals == Totals(claims_lost=1, games_lost=1)
    assert checked.seen[-1].totals == Totals(games_won=1)
    assert checked.seen[-1].stake is None
    assert max(vitals.owed_wei["Disputes"] for vitals in checked.seen) > 0


def test_the_loop_tells_of_each_turn(network: Network) -> None:
    log = Log()
    worker, watched = watched_worker(network, "worker", log, ReferenceEngine())
    worker.run(lambda: len(watched.turns) >= 3, poll_seconds=0.1)
    assert watched.turns == ["", "", ""]


def test_the_oldest_transaction_counts() -> None:
    clock = ManualClock()
    age = PendingAge(clock)
    assert age.seconds(frozenset()) == 0
    assert age.seconds(frozenset({"claim/1"})) == 0
    clock.seconds = 10.0
    assert age.seconds(frozenset({"claim/1", "take/2"})) == 10
    clock.seconds = 25.0
    assert age.seconds(frozenset({"take/2"})) == 15


def test_a_worker_that_stops_says_what_can_still_be_disputed(network: Network) -> None:
    log = Log()
    network.post(shard_count=2)
    worker, _ = watched_worker(network, "worker", log, ReferenceEngine())
    network.drive([worker], lambda: "claim_landed" in log.kinds())
    worker.tick()
    worker.stop()
    (summary,) = [message for kind, message in log.lines if kind == "summary"]
    assert (
        "0 tasks became final and earned 0 ETH; 2 claims with bonds of 2 ETH can be disputed for" in summary
    )
