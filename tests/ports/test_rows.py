"""Rows of every type that is kept: back whole, or refused with what to do."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from json import dumps, loads
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truestep.base.errors import Bug, Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.ports.rows import RowCodec, by_name
from truestep.protocol.events import ChainEvent
from truestep.roles.views import OwnRun, Reveal

EXTREMES = (0, 1, 2**32, 2**53 + 1, 2**64 - 1, 2**128, 2**256 - 1, -1)
TEXTS = ("", "\x00", "\ud800", "\udfff\ud800", "é", "\U0010ffff", '"\\', "\u2028", "0x", "null")
EVENT_ROWS: RowCodec[ChainEvent] = RowCodec(by_name(*get_args(ChainEvent)))


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    label: str = ""
    colour: Colour = Colour.RED
    above: Point | None = None


def of_type(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type that rows may hold, extreme ones often."""
    if kind is Bytes32:
        return st.binary(min_size=32, max_size=32)
    if hasattr(kind, "__supertype__"):
        return of_type(kind.__supertype__)
    if get_origin(kind) is tuple:
        return st.lists(of_type(get_args(kind)[0]), max_size=3).map(tuple)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of([of_type(each) for each in get_args(kind)])
    if kind is NoneType:
        return st.none()
    if kind is int:
        return st.sampled_from(EXTREMES) | st.integers()
    if kind is str:
        return st.sampled_from(TEXTS) | st.text(st.characters(exclude_categories=()))
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind in (bool, bytes):
        return st.from_type(kind)
    if hasattr(kind, "__members__"):
        return st.sampled_from(list(kind))
    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: of_type(hints[field.name]) for field in fields(kind)})


ANY_EVENT = st.one_of([of_type(kind) for kind in get_args(ChainEvent)])


@pytest.mark.parametrize("kind", get_args(ChainEvent), ids=lambda kind: kind.__name__)
@settings(max_examples=25)
@given(draw=st.data())
def test_every_event_comes_back_whole(kind: type[ChainEvent], draw: st.DataObject) -> None:
    event = draw.draw(of_type(kind))
    row = EVENT_ROWS.to_row(event)
    back = EVENT_ROWS.from_row(row)
    assert (back, repr(back)) == (event, repr(event))
    assert row.isascii()


@given(draw=st.data())
def test_results_come_back_whole(draw: st.DataObject) -> None:
    runs = RowCodec[OwnRun](by_name(OwnRun))
    run = draw.draw(of_type(OwnRun))
    assert repr(runs.from_row(runs.to_row(run))) == repr(run)
    reveals = RowCodec[dict[int, Reveal]]({"reveals": dict[int, Reveal]})
    kept = {draw.draw(of_type(int)): draw.draw(of_type(Reveal))}
    assert reveals.from_row(reveals.to_row(kept)) == kept


@given(draw=st.data())
def test_what_from_row_would_refuse_is_never_written(draw: st.DataObject) -> None:
    """Any value of any type in any field: either a row that is read back equal, or no row."""
    strange = st.one_of(st.none(), st.integers(), st.binary(), st.text(), st.floats(), st.booleans())
    event = draw.draw(ANY_EVENT)
    name = draw.draw(st.sampled_from([field.name for field in fields(event)]))
    object.__setattr__(event, name, draw.draw(strange))
    try:
        row = EVENT_ROWS.to_row(event)
    except Bug:
        return
    assert EVENT_ROWS.from_row(row) == event


def test_a_number_in_the_place_of_bytes_is_not_as_many_zeros() -> None:
    size_bytes: Any = 2**62
    reveal = Reveal(after=size_bytes, cycles=1, memory_root=Bytes32(bytes(32)))
    with pytest.raises(Bug, match="expected bytes, got 4611686018427387904"):
        RowCodec[Reveal](by_name(Reveal)).to_row(reveal)


@given(row=st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(dumps))
def test_no_text_does_worse_than_be_refused(row: str) -> None:
    with pytest.raises(Rejected) as refusal:
        EVENT_ROWS.from_row(row)
    assert refusal.value.reason is Reject.STORE_FILE


@given(draw=st.data())
def test_a_damaged_row_is_refused_or_another_value(draw: st.DataObject) -> None:
    row = EVENT_ROWS.to_row(draw.draw(ANY_EVENT))
    position = draw.draw(st.integers(0, len(row) - 1))
    damaged = row[:position] + draw.draw(st.text(max_size=3)) + row[position + 1 :]
    try:
        event = EVENT_ROWS.from_row(damaged)
    except Rejected as error:
        assert "Nothing was changed" in str(error)
    else:
        assert EVENT_ROWS.from_row(EVENT_ROWS.to_row(event)) == event


POINTS: RowCodec[Point] = RowCodec(by_name(Point))


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"kind": "Cube"},
        {"value": {"x": 1, "y": 2}},
        {"value": {"x": 1, "above": {"x": 1, "y": 2}}},
    ],
)
def test_a_row_of_a_newer_release_says_what_to_do(change: dict[str, Any]) -> None:
    row = dumps({"version": 1, "kind": "Point", "value": {"x": 1}} | change)
    with pytest.raises(Rejected, match="newer release: install that one again"):
        POINTS.from_row(row)


def test_fields_that_have_a_default_may_be_missing() -> None:
    assert POINTS.from_row(dumps({"version": 1, "kind": "Point", "value": {"x": 1}})) == Point(x=1)


def test_rows_of_every_older_version_are_lifted() -> None:
    def name_x(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"value": {"x": row["value"]["abscissa"]}}

    def add_label(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"value": row["value"] | {"label": "old"}}

    codec = RowCodec[Point](by_name(Point), version=3, upgrades=(name_x, add_label))
    old = {1: {"abscissa": 5}, 2: {"x": 5}, 3: {"x": 5, "label": "old"}}
    points = [
        codec.from_row(dumps({"version": number, "kind": "Point", "value": value}))
        for number, value in old.items()
    ]
    assert points == [Point(x=5, label="old")] * 3
    assert loads(codec.to_row(points[0]))["version"] == 3
    with pytest.raises(Bug):
        RowCodec(by_name(Point), version=3, upgrades=(name_x,))
