"""Which items a job's program and input go into, compared with what Kept asks of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.availability.world import RULES
from truestep.availability.encoding import Encoder
from truestep.availability.parts import Part, parts_hash
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.client.supplies import (
    Content,
    Need,
    blob_count,
    input_content,
    need_of,
    plan,
    plan_written,
    program_content,
)
from truestep.commitments.kzg import Kzg
from truestep.machine.program import Program, Segment
from truestep.protocol.availability.contracts.items import ItemState, Record
from truestep.protocol.availability.facts import KnownItem
from truestep.protocol.availability.ids import ItemId
from truestep.protocol.records import Parameters

BLOB_PAYLOAD_BYTES = 126_976
PROGRAM = Program(
    entry=0x1000,
    segments=(
        Segment(address=0x1000, content=b"\x13" * 100, is_executable=True),
        Segment(address=0xA000, content=b"data" * 30, is_executable=False),
    ),
)
JOB_RULES = Parameters(
    operator_bond_wei=10 * RULES.blob_bond_wei,
    challenger_bond_wei=1,
    window_seconds=600,
    clock_seconds=60,
    rescue_seconds=30,
    lease_penalty_bps=0,
    release_penalty_bps=0,
    winner_share_bps=5_000,
    gas_price_cap_wei=0,
    arity=16,
)


class Unproved(Kzg):
    """Commits to nothing: only parts are looked at."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    def commit(self, blob: bytes) -> bytes:
        return bytes(48)


def item(
    number: int, contents: tuple[Content, ...], until: int, blobs: int | None = None, seats: int = 2
) -> KnownItem:
    parts = tuple(part for content in contents for part in content.parts)
    record = Record(
        registrant=Address("0x" + "11" * 20),
        parts_hash=parts_hash(parts),
        hashes_root=Bytes32(bytes(32)),
        blob_count=blobs if blobs is not None else blob_count(contents),
        seat_count=seats,
        since=0,
        until=until,
        fee_wei=0,
        bond_wei=0,
    )
    return KnownItem(item_id=ItemId(number), record=record, parts=parts, url="", state=ItemState.KEPT)


@pytest.mark.parametrize(
    "content",
    [program_content(PROGRAM), input_content(b""), input_content(b"x" * 33), input_content(bytes(200_000))],
)
def test_parts_are_those_that_the_encoder_makes(content: Content) -> None:
    encoder = Encoder(Unproved(), makes_cells=False)
    for _ in range(2):  # a tree can be read again
        blobs = list(encoder.blobs([content.tree]))
        assert encoder.manifest().parts == content.parts
        assert len(blobs) == blob_count([content])
        encoder = Encoder(Unproved(), makes_cells=False)
    assert [len(content.payload)] == [sum(part.size_bytes for part in content.parts)]
    assert content.key[0] == (PROGRAM.root() if content.name == "program" else content.parts[0].root)


def test_the_need_is_what_the_law_says() -> None:
    need = need_of(RULES, JOB_RULES, 1_000)
    assert need.until == 1_000 + 600 + 20 * 86_400 + 8 * 60
    assert need.blobs_limit == 5
    assert need_of(RULES, replace(JOB_RULES, winner_share_bps=2_500), 0).blobs_limit == 2


@given(
    input_blobs=st.integers(1, 4),
    limit=st.integers(1, 9),
    known=st.lists(
        st.tuples(st.sampled_from(["program", "input", "both"]), st.integers(1, 5), st.integers(0, 9))
    ),
)
def test_a_plan_is_what_kept_takes_and_none_has_fewer_new_items(
    input_blobs: int, limit: int, known: list[tuple[str, int, int]]
) -> None:
    program = program_content(PROGRAM)
    content = input_content(b"x" * (input_blobs * BLOB_PAYLOAD_BYTES))
    held = {"program": (program,), "input": (content,), "both": (program, content)}
    items = [
        item(number, held[name], until, blobs) for number, (name, blobs, until) in enumerate(known, start=1)
    ]
    need = Need(until=5, blobs_limit=limit)
    fits = [
        (first, second)
        for first in [*_with(items, program), None]
        for second in [*_with(items, content), None]
        if _count(first, 1) + _count(second, input_blobs) <= limit
    ]
    together = 2 * (input_blobs + 1) <= limit
    try:
        found = plan(program, content, items, need)
    except Rejected as refused:
        assert refused.reason is Reject.DATA_BOND
        assert not fits and not together
        return
    assert found.counted_blobs <= limit
    for chosen, wanted in ((found.program, program), (found.input, content)):
        if chosen is not None:
            assert chosen in items and chosen.record.until >= need.until
            assert wanted.index_in(chosen.parts) is not None
    missing = [each for each, chosen in ((program, found.program), (content, found.input)) if chosen is None]
    assert [each for group in found.new for each in group] == missing
    fewest = min([1] * together + [(first is None) + (second is None) for first, second in fits])
    assert len(found.new) == fewest


def _with(items: list[KnownItem], content: Content) -> list[KnownItem]:
    return [each for each in items if each.record.until >= 5 and content.index_in(each.parts) is not None]


def _count(known: KnownItem | None, alone: int) -> int:
    return known.record.blob_count if known is not None else alone


def test_data_that_the_bond_does_not_cover_is_refused_with_what_helps() -> None:
    program, content = program_content(PROGRAM), input_content(b"x" * 9 * BLOB_PAYLOAD_BYTES)
    with pytest.raises(Rejected, match="lock 4 times as much with --bond-multiple") as refused:
        plan(program, content, [], Need(until=0, blobs_limit=3))
    assert refused.value.reason is Reject.DATA_BOND
    assert plan(program, content, [], Need(until=0, blobs_limit=12)).counted_blobs == 10


def test_what_no_item_has_room_for_together_goes_into_two() -> None:
    """The largest input leaves room for 123 blobs."""
    parts = {
        depth: (Part(root=Bytes32(b"r" * 32), depth=depth, first_leaf=0, leaf_count=count),)
        for depth, count in ((24, 1 << 24), (26, 124 * 128 * 31))
    }
    largest, program = replace(input_content(b""), parts=parts[24]), program_content(PROGRAM)
    need = Need(until=0, blobs_limit=10_000)
    assert [len(group) for group in plan(program, largest, [], need).new] == [2]
    found = plan(replace(program, parts=parts[26]), largest, [], need)
    assert [len(group) for group in found.new] == [1, 1]
    assert found.new_blobs == 4_229 + 124


# --- on the chain itself --------------------------------------------------------------------------


def test_items_on_the_chain_cost_no_bond_and_need_no_holds() -> None:
    """Nobody can be kept waiting for them, so they may end before the 20 days of holds."""
    program, content = program_content(PROGRAM), input_content(b"x" * 3 * BLOB_PAYLOAD_BYTES)
    need = Need(until=100 * 86_400, blobs_limit=1)
    written = item(1, (program, content), 80 * 86_400, blobs=9, seats=0)
    at_keepers = item(1, (program, content), 80 * 86_400, blobs=9)
    assert need.is_met_by(written) and not need.is_met_by(at_keepers)
    assert plan(program, content, [written], need).counted_blobs == 0
    assert not need.is_met_by(item(1, (program,), 80 * 86_400 - 1, seats=0))


@pytest.mark.parametrize(
    ("sizes", "groups"),
    [((100, 100), [2]), ((20_000, 4_000), [2]), ((20_000, 5_000), [1, 1]), ((24_576, 24_576), [1, 1])],
)
def test_what_is_written_to_the_chain_is_one_item_if_that_is_small_enough(
    sizes: tuple[int, int], groups: list[int]
) -> None:
    code = Segment(address=0x1000, content=b"c" * sizes[0], is_executable=True)
    program = program_content(Program(entry=0x1000, segments=(code,)))
    content = input_content(b"i" * sizes[1])
    need = Need(until=0, blobs_limit=0)
    found = plan_written(program, content, [], need)
    assert [len(group) for group in found.new] == groups
    assert all(len(b"".join(each.payload for each in group)) <= 24_576 for group in found.new)
    known = item(1, (program,), 0, seats=0)
    assert [[each.name for each in group] for group in plan_written(program, content, [known], need).new] == [
        ["input"]
    ]


def test_programs_in_many_pieces_are_not_written_to_the_chain() -> None:
    pieces = [Segment(address=0x1000 * at, content=b"c", is_executable=True) for at in range(1, 66)]
    program = program_content(Program(entry=0x1000, segments=tuple(pieces)))
    with pytest.raises(Rejected) as refused:
        plan_written(program, input_content(b""), [], Need(until=0, blobs_limit=0))
    assert refused.value.reason is Reject.DATA_SIZE
