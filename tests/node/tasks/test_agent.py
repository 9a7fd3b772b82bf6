"""Tests of what an agent lets go on, and of what it says once."""

from dataclasses import replace

from tests.e2e.network import Log, ManualClock
from tests.roles.views import JOB, TASK, TASK_ID
from truestep.base.ids import Address
from truestep.node.tasks.agent import useful_and_late
from truestep.node.tasks.words import ALERT_AGAIN_SECONDS, Words
from truestep.protocol.records import TaskStage
from truestep.roles.actions import Agree, Alert

OPERATOR, OTHER = Address("0x" + "1" * 40), Address("0x" + "2" * 40)


def test_a_member_runs_what_another_has_taken_until_the_lease_is_over() -> None:
    """Else each look would end the run and begin it anew, and a long one would never be committed to."""
    taken = replace(TASK, stage=TaskStage.TAKEN, operator=OTHER, until=100)
    assert useful_and_late([taken], 100, OPERATOR) == ({TASK_ID}, set())
    assert useful_and_late([taken], 101, OPERATOR) == (set(), set()), "no penalty of one's own"


def test_an_own_lease_that_is_over_ends_the_run() -> None:
    taken = replace(TASK, stage=TaskStage.TAKEN, operator=OPERATOR, until=100)
    assert useful_and_late([taken], 100, OPERATOR) == ({TASK_ID}, set())
    assert useful_and_late([taken], 101, OPERATOR) == (set(), {TASK_ID})


def test_a_claim_is_worth_its_work_and_an_open_task_is_not() -> None:
    claimed = replace(TASK, stage=TaskStage.CLAIMED, operator=OTHER, until=100)
    assert useful_and_late([claimed], 200, OPERATOR) == ({TASK_ID}, set())
    assert useful_and_late([TASK], 0, OPERATOR) == (set(), set())


def test_that_a_claim_is_true_is_said_once() -> None:
    log = Log()
    words = Words(log, ManualClock())
    agree = Agree(task_id=TASK_ID, message="the claim is true")
    for _ in range(3):
        words.agree(agree)
    assert log.kinds() == ["agreed"]
    words.forget_except({JOB.job_id})
    words.agree(agree)
    assert log.kinds() == ["agreed"], "its job lives"
    words.forget_except(set())
    words.agree(agree)
    assert log.kinds() == ["agreed", "agreed"]


def test_an_alert_that_lasts_is_said_again() -> None:
    log, clock = Log(), ManualClock()
    words = Words(log, clock)
    for _ in range(2):
        words.alert(Alert(kind="unchecked", message="late"))
    clock.sleep(ALERT_AGAIN_SECONDS)
    words.alert(Alert(kind="unchecked", message="late"))
    assert log.kinds() == ["unchecked", "unchecked"]
