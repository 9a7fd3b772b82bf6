"""Stores that share a look at their pages."""

from __future__ import annotations

from truestep.engine.analysis.store_groups import StoreGroup, store_groups
from truestep.machine.decode import Instruction, Kind
from truestep.machine.layout import PAGE_SIZE_BYTES

SP, A0, A1 = 2, 10, 11


def store(register: int, distance: int) -> Instruction:
    return Instruction(name="sd", kind=Kind.STORE, rs1=register, rs2=A1, immediate=distance)


def add(to: int, register: int, distance: int) -> Instruction:
    return Instruction(name="addi", kind=Kind.IMMEDIATE, rd=to, rs1=register, immediate=distance)


def test_stores_of_a_frame_are_one_group_behind_the_move_of_the_stack_pointer() -> None:
    groups = store_groups([add(SP, SP, -64), store(SP, 56), store(SP, 8), store(A0, 0)], 1)
    assert groups == [StoreGroup(register=SP, lowest=-56, highest=-8, sites=((0, 1), (0, 2)))]


def test_copies_of_a_loop_go_on_where_the_one_before_ended() -> None:
    groups = store_groups([store(A0, 0), add(A0, A0, 8)], 3)
    assert groups == [StoreGroup(register=A0, lowest=0, highest=16, sites=((0, 0), (1, 0), (2, 0)))]


def test_a_register_with_another_value_ends_the_group() -> None:
    load = Instruction(name="ld", kind=Kind.LOAD, rd=A0, rs1=SP)
    assert not store_groups([store(A0, 0), load, store(A0, 8)], 1)


def test_no_page_may_lie_between() -> None:
    assert store_groups([store(SP, 0), store(SP, PAGE_SIZE_BYTES)], 1)
    assert not store_groups([store(SP, 0), store(SP, PAGE_SIZE_BYTES + 1)], 1)


def test_an_address_that_is_no_registers_is_in_no_group() -> None:
    assert not store_groups([store(0, 0), store(0, 8)], 1)
