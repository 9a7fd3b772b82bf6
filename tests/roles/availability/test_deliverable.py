"""A worker takes jobs whose outputs it can have kept, with keepers or without, and says what it risks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.roles.availability.test_delivery import RULES
from tests.roles.views import BOND_WEI, CLAIMED, REQUESTER, WORKER, taken_view, task_view, view
from truestep.base.ids import Address, JobId, TaskId, task_of
from truestep.protocol.calls import ReleaseBatch, SubmitClaims, TakeTasks
from truestep.protocol.deployment.availability import POLICY as KEPT
from truestep.roles.actions import Action, Decline, Declined, Send
from truestep.roles.availability.delivery import DeliveryPolicy
from truestep.roles.estimates import Speed
from truestep.roles.views import KeepingView, OwnRun, TaskView, View
from truestep.roles.worker import WorkerPolicy, decide

DELIVERY = DeliveryPolicy(url="https://items.example.org")
POLICY = WorkerPolicy(
    active_limit=64, speed=Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1), delivery=DELIVERY
)
WRITER = POLICY
RICH_WEI = 1_000 * BOND_WEI
NO_WRITER = replace(POLICY, delivery=replace(DELIVERY, writes_small=False))


def shards(count: int, output_bytes: int | None, job: int = 1, **changes: Any) -> list[TaskView]:
    """Open tasks of a job under the policy *kept*."""
    changes["job"] = changes.get("job", {}) | {"policy": KEPT}
    return [
        task_view(task={"task_id": task_of(JobId(job), shard)}, output_bytes=output_bytes, **changes)
        for shard in range(count)
    ]


def seen(*tasks: TaskView, keepers: int = 0, **changes: Any) -> View:
    """A network with so many keepers."""
    keeping = KeepingView(policy=KEPT, rules=RULES, keeper_count=keepers, undelivered_count=0)
    return view(*tasks, keeping=keeping, **changes)


def taken(actions: list[Action]) -> list[tuple[TaskId, ...]]:
    """The tasks of each batch."""
    calls = [action.call for action in actions if isinstance(action, Send)]
    return [call.tasks for call in calls if isinstance(call, TakeTasks)]


def declined(actions: list[Action]) -> list[Declined]:
    """Why others are left."""
    return [action.reason for action in actions if isinstance(action, Decline)]


def test_without_keepers_a_task_of_unknown_size_is_taken_alone_and_the_risk_is_said() -> None:
    actions = decide(seen(*shards(3, None)), WRITER)
    assert [len(batch) for batch in taken(actions)] == [1]
    assert not taken(decide(seen(taken_view(job={"policy": KEPT}), *shards(3, None)[1:]), WRITER)), (
        "one first"
    )
    (send,) = (each for each in actions if isinstance(each, Send))
    on_its_way = frozenset({send.intent})
    assert not taken(decide(seen(*shards(3, None), in_flight=on_its_way), WRITER))
    assert "if it has more than 24,576 bytes" in send.message
    assert "0.01 ETH at once, up to 0.1 ETH at the end of its lease" in send.message


def test_without_keepers_known_outputs_are_taken_as_far_as_they_fit_together() -> None:
    actions = decide(seen(*shards(40, 800), free_stake_wei=RICH_WEI), WRITER)
    assert [len(batch) for batch in taken(actions)] == [30], "31 times 25 leaves are more than 24 KiB"
    assert not any("nobody knows" in each.message for each in actions if isinstance(each, Send))
    empty = decide(seen(*shards(40, 0), free_stake_wei=RICH_WEI), WRITER)
    assert [len(batch) for batch in taken(empty)] == [32]


def test_without_keepers_large_outputs_are_left() -> None:
    actions = decide(seen(*shards(2, 24_577)), WRITER)
    assert not taken(actions) and declined(actions) == [Declined.OUTPUTS] * 2
    (first, _) = (each for each in actions if isinstance(each, Decline))
    assert "the network has 0 keepers, too few, and the chain takes 24,576 bytes" in first.message
    assert taken(decide(seen(*shards(2, 24_577), keepers=2), WRITER)), "keepers take them"


def test_who_writes_nothing_takes_nothing_without_keepers() -> None:
    actions = decide(seen(*shards(1, 8)), NO_WRITER)
    assert not taken(actions) and declined(actions) == [Declined.OUTPUTS]
    assert taken(decide(seen(*shards(1, 8), wallet_wei=0), WRITER)), "calldata takes no bond"


def test_what_turns_out_too_large_is_given_back_and_what_fits_is_claimed() -> None:
    for size, call in ((24_576, SubmitClaims), (24_577, ReleaseBatch)):
        run = OwnRun(claimed=replace(CLAIMED, output_size=size))
        mine = taken_view(own_run=run, job={"policy": KEPT})
        sends = [each.call for each in decide(seen(mine), WRITER) if isinstance(each, Send)]
        assert [type(each) for each in sends] == [call]


def test_jobs_of_two_requesters_are_in_one_batch_unless_their_data_is_kept() -> None:
    other = Address("0x" + "77" * 20)
    assert REQUESTER != other != WORKER
    for policy, count in ((KEPT, 2), (1, 1)):
        tasks = [
            replace(task, job=replace(task.job, policy=policy, requester=requester), is_proven=True)
            for number, requester in ((1, REQUESTER), (2, other))
            for task in shards(1, 8, job=number)
        ]
        assert len(taken(decide(seen(*tasks, keepers=4), WRITER))) == count
