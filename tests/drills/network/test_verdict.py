"""A drill of the network is judged by events and coins: what must be there, and what is complained about."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId, task_of
from truestep.commitments.merkle import root_of_bytes
from truestep.devnet.network import devnet_parameters
from truestep.drills.guest import expected_output
from truestep.drills.network.people import LIE_REWARD_WEI, REWARD_WEI
from truestep.drills.network.plan import Lie, Plan, PlannedJob, Terms
from truestep.drills.network.tally import Tally
from truestep.drills.network.verdict import complaints, due_changes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.calls import NATIVE
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.events import (
    ChainEvent,
    ClaimStruck,
    GameOpened,
    GameRewarded,
    GameSettled,
    JobPosted,
    LeaseExpired,
    LogPosition,
    TaskClaimed,
    TaskFinalized,
    TaskTaken,
)
from truestep.protocol.records import GameStage
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.tasks.records import job_rules

ACCOUNTS = {
    name: Address(f"0x{number:040x}")
    for number, name in enumerate(("worker-1", "liar-1", "requester-1", "challenger"), 1)
}
BOND_WEI, REWARD_PART_WEI = 1_000_000, 300_000
AT = LogPosition(block_number=1, log_index=0, transaction_hash=ZERO_HASH)
TRUE, LIED = (Bytes32(bytes([number]) * 32) for number in (1, 2))
PLAN = Plan(
    terms=Terms(jobs=2, workers=1, liar_share=0.5, seed=1),
    jobs=(
        PlannedJob(requester=0, content=b"true", seed=TRUE, shard_count=1),
        PlannedJob(requester=0, content=b"lied", seed=LIED, shard_count=1, lie=Lie(liar=0, shard_index=0)),
    ),
)
FIRST, SECOND = task_of(JobId(1), 0), task_of(JobId(2), 0)
CLAIM, GAME = ClaimId(7), GameId(9)


def posted(number: int, seed: Bytes32) -> JobPosted:
    return JobPosted(
        at=AT,
        job_id=JobId(number),
        program_id=ProgramId(1),
        requester=ACCOUNTS["requester-1"],
        input_root=ZERO_HASH,
        input_size=4,
        input_uri="",
        seed=seed,
        shard_count=1,
        max_cycles=1,
        reward=1,
        asset=NATIVE,
        lease_seconds=1,
        deadline=1,
        policy=OPTIMISTIC,
        parameters=job_rules(devnet_parameters(240), 240),
        reducer_of=None,
        is_ready=True,
    )


def state(content: bytes, mask: int = 0) -> ClaimedState:
    output = expected_output(0, content)
    wrong = bytes([output[0] ^ mask]) + output[1:]
    return ClaimedState(
        status=Status.EXITED,
        code=0,
        cycle=1,
        output_size=8,
        output_root=root_of_bytes(wrong, RANGE_LEVEL, hash_many_pairs),
        left_root=ZERO_HASH,
        inner_root=ZERO_HASH,
        running_state=ZERO_HASH,
    )


def taken(task_id: TaskId, name: str) -> TaskTaken:
    return TaskTaken(at=AT, task_id=task_id, operator=ACCOUNTS[name], batch_id=BatchId(1), until=5)


def claimed(task_id: TaskId, name: str, what: ClaimedState) -> TaskClaimed:
    return TaskClaimed(
        at=AT, task_id=task_id, operator=ACCOUNTS[name], claim_id=CLAIM, until=50, claimed=what
    )


def final(task_id: TaskId, what: ClaimedState) -> TaskFinalized:
    return TaskFinalized(
        at=AT,
        task_id=task_id,
        operator=ACCOUNTS["worker-1"],
        claim_id=CLAIM,
        claimed=what,
        is_accepted=True,
    )


BEGUN = (
    posted(1, TRUE),
    posted(2, LIED),
    taken(FIRST, "worker-1"),
    taken(SECOND, "liar-1"),
    claimed(FIRST, "worker-1", state(b"true")),
    claimed(SECOND, "liar-1", state(b"lied", mask=1)),
)
OPENED = GameOpened(
    at=AT,
    game_id=GAME,
    claim_id=CLAIM,
    challenger=ACCOUNTS["challenger"],
    operator=ACCOUNTS["liar-1"],
    high=1,
    low_hash=ZERO_HASH,
    high_hash=ZERO_HASH,
)
SETTLED = GameSettled(
    at=AT,
    game_id=GAME,
    claim_id=CLAIM,
    stage=GameStage.CHALLENGER_WON,
    operator_wei=0,
    challenger_wei=1,
    burned_wei=0,
)
STRUCK = ClaimStruck(at=AT, task_id=SECOND, operator=ACCOUNTS["liar-1"], claim_id=CLAIM)
REWARDED = GameRewarded(
    at=AT,
    game_id=GAME,
    claim_id=CLAIM,
    challenger=ACCOUNTS["challenger"],
    amount_wei=REWARD_PART_WEI,
    burned_wei=0,
)
ENDED = (
    *BEGUN,
    OPENED,
    STRUCK,
    SETTLED,
    taken(SECOND, "worker-1"),
    claimed(SECOND, "worker-1", state(b"lied")),
    final(FIRST, state(b"true")),
    final(SECOND, state(b"lied")),
    REWARDED,
)
DUE = {
    "worker-1": REWARD_WEI + LIE_REWARD_WEI,
    "liar-1": -BOND_WEI,
    "requester-1": -(REWARD_WEI + LIE_REWARD_WEI),
    "challenger": REWARD_PART_WEI,
}


def tally_of(*events: ChainEvent) -> Tally:
    tally = Tally(PLAN)
    tally.take_in(events)
    return tally


def test_a_false_claim_that_stands_is_seen() -> None:
    tally = tally_of(*BEGUN)
    assert tally.is_all_claimed()
    assert tally.false_standing() == [SECOND]
    assert tally.lied_about() == [SECOND]
    assert not tally.is_over()


def test_a_struck_claim_is_open_until_it_is_done_again_and_its_challenger_is_paid() -> None:
    tally = tally_of(*BEGUN, OPENED, STRUCK)
    assert tally.open_games == {GAME}
    assert not tally.is_all_claimed()
    assert tally.unrewarded() == {CLAIM}
    assert not tally_of(*ENDED[:-1]).is_over()
    assert tally_of(*ENDED).is_over()
    assert tally_of(*ENDED).counts.words == "2 posted, 2 taken, 2 claimed, 1 disputed, 1 struck, 2 final"


def test_everybody_is_due_what_the_events_say() -> None:
    tally = tally_of(*ENDED)
    due = due_changes(ACCOUNTS, BOND_WEI, PLAN, tally)
    assert due == DUE
    assert complaints(PLAN, tally, due, DUE) == ()


@pytest.mark.parametrize("name", list(DUE))
def test_one_wei_too_little_is_a_complaint(name: str) -> None:
    changes = DUE | {name: DUE[name] - 1}
    [sentence] = complaints(PLAN, tally_of(*ENDED), DUE, changes)
    assert sentence.startswith(f"{name} should have")


def test_a_lie_that_nobody_strikes_is_a_complaint() -> None:
    lie_final = (*BEGUN, final(FIRST, state(b"true")), final(SECOND, state(b"lied", mask=1)))
    tally = tally_of(*lie_final)
    assert tally.false_final() == [SECOND]
    assert complaints(PLAN, tally, DUE, DUE) == (
        "expected that 1 lies are struck and nothing else, got 0 struck",
    )


def test_a_true_claim_that_is_struck_is_a_complaint() -> None:
    other = replace(STRUCK, task_id=FIRST, claim_id=ClaimId(8))
    [sentence] = complaints(PLAN, tally_of(*ENDED, other), DUE, DUE)
    assert "got 2 struck" in sentence


def test_restarts_missed_leases_and_wrong_results_are_complaints() -> None:
    missed = LeaseExpired(at=AT, task_id=FIRST, operator=ACCOUNTS["worker-1"], penalty_wei=1)
    found = complaints(PLAN, tally_of(*ENDED, missed), DUE, DUE, bad=[JobId(2)], restarts=1)
    assert found == (
        "job 2 is not final with the right result",
        "daemons ended by themselves and were started again 1 times",
        "1 tasks missed their leases",
    )
