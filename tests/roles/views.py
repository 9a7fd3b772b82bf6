"""Views as a node would make them, with every field within a test's reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from truestep.base.ids import Address, Bytes32, JobId, ProgramId, claim_of, game_of, task_of
from truestep.machine.state import Status
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
from truestep.roles.views import ClaimView, GameView, Material, MaterialStage, TaskView, View

NOW = 1_000_000
WORKER = Address("0x" + "0" * 38 + "Aa")
CHALLENGER = Address("0x" + "0" * 38 + "Bb")
REQUESTER = Address("0x" + "0" * 38 + "Cc")
BOND_WEI = 10**18
TASK_ID = task_of(JobId(1), 0)
CLAIM_ID = claim_of(TASK_ID, 1)
GAME_ID = game_of(CLAIM_ID, 1)
READY = Material(stage=MaterialStage.READY)

PARAMETERS = Parameters(
    operator_bond_wei=BOND_WEI,
    challenger_bond_wei=BOND_WEI // 10,
    window_seconds=1_000,
    clock_seconds=500,
    lease_penalty_bps=1_000,
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
    reward_wei=10**15,
    lease_seconds=200,
    deadline=NOW + 10_000,
    max_cycles=10**6,
    requester=REQUESTER,
    final_count=0,
)
TASK = TaskRecord(
    task_id=TASK_ID, stage=TaskStage.OPEN, attempt=0, operator=REQUESTER, until=0, claim_hash=ZERO_HASH
)
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
    split_root=ZERO_HASH,
    operator_clock_seconds=500,
    challenger_clock_seconds=500,
    moved_at=NOW - 10,
    rounds=0,
)


def task_view(**changes: Any) -> TaskView:
    """An open task whose material is here. `job` and `task` are tables of changed fields."""
    job = replace(JOB, **changes.pop("job", {}))
    task = replace(TASK, **changes.pop("task", {}))
    return TaskView(program=PROGRAM, job=job, task=task, **{"material": READY, **changes})


def claimed_view(*games: GameRecord, split_hashes: tuple[Bytes32, ...] = (), **changes: Any) -> TaskView:
    """A task that WORKER has claimed, with these games."""
    task = {"stage": TaskStage.CLAIMED, "attempt": 1, "operator": WORKER, "until": NOW + 500}
    claim = ClaimView(
        claim_id=CLAIM_ID,
        operator=WORKER,
        claimed=changes.pop("claimed", CLAIMED),
        open_game_count=sum(game.stage < GameStage.OPERATOR_WON for game in games),
        games=tuple(GameView(record=game, split_hashes=split_hashes) for game in games),
    )
    return task_view(task=task | changes.pop("task", {}), claims=(claim,), **changes)


def view(*tasks: TaskView, account: Address = WORKER, **changes: Any) -> View:
    """What `account` sees; rich unless a change says otherwise."""
    fields: dict[str, Any] = {
        "now": NOW,
        "account": account,
        "parameters": PARAMETERS,
        "wallet_wei": 10 * BOND_WEI,
        "free_stake_wei": 10 * BOND_WEI,
        "rewards_wei": 0,
        "winnings_wei": 0,
        "tasks": tasks,
    }
    return View(**(fields | changes))
