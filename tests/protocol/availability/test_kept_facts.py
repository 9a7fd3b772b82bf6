"""What nodes know of kept jobs and batches by events alone is what the contracts know."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from tests.protocol.availability.kept_echoes import KeptEcho, check_due, check_facts
from truestep.protocol.availability.kept import HANDLERS
from truestep.protocol.settlement.facts.fold import TIMED, fold, fold_with_gaps
from truestep.protocol.settlement.tasks.telling import fold_told

DUE_EACH = 10


def play(seed: int, steps: int) -> tuple[KeptEcho, Counter[str]]:
    """An episode, checked after each step."""
    echo, tally = KeptEcho(seed), Counter[str]()
    try:
        for number in range(steps):
            tally[echo.play()] += 1
            check_facts(echo)
            if number % DUE_EACH == 0:
                check_due(echo)
    except BaseException as error:
        error.add_note(f"seed {seed}, step {tally.total()}")
        raise
    return echo, tally


@pytest.mark.parametrize("seed", range(4))
def test_facts_agree_and_what_they_make_is_accepted(seed: int) -> None:
    echo, _ = play(seed, 500)
    rng, facts, place = Random(seed), echo.nothing, 0
    timeless = [each if type(each.event) in TIMED else replace(each, time=0) for each in echo.logs]
    while place < len(timeless):
        size = rng.choice((1, 3, 50))
        facts, place = fold(facts, timeless[place : place + size]), place + size
    assert facts == echo.facts


def test_episodes_reach_every_call() -> None:
    total = Counter[str]()
    for seed in range(20, 24):
        total += play(seed, 700)[1]
    assert {kind.__name__ for kind in HANDLERS} <= {*total}


@pytest.mark.parametrize("seed", range(10))
def test_missing_events_do_no_harm(seed: int) -> None:
    rng = Random(seed)
    echo, _ = play(40 + seed % 2, 300)
    left = [logged for logged in echo.logs if rng.random() >= 0.03]
    facts, _ = fold_with_gaps(echo.nothing, left)
    assert fold_told(echo.nothing, left).facts == facts
    assert all(item.needed_by >= 0 for item in facts.data.items.values())
    assert facts.kept.supplied.keys() <= facts.jobs.keys()
    assert facts.kept.batches.keys() <= facts.batches.keys()
    assert {batch_id for batch_id, _ in facts.kept.holds} <= facts.batches.keys()
