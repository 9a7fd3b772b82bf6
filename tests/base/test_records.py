"""Records: values of named fields, made and changed quickly."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import field, fields, replace

import pytest

from truestep.base.errors import Bug
from truestep.base.records import changed, nothing, record
from truestep.protocol.settlement.records import Stake


@record
class Parcel:
    """A record with all kinds of fields."""

    weight: int
    label: str = ""
    seconds: float = field(default=0.0, compare=False)
    contents: Mapping[str, int] = field(default_factory=nothing)


@record
class Single:
    """A record of one field."""

    number: int


def test_records_are_equal_and_hashed_by_their_fields() -> None:
    stakes = {Stake(stake_wei=5), Stake(stake_wei=5), Stake(stake_wei=6)}
    assert len(stakes) == 2
    assert Parcel(weight=1, seconds=1.0) == Parcel(weight=1, seconds=2.0)
    assert Parcel(weight=1) != Parcel(weight=2)
    assert repr(Single(number=1)) == "Single(number=1)"


def test_records_have_no_other_fields_and_take_keywords_alone() -> None:
    made = Parcel(weight=1)
    assert [each.name for each in fields(Parcel)] == ["weight", "label", "seconds", "contents"]
    assert not hasattr(made, "__dict__")
    assert made.contents == {}
    with pytest.raises(TypeError):
        Single(1)  # pyright: ignore[reportCallIssue]


def test_records_go_to_other_processes() -> None:
    stake = Stake(stake_wei=5, locked_wei=3)
    assert pickle.loads(pickle.dumps(stake)) == stake


def test_a_changed_record_is_what_replace_makes_of_it() -> None:
    stake = Stake(stake_wei=5, locked_wei=3)
    assert changed(stake, locked_wei=4) == replace(stake, locked_wei=4)
    assert stake == Stake(stake_wei=5, locked_wei=3)
    assert changed(Single(number=1), number=2) == Single(number=2)
    assert changed(Parcel(weight=1, seconds=3.0), label="a").seconds == 3.0
    with pytest.raises(Bug, match="expected fields of Stake"):
        changed(stake, locked=4)
