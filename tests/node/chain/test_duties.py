"""Duties are asked for when something can have become due, and not at each look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from truestep.base.ids import Bytes32, JobId, TaskId, task_of
from truestep.node.chain.duties import AGAIN_SECONDS, Duties
from truestep.node.chain.ledger import Changes
from truestep.ports.chain import Head
from truestep.protocol.calls import NOBODY
from truestep.protocol.settlement.facts.due import Action
from truestep.protocol.settlement.tasks.duties import Duty

DUTY = Duty(action=Action.CANCEL, call=None, beneficiary=NOBODY, job_id=JobId(3))


@dataclass
class Asked:
    """The part of `Chain` that lists duties."""

    duty_count: int = 1
    seconds: list[int] = field(default_factory=list[int])

    def duties(self, now: int) -> tuple[Duty, ...]:
        self.seconds.append(now)
        return (DUTY,) * self.duty_count


def head(number: int) -> Head:
    return Head(number=number, hash=Bytes32(number.to_bytes(32, "big")), time_seconds=number)


def changed(*tasks: TaskId) -> Changes:
    return Changes(tasks=frozenset(tasks), jobs=frozenset())


def test_a_look_without_a_new_block_asks_nothing() -> None:
    chain = Asked()
    duties = Duties(cast(Any, chain))
    for now in (100, 101, 100 + 10 * AGAIN_SECONDS):
        assert duties.at(head(1), now) == (DUTY,)
    assert chain.seconds == [100]


def test_new_blocks_are_asked_about_some_seconds_apart() -> None:
    chain = Asked()
    duties = Duties(cast(Any, chain))
    for number in range(2 * AGAIN_SECONDS + 1):
        duties.at(head(number), 100 + number)
    assert chain.seconds == [100, 100 + AGAIN_SECONDS, 100 + 2 * AGAIN_SECONDS]


def test_a_change_of_a_disputed_task_is_asked_about_at_once() -> None:
    """Its claim may have been struck: then it has to show, and no other block may come soon."""
    chain, task_id = Asked(duty_count=0), task_of(JobId(4), 0)
    duties = Duties(cast(Any, chain))
    duties.at(head(1), 100)
    for number, tasks in enumerate(((TaskId(task_id + 1),), (task_id,)), start=2):
        duties.take_in(changed(*tasks), {task_id})
        duties.at(head(number), 99 + number)
    assert chain.seconds == [100, 102]


def test_what_may_be_done_by_now_is_asked_about_at_once() -> None:
    """Else what somebody else has done is sent, and refused."""
    chain = Asked()
    duties = Duties(cast(Any, chain))
    duties.at(head(1), 100)
    duties.take_in(changed(task_of(JobId(4), 0)))
    duties.at(head(2), 101)
    assert chain.seconds == [100]
    duties.take_in(changed(task_of(JobId(3), 7)))
    chain.duty_count = 0
    assert duties.at(head(3), 102) == ()
    assert chain.seconds == [100, 102]
