from tests.e2e.network import COIN_WEI, CYCLES, PARAMETERS, REWARD_WEI, Log, Network, expected_output
from truestep.base.ids import claim_of, game_of, task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.protocol import events
from truestep.protocol.records import GameStage
from truestep.simulation.faulty_engine import Fault, FaultyEngine

LIE_CYCLE = 371


def test_an_honest_job_is_run_checked_paid_and_withdrawn(network: Network) -> None:
    job_id, log = network.post(shard_count=2), Log()
    worker = network.worker("worker", network.store("worker"), log)
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([worker, challenger], lambda: network.is_final(job_id, 0) and network.is_final(job_id, 1))
    for shard_index in range(2):
        result = network.requester.result(task_of(job_id, shard_index))
        assert (result.is_accepted, result.cycle) == (True, CYCLES)
        assert network.output(task_of(job_id, shard_index)) == expected_output(shard_index)
    worker.tick()
    account = network.account("worker")
    balances = network.requester.balances(account)
    assert (balances.stake_wei, balances.locked_wei, balances.rewards_wei) == (3 * COIN_WEI, 0, 0)
    assert balances.wallet_wei > 7 * COIN_WEI + REWARD_WEI
    assert {"open_sent", "declined"}.isdisjoint(log.kinds())


def test_a_lie_is_caught_by_one_instruction_and_the_task_is_done_again(network: Network) -> None:
    job_id, log = network.post(), Log()
    task_id = task_of(job_id, 0)
    fault = Fault(cycle=LIE_CYCLE, address=OUTPUT_START + 3, mask=0x10)
    liar = network.worker("liar", network.store("liar"), log, FaultyEngine(ReferenceEngine(), fault))
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    worker = network.worker("worker", network.store("worker"), log)
    network.drive([liar, challenger, worker], lambda: network.is_final(job_id))

    assert network.output(task_id) == expected_output(0)
    chain = network.requester
    history = chain.events(chain.first_block, chain.head().number)
    struck = [event for event in history if isinstance(event, events.ClaimStruck)]
    seized = [event for event in history if isinstance(event, events.BondSeized)]
    stepped = [event for event in history if isinstance(event, events.GameStepped)]
    picked = [event for event in history if isinstance(event, events.GamePicked)]
    assert [event.claim_id for event in struck] == [claim_of(task_id, 1)]
    assert [(event.operator, event.amount_wei) for event in seized] == [(struck[0].operator, COIN_WEI)]
    assert (picked[-1].low, picked[-1].high) == (LIE_CYCLE - 1, LIE_CYCLE)
    assert len(stepped) == 1
    assert stepped[0].after != stepped[0].expected
    game = chain.game(game_of(claim_of(task_id, 1), 1))
    assert game.stage is GameStage.CLOSED
    assert chain.balances(struck[0].operator).stake_wei == 2 * COIN_WEI
    assert chain.balances(game.challenger).wallet_wei > 10 * COIN_WEI + COIN_WEI // 2 - COIN_WEI // 20
    assert PARAMETERS.winner_share_bps == 5_000
