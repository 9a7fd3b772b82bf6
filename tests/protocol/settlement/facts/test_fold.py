"""Facts do not depend on how they were read, nor on most times; what is over leaves them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from random import Random

import pytest

from tests.protocol.settlement.facts.echoes import Echo
from tests.protocol.settlement.facts.finished_tasks import finished_tasks
from tests.protocol.settlement.world import DEPLOYMENT, REQUESTERS
from truestep.base.errors import Bug, Reject
from truestep.base.ids import Address, BatchId
from truestep.protocol.settlement.facts import job_calls
from truestep.protocol.settlement.facts.audit_events import HANDLERS as AUDIT_HANDLERS
from truestep.protocol.settlement.facts.data_events import HANDLERS as DATA_HANDLERS
from truestep.protocol.settlement.facts.fold import HANDLERS, TIMED, fold
from truestep.protocol.settlement.facts.lot_events import HANDLERS as LOT_HANDLERS
from truestep.protocol.settlement.facts.proof_events import HANDLERS as PROOF_HANDLERS
from truestep.protocol.settlement.facts.quorum_events import HANDLERS as QUORUM_HANDLERS
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Caller
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.tasks.telling import fold_told

NOTHING = Facts(deployment=DEPLOYMENT)


@cache
def story(seed: int) -> tuple[Logged, ...]:
    """The events of a schedule with games."""
    echo = Echo(seed)
    for _ in range(500):
        echo.play()
    return tuple(echo.logs)


@pytest.mark.parametrize("keeps", [None, frozenset(REQUESTERS[:1]), frozenset()], ids=["all", "one", "none"])
def test_facts_do_not_depend_on_how_the_chain_is_read(keeps: frozenset[Address] | None) -> None:
    rng, logs = Random(1), story(1)
    start = replace(NOTHING, keeps=keeps)
    at_once, facts, position = fold(start, logs), start, 0
    while position < len(logs):
        size = rng.choice((1, 1, 3, 50))
        facts, position = fold(facts, logs[position : position + size]), position + size
    assert facts == at_once


def test_old_facts_never_change() -> None:
    logs = story(2)
    half = fold(NOTHING, logs[: len(logs) // 2])
    again = fold(NOTHING, logs[: len(logs) // 2])
    fold(half, logs[len(logs) // 2 :])
    assert half == again


@pytest.mark.parametrize("seed", range(3))
def test_only_some_events_need_the_time_of_their_block(seed: int) -> None:
    logs = story(seed)
    timeless = [logged if type(logged.event) in TIMED else replace(logged, time=0) for logged in logs]
    assert fold_told(NOTHING, timeless) == fold_told(NOTHING, logs)


def test_events_out_of_order_are_bugs() -> None:
    logs = story(1)
    with pytest.raises(Bug, match="expected an event after"):
        fold(NOTHING, [logs[1], logs[0]])


def test_stories_have_most_events() -> None:
    seen = {type(logged.event) for seed in (1, 2, 3) for logged in story(seed)}
    others = DATA_HANDLERS.keys() | PROOF_HANDLERS.keys() | QUORUM_HANDLERS.keys()
    others |= AUDIT_HANDLERS.keys() | LOT_HANDLERS.keys()
    assert len(seen) >= len(HANDLERS.keys() - others) - 4


# --- memory ---------------------------------------------------------------------------------------


def test_finished_tasks_leave_the_facts() -> None:
    facts = fold(replace(NOTHING, keeps=frozenset()), finished_tasks(2_000))
    assert not any((facts.jobs, facts.batches, facts.outcomes))
    wanted = fold(NOTHING, finished_tasks(256))
    assert len(wanted.batches) == 256
    claim_id = claim_of(BatchId(7), 0)
    caller = Caller(account=REQUESTERS[0], now=2**31)
    assert job_calls.write_out(facts, caller, claim_id) is Reject.OVER
    written = fold(NOTHING, finished_tasks(256, is_written=True))
    assert not any((written.jobs, written.batches, written.outcomes))
