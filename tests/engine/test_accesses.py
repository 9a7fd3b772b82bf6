"""Accesses of the first tier that share an address, and stores that look at their pages together."""

from __future__ import annotations

from tests.machine.encode import encode
from truestep.engine.templates.accesses import (
    GAP_LIMIT,
    REACH_BYTES,
    Group,
    Step,
    groups_of,
    lowest_offsets,
)
from truestep.engine.templates.kept import USUAL
from truestep.engine.templates.words import SharedTemplates

SP, A0, A1, S2 = 2, 10, 11, 18


def steps(*words: int) -> list[Step]:
    templates = SharedTemplates(has_fused=False).keeping(USUAL)
    return [*map(templates.step, words)]


def store(base: int, offset: int, value: int = A1) -> int:
    return encode("sd", rs1=base, rs2=value, immediate=offset)


def load(base: int, offset: int, to: int = A1) -> int:
    return encode("ld", rd=to, rs1=base, immediate=offset)


def group(first: int, last: int, lowest: int, highest: int, *between: int) -> Group:
    return Group(last=last, lowest=lowest, highest=highest, positions=frozenset((first, *between, last)))


def test_accesses_are_reached_from_the_lowest_of_those_around_them() -> None:
    assert lowest_offsets(steps(load(SP, 24), store(SP, 8), load(SP, 16))) == {0: 8, 1: 8, 2: 8}


def test_another_base_or_a_new_value_of_the_base_begins_anew() -> None:
    words = [load(SP, 24), load(A0, 8), load(A0, 0, to=A0), load(A0, 4)]
    assert lowest_offsets(steps(*words)) == {0: 24, 1: 0, 2: 0, 3: 4}
    moved = encode("addi", rd=SP, rs1=SP, immediate=-16)
    assert lowest_offsets(steps(store(SP, 8), moved, store(SP, 0))) == {0: 8, 2: 0}


def test_only_what_needs_the_host_register_comes_between() -> None:
    add, divide = (encode(name, rd=S2, rs1=A0, rs2=A1) for name in ("add", "div"))
    assert lowest_offsets(steps(load(SP, 8), add, load(SP, 0))) == {0: 0, 2: 0}
    assert lowest_offsets(steps(load(SP, 8), divide, load(SP, 0))) == {0: 8, 2: 0}


def test_what_is_reached_lies_in_two_pages() -> None:
    far = REACH_BYTES // 2
    assert lowest_offsets(steps(load(SP, -far), load(SP, far - 1))) == {0: -far, 1: -far}
    assert lowest_offsets(steps(load(SP, -2048), load(SP, 2047))) == {0: -2048, 1: 2047}


def test_stores_with_one_base_look_together_whatever_lies_between() -> None:
    words = [store(SP, 8), store(A0, 0), encode("div", rd=S2, rs1=A0, rs2=A1), store(SP, 0), load(SP, 0)]
    assert groups_of(steps(*words)) == {0: group(0, 3, 0, 8)}


def test_a_new_value_of_the_base_ends_a_group() -> None:
    assert groups_of(steps(store(A0, 0), load(SP, 0, to=A0), store(A0, 8))) == {}
    assert groups_of(steps(store(A0, 0), encode("addi", rd=A0, rs1=A0, immediate=1), store(A0, 8))) == {}


def test_stores_far_apart_are_no_group() -> None:
    gap = [encode("add", rd=A1, rs1=A1, rs2=A1)] * GAP_LIMIT
    assert groups_of(steps(store(SP, 0), *gap, store(SP, 8))) == {0: group(0, GAP_LIMIT + 1, 0, 8)}
    assert groups_of(steps(store(SP, 0), *gap, gap[0], store(SP, 8))) == {}
    assert groups_of(steps(store(SP, -2048), store(SP, 2047))) == {}


def test_groups_do_not_overlap() -> None:
    words = [store(SP, 0), store(A0, 0), store(SP, 8), store(A0, 8), store(A0, 16)]
    assert groups_of(steps(*words)) == {0: group(0, 2, 0, 8), 3: group(3, 4, 8, 16)}
