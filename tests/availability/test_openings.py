"""Openings of elements, and the leaves that they show."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.availability.items import KZG, made
from truestep.availability.openings import is_opening_right, leaf_of_openings, leaf_openings, open_element
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32

LAYOUT = made().manifest.layout


@given(st.sampled_from([(0, 0), (0, 30), (0, 31), (0, 3967), (0, 3968), (0, 3999), (1, 4), (2, 500)]))
@settings(max_examples=8)
def test_a_leaf_is_shown_by_two_openings(place: tuple[int, int]) -> None:
    part_index, leaf = place
    openings = leaf_openings(KZG, LAYOUT, part_index, leaf, made().blob)
    for opening in openings:
        commitment = made().manifest.commitments[opening.blob]
        assert is_opening_right(KZG, commitment, opening)
        assert not is_opening_right(KZG, commitment, replace(opening, element=opening.element ^ 1))
        assert not is_opening_right(KZG, commitment, replace(opening, y=Bytes32(b"\xff" * 32)))
        assert not is_opening_right(KZG, commitment, replace(opening, proof=b""))
    start = 32 * (leaf - LAYOUT.parts[part_index].first_leaf)
    content = made().contents[part_index][start : start + 32].ljust(32, b"\0")
    assert leaf_of_openings(LAYOUT, part_index, leaf, openings) == content


def test_openings_of_others_show_nothing() -> None:
    first, second = leaf_openings(KZG, LAYOUT, 0, 5, made().blob)
    for openings in ((second, first), (first,), (first, second, second), (first, replace(second, blob=1))):
        with pytest.raises(Rejected) as caught:
            leaf_of_openings(LAYOUT, 0, 5, openings)
        assert caught.value.reason == Reject.ITEM_LAYOUT
    large = replace(second, y=Bytes32(b"\1" + second.y[1:]))
    with pytest.raises(Rejected, match="element 6 of blob 0 is not") as caught:
        leaf_of_openings(LAYOUT, 0, 5, (first, large))
    assert caught.value.reason == Reject.ELEMENT_TOO_LARGE


def test_an_element_is_opened_at_its_point() -> None:
    opening = open_element(KZG, made().blob(1), 1, 9)
    assert opening.y == made().blob(1)[9 * 32 : 10 * 32]
    assert (opening.blob, opening.element) == (1, 9)
