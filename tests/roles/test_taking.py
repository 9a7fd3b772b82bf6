"""Which open tasks a worker takes, and which of these together."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.roles.test_proving import ENTRY
from tests.roles.views import (
    BATCH_ID,
    BOND_WEI,
    CHALLENGER,
    CLAIMED,
    GAME,
    JOB,
    NOW,
    PARAMETERS,
    TASK_ID,
    WORKER,
    claimed_view,
    taken_view,
    task_view,
    view,
)
from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId, TaskId, task_of
from truestep.protocol.calls import TakeTasks
from truestep.protocol.deployment.quorum import POLICY as JUDGED
from truestep.protocol.deployment.validity import POLICY as VALIDITY
from truestep.protocol.records import TaskStage
from truestep.roles.actions import Decline, Declined, Fetch, Send
from truestep.roles.estimates import Speed
from truestep.roles.taking import kind_of, why_not_committee
from truestep.roles.views import Material, MaterialStage, OwnRun, TaskView, View
from truestep.roles.worker import HELD_FACTOR, WorkerPolicy, decide, is_worth_taking

POLICY = WorkerPolicy(speed=Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1))
WIDE = replace(POLICY, active_limit=64)
"""Everything can run at once."""
LARGE_PROGRAM = Material(stage=MaterialStage.READY, code_bytes=2 << 20)
TOKEN = Address("0x" + "0" * 38 + "Dd")
RICH_WEI = 1_000 * BOND_WEI
TWICE_THE_BOND_FOR_TWICE_AS_LONG = replace(
    PARAMETERS,
    operator_bond_wei=2 * BOND_WEI,
    bond_multiple=2,
    least_window_seconds=PARAMETERS.window_seconds // 2,
)


def takes(seen: View, policy: WorkerPolicy = POLICY) -> list[tuple[TaskId, ...]]:
    """The tasks of each batch that it takes."""
    calls = [action.call for action in decide(seen, policy) if isinstance(action, Send)]
    return [call.tasks for call in calls if isinstance(call, TakeTasks)]


def shards(count: int, job: int = 1, program: int = 1, **changes: Any) -> list[TaskView]:
    """Open tasks of a job."""
    changes["job"] = changes.get("job", {}) | {"program_id": ProgramId(program)}
    return [task_view(task={"task_id": task_of(JobId(job), shard)}, **changes) for shard in range(count)]


def test_an_open_task_is_fetched_then_taken() -> None:
    missing = task_view(material=Material(stage=MaterialStage.MISSING))
    assert decide(view(missing), POLICY) == [Fetch(task_id=TASK_ID)]
    (send,) = decide(view(task_view()), POLICY)
    assert isinstance(send, Send)
    assert send.intent == f"take/{TASK_ID}+1/0"
    assert send.call == TakeTasks(tasks=(TASK_ID,), operator=WORKER)
    assert send.message == "take a batch of job 1 shard 0 for 0.001 ETH"


def test_a_task_that_a_batch_has_had_is_taken_under_another_name() -> None:
    again = task_view(task={"batch_id": BATCH_ID})
    (send,) = decide(view(again), POLICY)
    assert isinstance(send, Send) and send.intent == f"take/{TASK_ID}+1/12"


def test_a_delegate_takes_for_its_operator() -> None:
    (send,) = decide(view(task_view(), account=CHALLENGER, operator=WORKER), POLICY)
    assert isinstance(send, Send) and send.call == TakeTasks(tasks=(TASK_ID,), operator=WORKER)


@pytest.mark.parametrize(
    ("task", "policy", "seen", "reason"),
    [
        ({"job": {"reward": 9}}, {"reward_min_wei": 10}, {}, Declined.REWARD),
        (
            {"job": {"reward": 39, "parameters": TWICE_THE_BOND_FOR_TWICE_AS_LONG}},
            {"reward_min_wei": 10},
            {},
            Declined.REWARD,
        ),
        ({"job": {"parameters": TWICE_THE_BOND_FOR_TWICE_AS_LONG}}, {"lock_limit": 3}, {}, Declined.LOCK),
        ({"job": {"asset": TOKEN}}, {}, {}, Declined.ASSET),
        ({"job": {"asset": TOKEN, "reward": 4}}, {"rewards_min": {TOKEN: 5}}, {}, Declined.REWARD),
        ({"job": {"policy": 2}}, {}, {}, Declined.ASSURANCE),
        ({"job": {"is_ready": False}}, {}, {}, Declined.NOT_READY),
        ({"job": {"max_cycles": 11}}, {"cycles_limit": 10}, {}, Declined.CYCLES),
        ({"job": {"input_size": 11}}, {"input_limit_bytes": 10}, {}, Declined.INPUT_SIZE),
        ({"job": {"lease_seconds": 3}}, {}, {}, Declined.LEASE),
        ({"job": {"deadline": NOW + 3}}, {}, {}, Declined.DEADLINE),
        ({"material": LARGE_PROGRAM, "job": {"lease_seconds": 13}}, {}, {}, Declined.LEASE),
        ({"material": LARGE_PROGRAM, "job": {"deadline": NOW + 13}}, {}, {}, Declined.DEADLINE),
        ({"job": {"max_cycles": 10**8, "lease_seconds": 1_000}}, {}, {}, Declined.CLOCK),
        ({"own_run": OwnRun(claimed=CLAIMED, seconds=1_000.0)}, {}, {}, Declined.CLOCK),
        ({"material": Material(stage=MaterialStage.WRONG)}, {}, {}, Declined.MATERIAL_WRONG),
        ({"material": Material(stage=MaterialStage.UNREACHABLE)}, {}, {}, Declined.MATERIAL),
        ({"is_data_gone": True}, {}, {}, Declined.ASSURANCE),
        ({"run_failure": "out of memory"}, {}, {}, Declined.RUN_FAILED),
        ({"distrust": "a self-check failed"}, {}, {}, Declined.DISTRUSTED),
        ({"slowness": "it outlasted a lease"}, {}, {}, Declined.SLOW),
        ({}, {}, {"free_stake_wei": BOND_WEI - 1}, Declined.STAKE),
        ({}, {"active_limit": 0}, {}, Declined.CAPACITY),
        ({}, {}, {"has_room": False}, Declined.CAPACITY),
        ({}, {}, {"struck_count": 1}, Declined.STRUCK),
    ],
)
def test_a_task_is_left_for_a_stated_reason(
    task: dict[str, Any], policy: dict[str, Any], seen: dict[str, Any], reason: Declined
) -> None:
    actions = decide(view(task_view(**task), **seen), replace(POLICY, **policy))
    declined = [action for action in actions if isinstance(action, Decline)]
    assert [action.reason for action in declined] == [reason]
    assert "job 1 shard 0" in declined[0].message
    assert ("truestep worker --stake" in declined[0].message) == (reason is Declined.STAKE)
    assert not any(isinstance(action, Send) for action in actions)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (JUDGED, "start with --member"),
        (
            250,
            "policy 250, which this version does not know; it knows window, kept, validity, audited, drawn",
        ),
    ],
)
def test_policies_are_named_in_words(policy: int, said: str) -> None:
    declined = decide(view(task_view(job={"policy": policy})), POLICY)
    assert any(said in action.message for action in declined if isinstance(action, Decline))


def test_stake_beyond_the_cap_is_not_called_free() -> None:
    """Operators O3: what may be locked is less than what no bond locks."""
    seen = view(task_view(), free_stake_wei=BOND_WEI - 1, capped_wei=3 * 10**18)
    (declined,) = decide(seen, POLICY)
    assert isinstance(declined, Decline) and declined.reason is Declined.STAKE
    said = "3 ETH more are beyond the cap that `truestep operator show` explains"
    assert said in declined.message
    two = [task_view(), task_view()]
    of_committee = why_not_committee(seen, POLICY, two)
    assert of_committee is not None and of_committee.reason is Declined.STAKE
    assert said in of_committee.message


def test_a_job_that_pays_in_a_token_is_taken_if_the_token_was_named() -> None:
    task = task_view(job={"asset": TOKEN, "reward": 5})
    (send,) = decide(view(task), replace(POLICY, rewards_min={TOKEN: 5}))
    assert isinstance(send, Send) and send.message.endswith(f"for 5 units of token {TOKEN}")
    (declined,) = decide(view(task), POLICY)
    assert isinstance(declined, Decline) and f"--asset {TOKEN}=" in declined.message


def test_a_large_program_needs_a_longer_lease_because_its_code_is_slow_at_first() -> None:
    job = replace(JOB, max_cycles=10**7, lease_seconds=60)
    assert is_worth_taking(job, 0, NOW, POLICY)
    assert not is_worth_taking(job, 2 << 20, NOW, POLICY), "or it hides jobs that can be taken"
    (declined,) = decide(view(task_view(material=LARGE_PROGRAM, job={"lease_seconds": 13})), POLICY)
    assert isinstance(declined, Decline)
    assert "may take 14 s here, 10 s of it to compile 2,097,152 bytes of code" in declined.message


def test_a_taken_task_is_left_even_if_its_lease_was_missed() -> None:
    """Its tasks are free when the batch has expired, which is a duty."""
    for operator in (WORKER, CHALLENGER):
        lapsed = taken_view(task={"until": NOW - 1, "operator": operator})
        assert decide(view(lapsed), POLICY) == []
    assert takes(view(task_view(job={"deadline": NOW}))) == []


# --- batches --------------------------------------------------------------------------------------


def test_tasks_are_taken_together_with_neighbours_side_by_side() -> None:
    found = shards(3, job=2) + shards(3, job=1)
    (batch,) = takes(view(*reversed(found), free_stake_wei=RICH_WEI), WIDE)
    assert batch == tuple(task_of(JobId(job), shard) for job in (1, 2) for shard in range(3))
    (send,) = decide(view(*shards(8), free_stake_wei=RICH_WEI), WIDE)
    assert isinstance(send, Send)
    assert send.intent == f"take/{TASK_ID}+8/0"
    assert send.message == "take a batch of 8 shards of job 1 for 0.008 ETH"


def test_a_batch_has_its_limit_and_the_rest_waits_for_the_next_look() -> None:
    seen = view(*shards(8), free_stake_wei=RICH_WEI)
    limited = replace(WIDE, batch_limit=5)
    assert takes(seen, limited) == [tuple(task_of(JobId(1), shard) for shard in range(5))]
    under_way = replace(seen, in_flight=frozenset({f"take/{TASK_ID}+5/0"}))
    assert takes(under_way, limited) == [tuple(task_of(JobId(1), shard) for shard in range(5, 8))]
    assert all(len(batch) == 1 for batch in takes(seen, replace(WIDE, batch_limit=1)))


def test_jobs_of_other_terms_are_in_other_batches() -> None:
    found = [
        *shards(2, job=1),
        *shards(2, job=2),
        *shards(2, job=3, parameters={"operator_bond_wei": 3 * BOND_WEI}),
        *shards(2, job=4, parameters={"window_seconds": 2_000}),
        *shards(2, job=5, parameters={"parameters_id": 2}),
        *[replace(task, job=replace(task.job, asset=TOKEN)) for task in shards(2, job=6)],
    ]
    policy = replace(WIDE, rewards_min={TOKEN: 0})
    batches = takes(view(*found, free_stake_wei=RICH_WEI), policy)
    jobs = [{task_id >> 32 for task_id in batch} for batch in batches]
    assert jobs == [{1, 2, 3}, {4}, {5}, {6}], "a job's bond may be a multiple of its set's"


def test_programs_that_have_not_run_here_share_no_batch() -> None:
    """A stranger's program may fail on purpose, and a batch is given back whole."""

    def of_program(number: int, *, is_proven: bool) -> list[TaskView]:
        return shards(2, job=number, program=number, is_proven=is_proven)

    strangers = [task for number in (1, 2) for task in of_program(number, is_proven=False)]
    known = [task for number in (3, 4) for task in of_program(number, is_proven=True)]
    batches = takes(view(*strangers, *known, free_stake_wei=RICH_WEI), WIDE)
    assert [{task_id >> 32 for task_id in batch} for batch in batches] == [{1}, {2}, {3, 4}]


def test_a_batch_ends_with_its_shortest_lease() -> None:
    """A long task that would fit by itself does not share the lease of a short one."""
    short = task_view(job={"lease_seconds": 10})
    long = task_view(
        task={"task_id": task_of(JobId(2), 0)}, job={"max_cycles": 10**7, "lease_seconds": 1_000}
    )
    assert takes(view(short, long), WIDE) == [(TASK_ID,)]
    assert takes(view(long, short), WIDE) == [(long.task.task_id,)]
    patient = replace(short, job=replace(short.job, lease_seconds=100))
    assert len(takes(view(patient, long), WIDE)[0]) == 2


def test_stake_and_capacity_are_shared_by_all_tasks_of_a_look() -> None:
    # Of tasks whose runs may be long, as many are taken as run at a time; short ones are taken ahead.
    tasks = [replace(task, job=replace(task.job, lease_seconds=10)) for task in shards(4)]
    three = replace(POLICY, active_limit=3)
    assert [len(batch) for batch in takes(view(*tasks), three)] == [3]
    assert [len(batch) for batch in takes(view(*tasks, free_stake_wei=2 * BOND_WEI), three)] == [2]
    under_way = frozenset({f"take/{TASK_ID + 9}+1/0"})
    assert [len(batch) for batch in takes(view(*tasks, in_flight=under_way), three)] == [2]
    two_bonds = view(*tasks, in_flight=under_way, free_stake_wei=2 * BOND_WEI)
    assert [len(batch) for batch in takes(two_bonds, three)] == [1], "one bond is for what is under way"


def test_short_tasks_are_taken_ahead_as_far_as_leases_and_deadlines_allow() -> None:
    policy = replace(POLICY, active_limit=2)
    assert [
        len(batch) for batch in takes(view(*shards(2 * HELD_FACTOR + 4), free_stake_wei=RICH_WEI), policy)
    ] == [2 * HELD_FACTOR]
    seconds = 2 * (2 * POLICY.speed.work_seconds(JOB) + POLICY.speed.sends_seconds)
    for changes in ({"lease_seconds": int(seconds)}, {"deadline": NOW + int(seconds)}):
        tight = [replace(task, job=replace(task.job, **changes)) for task in shards(2 * HELD_FACTOR + 4)]
        assert [len(batch) for batch in takes(view(*tight, free_stake_wei=RICH_WEI), policy)] == [4]
    done = [taken_view(100 + number, own_run=OwnRun(claimed=CLAIMED)) for number in range(9)]
    busy = view(*done, *shards(2 * HELD_FACTOR + 4), free_stake_wei=RICH_WEI)
    assert [len(batch) for batch in takes(busy, policy)] == [2 * HELD_FACTOR], (
        "what was run and waits for its claim to land takes no room"
    )


def test_large_programs_are_not_taken_ahead() -> None:
    policy = replace(POLICY, active_limit=2)
    tasks = [replace(task, job=replace(task.job, lease_seconds=20)) for task in shards(8)]
    large = [replace(task, material=LARGE_PROGRAM) for task in tasks]
    assert [len(batch) for batch in takes(view(*large, free_stake_wei=RICH_WEI), policy)] == [2]
    (batch,) = takes(view(*tasks, free_stake_wei=RICH_WEI), policy)
    assert len(batch) > 2


def test_games_under_way_count_in_the_decision_to_take() -> None:
    job = {"max_cycles": 10**7, "lease_seconds": 1_000}
    disputed = claimed_view(GAME, job=job, is_computing=True)
    another = task_view(job=job, task={"task_id": TaskId(TASK_ID + 1)})
    assert takes(view(another)) == [(TASK_ID + 1,)]
    policy = replace(POLICY, active_limit=1)
    actions = decide(view(*[disputed] * 9, another), policy)
    assert [action.reason for action in actions if isinstance(action, Decline)] == [Declined.CLOCK]


def test_a_program_that_may_write_all_the_memory_needs_a_long_clock_and_a_long_lease() -> None:
    speed = Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1, hashed_pages_per_second=20_000)
    checking = replace(POLICY, speed=replace(speed, checked_segments=10))
    short = task_view(parameters={"clock_seconds": 100})
    long = task_view(parameters={"clock_seconds": 900})
    (declined,) = decide(view(short), replace(POLICY, speed=speed))
    assert isinstance(declined, Decline) and declined.reason is Declined.CLOCK
    assert takes(view(long), replace(POLICY, speed=speed)) == [(TASK_ID,)]
    (declined,) = decide(view(long), checking)
    assert isinstance(declined, Decline) and declined.reason is Declined.LEASE
    patient = replace(long, job=replace(long.job, lease_seconds=450))
    assert takes(view(patient), checking) == [(TASK_ID,)]


@st.composite
def open_tasks(draw: st.DrawFn) -> list[TaskView]:
    """Open tasks of several jobs of unlike terms."""
    made: list[TaskView] = []
    for job in range(1, draw(st.integers(1, 5)) + 1):
        lease_seconds, max_cycles = draw(st.integers(5, 300)), draw(st.integers(1, 10**7))
        multiple, window_seconds = draw(st.integers(1, 3)), draw(st.sampled_from((1_000, 2_000)))
        made += [
            task_view(
                task={"task_id": task_of(JobId(job), shard)},
                job={"lease_seconds": lease_seconds, "max_cycles": max_cycles},
                parameters={"operator_bond_wei": multiple * BOND_WEI, "window_seconds": window_seconds},
            )
            for shard in draw(st.sets(st.integers(0, 40), max_size=12))
        ]
    return draw(st.permutations(made))


@given(
    tasks=open_tasks(),
    bonds=st.integers(0, 30),
    active_limit=st.integers(0, 8),
    batch_limit=st.integers(1, 32),
    held=st.integers(0, 4),
    under_way=st.sets(st.integers(0, 40), max_size=4),
)
def test_batches_keep_to_stake_capacity_terms_and_leases(
    tasks: list[TaskView],
    bonds: int,
    active_limit: int,
    batch_limit: int,
    held: int,
    under_way: set[int],
) -> None:
    policy = replace(POLICY, active_limit=active_limit, batch_limit=batch_limit)
    taken = [taken_view(1_000 + number, batch_id=BatchId(5)) for number in range(held)]
    pending = {task_of(JobId(1), shard) for shard in under_way}
    in_flight = frozenset(f"take/{task_id}+1/0" for task_id in pending)
    seen = view(*taken, *tasks, free_stake_wei=bonds * BOND_WEI, in_flight=in_flight)
    batches = takes(seen, policy)
    known = {task.task.task_id: task for task in tasks}
    chosen = [task_id for batch in batches for task_id in batch]
    assert len(set(chosen)) == len(chosen) and not set(chosen) & pending
    locked = {*chosen, *(pending & known.keys())}
    if chosen:
        assert sum(known[each].job.parameters.operator_bond_wei for each in locked) <= bonds * BOND_WEI
        assert len(chosen) + held + len(pending) <= max(HELD_FACTOR * active_limit, active_limit)
    kinds = [{kind_of(known[task_id]) for task_id in batch} for batch in batches]
    assert all(len(kind) == 1 for kind in kinds), "all of a batch have the same terms"
    assert len({kind for each in kinds for kind in each}) == len(batches), "one batch of a kind in a look"
    speed = policy.speed
    for batch in batches:
        assert list(batch) == sorted(batch) and len(batch) <= batch_limit
        run_seconds = sum(speed.work_seconds(known[task_id].job) for task_id in batch) / active_limit
        shortest = min(known[task_id].job.lease_seconds for task_id in batch)
        assert run_seconds + speed.sends_seconds <= shortest
        assert all(known[task_id].task.stage is TaskStage.OPEN for task_id in batch)


@pytest.mark.parametrize(
    ("proof_seconds", "waiting", "taken"), [(0, 0, 8), (10, 0, 5), (10, 3, 2), (51, 0, 0)]
)
def test_no_more_claims_are_taken_than_can_be_proven_in_their_window(
    proof_seconds: float, waiting: int, taken: int
) -> None:
    """Runs are short, proofs are long and made one after the other: a stranger posts many jobs at once."""
    program, size, window = ProgramId(1), JOB.input_size, replace(PARAMETERS, window_seconds=100)
    changes = {"policy": VALIDITY, "shard_count": 1, "program_id": program, "parameters": window}
    key = Bytes32(b"k" * 32)
    policy = replace(
        WIDE,
        circuits={key: size},
        proving_entries={program: (replace(ENTRY, key_digest=key),)},
        proof_seconds=proof_seconds,
        proofs_waiting=waiting,
    )
    tasks = [task_view(task={"task_id": task_of(JobId(job), 0)}, job=changes) for job in range(1, 9)]
    seen = view(*tasks, free_stake_wei=RICH_WEI)
    assert sum(map(len, takes(seen, policy))) == taken
    said = [each.message for each in decide(seen, policy) if isinstance(each, Decline)]
    assert len(said) == 8 - taken and all("one after the other" in message for message in said)
    assert sum(map(len, takes(seen, replace(policy, takes_unproven=True)))) == 8
