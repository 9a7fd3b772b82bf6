"""Views as a node would make them, with every field within a test's reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from truestep.base.ids import (
    Address,
    BatchId,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    claim_of,
    game_of,
    job_of_task,
    task_of,
)
from truestep.machine.state import Status
from truestep.protocol.calls import NATIVE, Call
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.records import (
    GameRecord,
    GameStage,
    JobRecord,
    Parameters,
    ProgramRecord,
    TaskRecord,
    TaskStage,
)
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles.views import ClaimView, GameView, Material, MaterialStage, TaskView, View

NOW = 1_000_000
WORKER = Address("0x" + "0" * 38 + "Aa")
CHALLENGER = Address("0x" + "0" * 38 + "Bb")
REQUESTER = Address("0x" + "0" * 38 + "Cc")
BOND_WEI = 10**18
TASK_ID = task_of(JobId(1), 0)
BATCH_ID = BatchId(12)
CLAIM_ID = claim_of(TASK_ID, BATCH_ID)
GAME_ID = game_of(CLAIM_ID, 1)
READY = Material(stage=MaterialStage.READY)

PARAMETERS = Parameters(
    operator_bond_wei=BOND_WEI,
    challenger_bond_wei=BOND_WEI // 10,
    window_seconds=1_000,
    clock_seconds=500,
    rescue_seconds=100,
    lease_penalty_bps=1_000,
    release_penalty_bps=100,
    winner_share_bps=5_000,
    gas_price_cap_wei=10**11,
    arity=4,
)
PROGRAM = ProgramRecord(
    program_id=ProgramId(1),
    image_root=ZERO_HASH,
    entry=0x1000,
    max_cycles=10**6,
    digest=ZERO_HASH,
    owner=REQUESTER,
    uri="",
)
JOB = JobRecord(
    job_id=JobId(1),
    program_id=ProgramId(1),
    input_root=ZERO_HASH,
    input_size=100,
    input_uri="",
    seed=ZERO_HASH,
    shard_count=1,
    reward=10**15,
    asset=NATIVE,
    lease_seconds=200,
    deadline=NOW + 10_000,
    max_cycles=10**6,
    requester=REQUESTER,
    policy=1,
    parameters=PARAMETERS,
)
TASK = TaskRecord(task_id=TASK_ID, stage=TaskStage.OPEN, batch_id=BatchId(0), operator=REQUESTER, until=0)
CLAIMED = ClaimedState(
    status=Status.EXITED,
    code=0,
    cycle=1_000,
    output_size=8,
    output_root=Bytes32(b"o" * 32),
    left_root=Bytes32(b"l" * 32),
    inner_root=Bytes32(b"i" * 32),
    running_state=ZERO_HASH,
)
GAME = GameRecord(
    game_id=GAME_ID,
    stage=GameStage.OPERATOR_TURN,
    operator=WORKER,
    challenger=CHALLENGER,
    low=0,
    high=1_000,
    low_hash=Bytes32(b"s" * 32),
    high_hash=CLAIMED.state_hash(),
    arity=PARAMETERS.arity,
    split_hashes=(),
    last_second=NOW + 490,
)


def task_view(**changes: Any) -> TaskView:
    """An open task whose material is here. `job`, `task` and `parameters` are tables of changed fields."""
    rules = replace(PARAMETERS, **changes.pop("parameters", {}))
    task = replace(TASK, **changes.pop("task", {}))
    job = replace(JOB, job_id=job_of_task(task.task_id), parameters=rules)
    job = replace(job, **changes.pop("job", {}))
    return TaskView(program=PROGRAM, job=job, task=task, **{"material": READY, **changes})


def taken_view(shard: int = 0, *, batch_id: BatchId = BATCH_ID, **changes: Any) -> TaskView:
    """A task that WORKER has taken."""
    task = {
        "task_id": task_of(JobId(1), shard),
        "stage": TaskStage.TAKEN,
        "batch_id": batch_id,
        "operator": WORKER,
        "until": NOW + 100,
    }
    return task_view(task=task | changes.pop("task", {}), **changes)


def claimed_view(*games: GameRecord, **changes: Any) -> TaskView:
    """A task that WORKER has claimed, with these games. `claim` is a table of changed fields."""
    task = {"stage": TaskStage.CLAIMED, "batch_id": BATCH_ID, "operator": WORKER, "until": NOW + 500}
    claim = ClaimView(
        claim_id=CLAIM_ID,
        operator=WORKER,
        claimed=changes.pop("claimed", CLAIMED),
        open_game_count=sum(game.stage < GameStage.OPERATOR_WON for game in games),
        games=tuple(GameView(record=game) for game in games),
    )
    claim = replace(claim, **changes.pop("claim", {}))
    return task_view(task=task | changes.pop("task", {}), claims=(claim,), **changes)


def duty(
    kind: DutyKind,
    call: Call | None,
    beneficiary: Address,
    claim_id: ClaimId | None = None,
    game_id: GameId | None = None,
    *,
    has_fallen: bool = False,
) -> Duty:
    """Something that is left to do for somebody."""
    return Duty(
        action=kind,
        call=call,
        beneficiary=beneficiary,
        job_id=JobId(1),
        claim_id=claim_id,
        game_id=game_id,
        has_fallen=has_fallen,
    )


def view(*tasks: TaskView, account: Address = WORKER, **changes: Any) -> View:
    """What `account` sees; rich unless a change says otherwise."""
    fields: dict[str, Any] = {
        "now": NOW,
        "account": account,
        "operator": account,
        "wallet_wei": 10 * BOND_WEI,
        "free_stake_wei": 10 * BOND_WEI,
        "rewards_wei": 0,
        "winnings_wei": 0,
        "tasks": tasks,
    }
    return View(**(fields | changes))
