"""No two sections share an address."""

from __future__ import annotations

import pytest

from truestep.base.errors import Bug
from truestep.guest.objects import Section
from truestep.guest.placement import check_placement

CODE = Section(name=".text", kind=1, flags=6, address=0x10000, offset=0, size_bytes=16)


def variables(name: str, address: int, size_bytes: int) -> Section:
    return Section(name=name, kind=8, flags=3, address=address, offset=0, size_bytes=size_bytes)


def test_neighbours_and_what_is_not_in_memory_pass() -> None:
    empty = variables(".tdata", 0x20000000, 0)
    comment = Section(name=".comment", kind=1, flags=0, address=0, offset=0, size_bytes=9)
    beside = [variables(".data", 0x20000000, 4), variables(".bss", 0x20000004, 4)]
    check_placement([CODE, comment, empty, *beside])


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        (
            [variables(".data", 0x20000000, 4), variables(".tdata", 0x20000000, 4)],
            "the sections .data and .tdata share addresses from 0x20000000",
        ),
        ([variables("mine", 0x10010, 4)], "expected the section mine in 0x20000000..0x80000000, got 0x10010"),
        ([variables("mine", 0x7FFFFFFE, 4)], "expected the section mine in 0x20000000..0x80000000"),
    ],
)
def test_what_would_give_wrong_results_is_a_bug(sections: list[Section], words: str) -> None:
    with pytest.raises(Bug, match=words):
        check_placement([CODE, *sections])
