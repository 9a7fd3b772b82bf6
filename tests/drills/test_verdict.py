"""A verdict counts every wei: whoever is to blame has lost what it must, nobody else anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truestep.drills.verdict import Outcome, Verdict

GOOD = Verdict(
    happened="a keeper vanished and was slashed",
    guilty={"keeper": 80},
    honest={"watcher": 40},
    changes={"keeper": -80, "watcher": 40, "requester": 0},
    facts={"the item is kept": True},
)


def test_exactly_what_is_due_passes() -> None:
    assert (GOOD.is_slashed, GOOD.is_made_whole, GOOD.complaints()) == (True, True, [])
    fields = Outcome(name="one", verdict=GOOD, trouble="", seconds=1.23456).fields
    assert (fields["outcome"], fields["slashed"], fields["made_whole"], fields["seconds"]) == (
        "passed",
        True,
        True,
        1.235,
    )


@pytest.mark.parametrize(
    ("changes", "is_slashed", "is_made_whole"),
    [
        ({"keeper": 0}, False, True),
        ({"keeper": -79}, False, True),
        ({"keeper": -81}, False, True),
        ({"watcher": 39}, True, False),
        ({"watcher": 41}, True, False),
        ({"requester": -1}, True, False),
        ({"requester": 1}, True, False),
    ],
)
def test_one_wei_more_or_less_fails(changes: dict[str, int], is_slashed: bool, is_made_whole: bool) -> None:
    verdict = replace(GOOD, changes={**GOOD.changes, **changes})
    assert (verdict.is_slashed, verdict.is_made_whole) == (is_slashed, is_made_whole)
    [complaint] = verdict.complaints()
    assert next(iter(changes)) in complaint
    assert Outcome(name="one", verdict=verdict, trouble="", seconds=0).fields["outcome"] == "failed"


def test_nobody_to_blame_and_false_facts_fail() -> None:
    nobody = replace(GOOD, guilty={}, honest={"watcher": 40}, changes={"watcher": 40})
    assert not nobody.is_slashed
    assert nobody.complaints() == ["nobody was found responsible"]
    lost = replace(GOOD, facts={"the item is kept": False})
    assert lost.complaints() == ["it is not so that the item is kept"]
    assert not replace(GOOD, honest={"watcher": -40}, changes={**GOOD.changes, "watcher": -40}).is_made_whole


def test_a_drill_without_an_end_fails() -> None:
    fields = Outcome(name="one", verdict=None, trouble="nobody challenges", seconds=9).fields
    assert (fields["outcome"], fields["slashed"], fields["made_whole"]) == ("failed", False, False)
    assert fields["complaints"] == ["nobody challenges"]
