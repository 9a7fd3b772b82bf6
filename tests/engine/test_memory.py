"""Dirty pages, and stores in every order and alignment over the pages that differ in kind."""

from __future__ import annotations

import gc
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.compare import DEFAULT, END, compare_runs, start_both
from tests.engine.programs import program_of
from tests.machine.encode import encode
from truestep.engine.layout import MAPPING_SIZE_BYTES
from truestep.engine.runtime.memory import MappedMemory
from truestep.machine.layout import INPUT_START, PAGE_SHIFT, TREE_DEPTH
from truestep.machine.memory import Memory
from truestep.machine.program import Task

SCRIPT, SIZE, ADDRESS, VALUE = 5, 6, 7, 8
SIZES_BYTES = (1, 2, 4, 8)
LOOP_CYCLES = 12
"""More than one round of the script takes."""


def script_program() -> list[int]:
    """Reads (size, address, value) triples from the input and stores; size 0 ends it."""
    head = [
        encode("lui", rd=SCRIPT, immediate=INPUT_START),
        encode("ld", rd=SIZE, rs1=SCRIPT),
        encode("ld", rd=ADDRESS, rs1=SCRIPT, immediate=8),
        encode("ld", rd=VALUE, rs1=SCRIPT, immediate=16),
        encode("addi", rd=SCRIPT, rs1=SCRIPT, immediate=24),
    ]
    # One comparison and one store a size: bne over the store and the jump back.
    words = head
    for size_bytes, name in zip(SIZES_BYTES, ("sb", "sh", "sw", "sd"), strict=True):
        words = [
            *words,
            encode("addi", rd=9, immediate=size_bytes),
            encode("bne", rs1=SIZE, rs2=9, immediate=12),
        ]
        words = [
            *words,
            encode(name, rs1=ADDRESS, rs2=VALUE),
            encode("jal", immediate=4 - 4 * (len(words) + 1)),
        ]
    return [*words, encode("addi", rd=17, immediate=93), encode("ecall")]


PROGRAM = program_of(script_program())

BORDERS = (
    0x2000_0000,
    0x2000_1000,
    0x2000_2000,
    0x7FFF_F000,
    0x8000_0000,
    0xC000_0000,
    0xE000_0000,
    0xE000_1000,
)
"""Where pages meet: within a range, at its ends, around the page of which 8 bytes can be written."""

Store = tuple[int, int, int]
STORES = st.tuples(
    st.sampled_from(SIZES_BYTES),
    st.builds(lambda border, offset: border + offset, st.sampled_from(BORDERS), st.integers(-9, 9)),
    st.sampled_from((0, 0, 1, 2**64 - 1, 0x0123_4567_89AB_CDEF)),
)


def script(stores: list[Store]) -> Task:
    """The input that makes the program store these."""
    numbers = [number for store in stores for number in store]
    return Task(input=b"".join(number.to_bytes(8, "little") for number in numbers))


@settings(max_examples=60)
@given(st.lists(STORES, min_size=1, max_size=10), st.sets(st.integers(0, 10 * LOOP_CYCLES), max_size=6))
def test_stores_across_pages(stores: list[Store], stops: set[int]) -> None:
    """The root at every stop, so that pages are opened, closed and opened again."""
    comparison = compare_runs(DEFAULT, PROGRAM, script(stores), [*sorted(stops), END], memory_every=1)
    assert comparison.difference is None


def grouped_program() -> list[int]:
    """Reads addresses from the input and stores around each, 2,048 bytes below and above too; 0 ends it."""
    stores = [encode("sd", rs1=ADDRESS, rs2=SCRIPT, immediate=at) for at in (-2048, 0, 2040)]
    return [
        encode("lui", rd=SCRIPT, immediate=INPUT_START),
        encode("ld", rd=ADDRESS, rs1=SCRIPT),
        encode("addi", rd=SCRIPT, rs1=SCRIPT, immediate=8),
        encode("beq", rs1=ADDRESS, immediate=20),
        *stores,
        encode("jal", immediate=-24),
        encode("addi", rd=17, immediate=93),
        encode("ecall"),
    ]


GROUPED = program_of(grouped_program())
AROUND = st.builds(
    lambda border, offset: border + offset, st.sampled_from(BORDERS), st.integers(-0x1800, 0x1800)
)


def stores_around(*addresses: int) -> Task:
    """The input that makes the program store around these."""
    return Task(input=b"".join(address.to_bytes(8, "little") for address in addresses))


@settings(max_examples=30)
@given(st.lists(AROUND, min_size=1, max_size=8), st.integers(0, 40))
def test_groups_of_stores_over_one_page_or_two(addresses: list[int], stop: int) -> None:
    """The second time the pages are open, alone or with the one after them."""
    task = stores_around(*addresses, *addresses)
    assert compare_runs(DEFAULT, GROUPED, task, (stop, END), memory_every=1).difference is None


def test_a_group_does_not_rely_on_the_first_page_alone() -> None:
    """The one after it is opened too, before and after all marks were taken.

    What begins a page is not stored to: there a change is found without a mark.
    """
    first, both = 0x2000_1800, 0x2000_2100
    task = stores_around(*[first] * 40, both, both)
    for stops in ((END,), (200, END)):
        assert compare_runs(DEFAULT, GROUPED, task, stops, memory_every=1).difference is None


def test_a_straddle_marks_both_pages() -> None:
    """Also if the first page was opened long before, and the second was never stored to by itself."""
    stores = [(8, 0x2000_0800, 1), (8, 0x2000_0FFC, 2**64 - 1)]
    for stops in ((END,), (LOOP_CYCLES, END)):
        assert compare_runs(DEFAULT, PROGRAM, script(stores), stops, memory_every=1).difference is None


def test_a_neighbour_that_did_not_change_is_not_hashed_again() -> None:
    _, jit = start_both(PROGRAM, script([(8, 0x2000_0800, 1), (8, 0x2000_5FFC, 2)]))
    jit.state()
    jit.advance(END)
    pages = jit.memory.take_written()
    assert [page << PAGE_SHIFT for page in pages] == [0x2000_0000, 0x2000_5000]


def test_only_what_was_written_since_is_hashed_again() -> None:
    memory = MappedMemory()
    memory.write(0x2000_0000, bytes(range(256)) * 64)
    memory.root()
    assert memory.take_written().tolist() == []
    memory.write(0x2000_1000, b"\1")
    assert memory.take_written().tolist() == [0x20001]
    assert memory.take_written().tolist() == []


@given(
    st.lists(st.tuples(st.integers(0, 2**32 - 40), st.binary(min_size=1, max_size=40)), max_size=6),
    st.integers(0, TREE_DEPTH),
)
def test_nodes_at_every_level(writes: list[tuple[int, bytes]], level: int) -> None:
    mapped, plain = MappedMemory(), Memory()
    for address, content in writes:
        mapped.write(address, content)
        plain.write(address, content)
        assert mapped.read(address, len(content)) == content
        index = address >> 5 + level
        assert mapped.node(level, index) == plain.node(level, index)
    assert mapped.root() == plain.root()


def test_a_large_input_is_in_the_root() -> None:
    content = bytes(1 << 20) + b"\7" * (3 << 20) + bytes(1 << 20)
    reference, jit = start_both(PROGRAM, Task(input=content))
    assert jit.state() == reference.state()


def mappings() -> int:
    """How many runs' memories this process has."""
    lines = Path("/proc/self/maps").read_text("ascii").splitlines()
    ranges = (line.split()[0].split("-") for line in lines)
    return sum(int(end, 16) - int(start, 16) >= MAPPING_SIZE_BYTES - (1 << 24) for start, end in ranges)


def test_memory_goes_with_its_machine() -> None:
    """Without the cycle collector: a worker that starts many runs must not keep 4 GiB mappings."""
    gc.collect()
    before = mappings()
    gc.disable()
    try:
        for _ in range(20):
            _, jit = start_both(PROGRAM, script([(8, 0x2000_0000, 1)]))
            jit.advance(END)
            jit.state()
            del jit
        assert mappings() <= before + 1
    finally:
        gc.enable()
