"""What goes wrong on a real network, and what it may cost whom."""

from __future__ import annotations

import pytest

from tests.e2e.network import (
    COIN_WEI,
    CYCLES,
    ENDLESS,
    FAILING,
    INPUT,
    PARAMETERS,
    TRAPPING,
    Log,
    Network,
    elf_of,
    expected_output,
)
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.base.ids import BatchId, GameId, claim_of, game_of, task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.state import Status, TrapCause
from truestep.protocol import events
from truestep.protocol.records import GameRecord, GameStage, TaskStage
from truestep.simulation.faulty_engine import Fault, FaultyEngine

BOND_WEI = PARAMETERS.challenger_bond_wei
LIAR = FaultyEngine(ReferenceEngine(), Fault(cycle=371))


def settlements(network: Network) -> list[events.GameSettled]:
    return network.told(events.GameSettled)


def game_at_present(network: Network, game_id: GameId) -> GameRecord:
    chain = network.requester
    return chain.games([game_id], chain.head().time_seconds)[game_id]


def claim_falsely(network: Network) -> Log:
    """A liar claims the first task, and is not heard of again unless its daemon is ticked."""
    log = Log()
    liar = network.worker("liar", network.store("liar"), log, LIAR)
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    return log


def test_a_liar_that_falls_silent_loses_by_its_clock(quick_network: Network) -> None:
    network, log = quick_network, Log()
    network.post()
    claim_falsely(network)
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([challenger], lambda: "settle_landed" in log.kinds())
    assert [event.stage for event in settlements(network)] == [GameStage.CHALLENGER_WON]
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI


def test_a_false_challenge_is_lost_and_pays_the_operator(quick_network: Network) -> None:
    network, log = quick_network, Log()
    job_id = network.post()
    worker = network.worker("worker", network.store("worker"), log)
    accuser = network.challenger("accuser", network.store("accuser"), log, LIAR)
    network.drive([worker, accuser], lambda: network.is_final(job_id))
    (settled,) = settlements(network)
    assert (settled.stage, settled.challenger_wei) == (GameStage.OPERATOR_WON, 0)
    assert settled.operator_wei + settled.burned_wei == BOND_WEI
    assert settled.operator_wei >= BOND_WEI * PARAMETERS.winner_share_bps // 10_000
    assert network.requester.balances(network.account("worker")).stake_wei == 3 * COIN_WEI
    assert network.output(task_of(job_id, 0)) == expected_output(0)


def test_an_accuser_that_falls_silent_loses_by_its_clock(quick_network: Network) -> None:
    network, log, accuser_log = quick_network, Log(), Log()
    job_id = network.post()
    worker = network.worker("worker", network.store("worker"), log)
    accuser = network.challenger("accuser", network.store("accuser"), accuser_log, LIAR)
    network.drive([worker, accuser], lambda: "open_landed" in accuser_log.kinds())
    game_id = game_of(claim_of(task_of(job_id, 0), BatchId(1)), 1)
    assert game_at_present(network, game_id).split_hashes == ()
    network.drive([worker], lambda: "split_landed" in log.kinds())
    assert len(game_at_present(network, game_id).split_hashes) == PARAMETERS.arity - 1
    network.drive([worker], lambda: network.is_final(job_id))
    assert [event.stage for event in settlements(network)] == [GameStage.OPERATOR_WON]


def test_two_challengers_both_get_their_bonds_back(quick_network: Network) -> None:
    network, log, liar_log = quick_network, Log(), Log()
    job_id = network.post()
    liar = network.worker("liar", network.store("liar"), liar_log, LIAR)
    network.drive([liar], lambda: "claim_landed" in liar_log.kinds())
    first, second = (network.challenger(name, network.store(name), log) for name in ("first", "second"))
    network.drive([first, second, liar], lambda: len(settlements(network)) == 2)
    winner, other = settlements(network)
    assert (winner.stage, other.stage) == (GameStage.CHALLENGER_WON, GameStage.CLAIM_FELL)
    assert winner.challenger_wei == other.challenger_wei == BOND_WEI
    claim_id = claim_of(task_of(job_id, 0), BatchId(1))
    assert {winner.game_id, other.game_id} == {game_of(claim_id, 1), game_of(claim_id, 2)}


def test_a_challenger_that_is_overtaken_shows_what_it_knew_and_is_rewarded_too(
    quick_network: Network,
) -> None:
    network, log = quick_network, Log()
    network.post()
    claim_falsely(network)
    first, second = (network.challenger(name, network.store(name), log) for name in ("first", "second"))
    worker = network.worker("worker", network.store("worker"), log)
    network.drive([first, second, worker], lambda: len(network.told(events.GameRewarded)) == 2)
    assert "show_landed" in log.kinds()
    rewards = network.told(events.GameRewarded)
    assert sum(event.amount_wei + event.burned_wei for event in rewards) == COIN_WEI
    least_wei = COIN_WEI // 2 * PARAMETERS.winner_share_bps // 10_000
    assert min(event.amount_wei for event in rewards) >= least_wei
    assert {event.challenger for event in rewards} == {network.account("first"), network.account("second")}


@pytest.mark.parametrize(
    ("words", "ending"),
    [
        (FAILING, (Status.EXITED, 3, 3)),
        (TRAPPING, (Status.TRAPPED, TrapCause.BREAKPOINT, 2)),
        (ENDLESS, (Status.RUNNING, 0, 64)),
    ],
)
def test_a_failed_run_is_a_result_like_any_other(
    quick_network: Network, words: tuple[int, ...], ending: tuple[int, int, int]
) -> None:
    network, log = quick_network, Log()
    job_id = network.post(elf=elf_of(words), max_cycles=64)
    worker = network.worker("worker", network.store("worker"), log)
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([worker, challenger], lambda: network.is_final(job_id))
    result = network.requester.result(task_of(job_id, 0))
    assert (result.status, result.code, result.cycle) == ending
    assert not result.is_accepted
    assert "open_sent" not in log.kinds()


def test_a_false_running_claim_is_disputed_like_any_other(quick_network: Network) -> None:
    network, log = quick_network, Log()
    network.post(elf=elf_of(ENDLESS), max_cycles=64)
    engine = FaultyEngine(ReferenceEngine(), Fault(cycle=40))
    liar = network.worker("liar", network.store("liar"), log, engine)
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([liar, challenger], lambda: bool(settlements(network)))
    assert [event.stage for event in settlements(network)] == [GameStage.CHALLENGER_WON]


def test_an_unreachable_input_is_a_reason_not_to_take_and_is_asked_for_again(quick_network: Network) -> None:
    network, log = quick_network, Log()
    job_id = network.post()
    blobs = network.blobs
    assert isinstance(blobs, DirectoryBlobs)
    uri = network.requester.job(job_id).input_uri
    file = network.folder / "blobs" / uri.removeprefix("blob:")
    file.unlink()
    worker = network.worker("worker", network.store("worker"), log)
    for _ in range(4):
        worker.tick()
    declined = [line for kind, line in log.lines if kind == "declined"]
    assert len(declined) == 1
    assert uri.removeprefix("blob:") in declined[0]
    assert network.requester.task(task_of(job_id, 0)).stage is TaskStage.OPEN
    network.blobs.put(INPUT)
    worker.tick()
    assert "take_sent" not in log.kinds()
    network.clock.sleep(15)
    network.drive([worker], lambda: "take_landed" in log.kinds(), rounds=5)


def test_a_wrong_input_is_a_reason_not_to_take(quick_network: Network) -> None:
    network, log = quick_network, Log()
    job_id = network.post(input_size=len(INPUT) - 1)
    worker = network.worker("worker", network.store("worker"), log)
    for _ in range(4):
        worker.tick()
    assert log.kinds().count("declined") == 1
    assert "take_sent" not in log.kinds()
    assert network.requester.task(task_of(job_id, 0)).batch_id == 0


def test_a_missed_lease_costs_a_part_of_the_bond_and_the_next_worker_goes_on(quick_network: Network) -> None:
    network, log = quick_network, Log()
    job_id = network.post()
    sleeper = network.worker("sleeper", network.store("sleeper"), log)
    network.drive([sleeper], lambda: "take_landed" in log.kinds())
    network.devnet.advance(301)
    worker = network.worker("worker", network.store("worker"), log)
    network.drive([worker], lambda: network.is_final(job_id))
    sleeper.tick()
    penalty_wei = COIN_WEI * PARAMETERS.lease_penalty_bps // 10_000
    balances = network.requester.balances(network.account("sleeper"))
    assert (balances.stake_wei, balances.locked_wei) == (3 * COIN_WEI - penalty_wei, 0)
    assert network.requester.result(task_of(job_id, 0)).cycle == CYCLES


def test_a_sleeper_that_wakes_frees_what_is_left_of_its_bond(quick_network: Network) -> None:
    network, log = quick_network, Log()
    network.post(deadline_seconds=400)
    sleeper = network.worker("sleeper", network.store("sleeper"), log)
    network.drive([sleeper], lambda: "take_landed" in log.kinds())
    network.devnet.advance(500)
    network.drive([sleeper], lambda: "expire_landed" in log.kinds())
    assert network.requester.balances(network.account("sleeper")).locked_wei == 0
