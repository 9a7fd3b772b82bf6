from tests.e2e.network import COIN_WEI, CYCLES, PARAMETERS, REWARD_WEI, Log, Network, expected_output
from truestep.base.ids import BatchId, batch_of_claim, claim_of, game_of, task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_START
from truestep.protocol import events
from truestep.protocol.records import GameStage
from truestep.simulation.faulty_engine import Fault, FaultyEngine, LyingSometimes

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
    account = network.account("worker")
    network.drive([worker], lambda: network.requester.balances(account).rewards_wei == 0)
    balances = network.requester.balances(account)
    assert (balances.stake_wei, balances.locked_wei) == (3 * COIN_WEI, 0)
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
    network.drive([liar, challenger, worker], lambda: bool(network.told(events.GameRewarded)))

    assert network.is_final(job_id)
    assert network.output(task_id) == expected_output(0)
    (struck,), (stepped,) = network.told(events.ClaimStruck), network.told(events.GameStepped)
    assert struck.claim_id == claim_of(task_id, BatchId(1))
    assert network.told(events.GamePicked)[-1].high == LIE_CYCLE
    assert stepped.after != stepped.expected
    assert network.requester.balances(struck.operator).stake_wei == 2 * COIN_WEI
    (settled,), (rewarded,) = network.told(events.GameSettled), network.told(events.GameRewarded)
    assert settled.game_id == rewarded.game_id == game_of(struck.claim_id, 1)
    assert (settled.stage, settled.challenger_wei) == (
        GameStage.CHALLENGER_WON,
        PARAMETERS.challenger_bond_wei,
    )
    share_wei = COIN_WEI * PARAMETERS.winner_share_bps // 10_000
    assert share_wei < rewarded.amount_wei < COIN_WEI
    assert rewarded.amount_wei + rewarded.burned_wei == COIN_WEI


def test_one_lie_in_a_batch_holds_up_no_other_claim(network: Network) -> None:
    """The batch is final while the game goes on; only the shard of the lie is done again."""
    job_id, log = network.post(shard_count=3), Log()
    fault = Fault(cycle=LIE_CYCLE, address=OUTPUT_START + 3, mask=0x10)
    lying = LyingSometimes(ReferenceEngine(), fault, lambda task: task.shard_index == 1)
    liar = network.worker("liar", network.store("liar"), log, lying)
    network.drive([liar], lambda: "claim_landed" in log.kinds())
    (batch_id,) = {batch_of_claim(event.claim_id) for event in network.told(events.TaskClaimed)}
    challenger = network.challenger("challenger", network.store("challenger"), log)
    worker = network.worker("worker", network.store("worker"), log)
    network.drive([liar, challenger, worker], lambda: bool(network.told(events.GameRewarded)))

    assert [event.claim_id for event in network.told(events.ClaimStruck)] == [
        claim_of(task_of(job_id, 1), batch_id)
    ]
    final = {event.task_id: batch_of_claim(event.claim_id) for event in network.told(events.TaskFinalized)}
    assert {task for task, batch in final.items() if batch == batch_id} == {
        task_of(job_id, 0),
        task_of(job_id, 2),
    }
    for shard_index in range(3):
        assert network.output(task_of(job_id, shard_index)) == expected_output(shard_index)
    assert len(network.told(events.GameOpened)) == 1
    assert network.requester.balances(network.account("liar")).stake_wei == 2 * COIN_WEI
