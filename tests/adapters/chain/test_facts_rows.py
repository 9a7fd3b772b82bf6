"""A checkpoint of facts is read as it was written, or refused."""

from __future__ import annotations

from dataclasses import replace
from json import dumps, loads

import pytest

from tests.protocol.availability.kept_echoes import KeptEcho
from tests.protocol.settlement.facts.echoes import Echo
from tests.protocol.settlement.facts.episodes import play
from tests.protocol.settlement.facts.finished_tasks import standing_batches
from tests.protocol.settlement.world import DEPLOYMENT, REQUESTERS
from truestep.adapters.chain.facts_rows import facts_from_row, facts_to_row
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, JobId
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts, Logged

ROW_LIMIT_BYTES = 6 * 10**6
NOTHING = Facts(deployment=DEPLOYMENT)


def check_round_trip(facts: Facts) -> None:
    """What is read is what was written, and goes on as that would."""
    row = facts_to_row(facts)
    again = facts_from_row(row, facts)
    assert again == facts
    assert facts_to_row(again) == row


@pytest.mark.parametrize("keeps", [None, frozenset(REQUESTERS), frozenset()], ids=["all", "some", "none"])
def test_facts_of_schedules_are_read_as_they_were_written(keeps: frozenset[Address] | None) -> None:
    echo = Echo(3)
    for _ in range(300):
        echo.play()
    for logs in (tuple(echo.logs), tuple(play(4, 100).logs)):
        check_round_trip_on_the_way(replace(NOTHING, keeps=keeps), logs)


def test_facts_of_kept_jobs_are_read_as_they_were_written() -> None:
    echo = KeptEcho(5)
    for _ in range(300):
        echo.play()
    check_round_trip_on_the_way(echo.nothing, tuple(echo.logs))
    without = replace(echo.nothing, keeping=None)
    with pytest.raises(Rejected, match="it is of the deployment"):
        facts_from_row(facts_to_row(echo.facts), without)


def check_round_trip_on_the_way(facts: Facts, logs: tuple[Logged, ...]) -> None:
    """Every 40 events; what was read is what the next events are folded into."""
    check_round_trip(facts)
    at_once = fold(facts, logs)
    for start in range(0, len(logs), 40):
        facts = fold(facts, logs[start : start + 40])
        check_round_trip(facts)
        facts = facts_from_row(facts_to_row(facts), facts)
    assert facts == at_once


def test_a_job_has_a_bit_for_each_of_many_shards() -> None:
    """Python writes no integer of more than 4,300 decimal digits."""
    facts = fold(NOTHING, standing_batches(1, 1))
    known = facts.jobs[JobId(1)]
    many = replace(known, job=replace(known.job, standing=1 << 65_534), final=1 << 65_533)
    check_round_trip(replace(facts, jobs={JobId(1): many}))


def test_three_thousand_batches_are_a_row_of_bounded_size() -> None:
    row = facts_to_row(fold(NOTHING, standing_batches(3_000, 1)))
    assert len(row) < ROW_LIMIT_BYTES


def test_rows_of_other_releases_and_deployments_are_refused() -> None:
    row = facts_to_row(NOTHING)
    other = Facts(deployment=replace(DEPLOYMENT, chain_id=DEPLOYMENT.chain_id + 1))
    with pytest.raises(Rejected, match="it is of the deployment") as refusal:
        facts_from_row(row, other)
    assert refusal.value.reason is Reject.STORE_FILE
    _, chain, values = loads(row)
    with pytest.raises(Rejected, match="another release has written it"):
        facts_from_row(dumps(["0:00000000", chain, values]), NOTHING)


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", "cut", "text for a number", "a field too many"])
def test_damaged_rows_are_refused(damage: str) -> None:
    row = facts_to_row(fold(NOTHING, standing_batches(2, 3)))
    form, chain, values = loads(row)
    damaged = {
        "cut": row[:-40],
        "text for a number": dumps([form, chain, [*values[:2], "two", *values[3:]]]),
        "a field too many": dumps([form, chain, [*values, []]]),
    }
    with pytest.raises(Rejected, match="read the chain again") as refusal:
        facts_from_row(damaged.get(damage, damage), NOTHING)
    assert refusal.value.reason is Reject.STORE_FILE
