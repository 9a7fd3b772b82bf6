"""Registers that nobody sees any more when translated code leaves."""

from __future__ import annotations

from truestep.engine.analysis.liveness import WINDOW_CYCLES, unseen_registers

A, B = 1 << 10, 1 << 11
NOTHING = (0, 0)
HEAD, BODY, END = 0x100, 0x200, 0x300


def test_what_is_written_first_is_unseen_and_what_is_read_first_is_not() -> None:
    effects = {HEAD: [(B, A), (0, B)]}
    assert unseen_registers(effects, {HEAD: []}) == {HEAD: A}


def test_every_way_must_write_it() -> None:
    effects = {HEAD: [NOTHING], BODY: [(0, A)], END: [(0, A)]}
    assert unseen_registers(effects, {HEAD: [BODY, END], BODY: [], END: []})[HEAD] == A
    effects[END] = [(0, B)]
    assert unseen_registers(effects, {HEAD: [BODY, END], BODY: [], END: []})[HEAD] == 0


def test_a_way_back_is_followed() -> None:
    effects = {HEAD: [(0, A)], BODY: [NOTHING]}
    assert unseen_registers(effects, {HEAD: [BODY], BODY: [HEAD]})[BODY] == A


def test_a_loop_that_never_writes_it_keeps_it_seen() -> None:
    effects = {HEAD: [NOTHING], END: [(0, A)]}
    assert unseen_registers(effects, {HEAD: [HEAD, END], END: []})[HEAD] == 0


def test_what_is_written_late_is_seen() -> None:
    for distance, unseen in ((WINDOW_CYCLES, A), (WINDOW_CYCLES + 1, 0)):
        effects = {HEAD: [NOTHING] * (distance - 1), BODY: [(0, A)]}
        assert unseen_registers(effects, {HEAD: [BODY], BODY: []})[HEAD] == unseen
