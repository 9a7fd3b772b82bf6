"""Programs and tasks: the initial memory root as the chain computes it, and as the whole memory has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truestep.base.errors import Reject, Rejected
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import INNER_NODE, INPUT_NODE, PROGRAM_NODE
from truestep.machine.program import Program, Segment, Task, initial_memory, initial_memory_root
from truestep.machine.state import initial_state

PROGRAM = Program(
    entry=0x1000,
    segments=(
        Segment(address=0x1000, content=b"\x13\0\0\0" * 9, is_executable=True),
        Segment(address=0x2000_0FF0, content=bytes(range(1, 99)), is_executable=False),
    ),
)
TASKS = st.builds(
    Task,
    seed=st.binary(min_size=32, max_size=32),
    shard_index=st.integers(0, 6),
    shard_count=st.sampled_from([7, 2**32 - 1]),
    input=st.binary(max_size=200),
)


@given(TASKS)
def test_the_initial_root_follows_from_what_the_chain_knows(task: Task) -> None:
    """M3.7"""
    memory = initial_memory(PROGRAM, task)
    assert memory.node(*PROGRAM_NODE) == PROGRAM.root()
    assert memory.node(*INPUT_NODE) == task.input_root()
    assert memory.root() == initial_memory_root(PROGRAM.root(), task.header(), task.input_root())


@given(TASKS)
def test_a_run_starts_in_the_initial_state(task: Task) -> None:
    machine = ReferenceEngine().start(PROGRAM, task)
    assert machine.state() == initial_state(memory_root=initial_memory(PROGRAM, task).root(), entry=0x1000)


def test_the_header_is_where_the_guest_looks() -> None:
    """M3.5"""
    task = Task(seed=bytes(range(32)), shard_index=2, shard_count=5, input=b"abc")
    memory = initial_memory(PROGRAM, task)
    header = bytes(range(32)) + b"".join(n.to_bytes(8, "little") for n in (3, 2, 5, 0))
    assert memory.read(0x8000_0000, 96) == header + bytes(32)
    assert memory.read(0xA000_0000, 5) == b"abc\0\0"
    assert memory.read(0x2000_0FF0, 98) == bytes(range(1, 99))


def test_the_inner_root_does_not_depend_on_the_program() -> None:
    other = Program(entry=0, segments=())
    task = Task(input=b"x" * 100)
    assert initial_memory(other, task).node(*INNER_NODE) == initial_memory(PROGRAM, task).node(*INNER_NODE)


@pytest.mark.parametrize(("index", "count"), [(1, 1), (0, 0), (-1, 3), (0, 2**32)])
def test_a_shard_outside_its_job_is_refused(index: int, count: int) -> None:
    with pytest.raises(Rejected, match=f"got shard {index} of {count}") as rejected:
        Task(shard_index=index, shard_count=count)
    assert rejected.value.reason is Reject.SHARD_RANGE


def test_too_large_an_input_is_refused() -> None:
    """One byte more than 512 MiB; the buffer is never touched, so it takes no memory."""

    class Huge(bytes):
        def __len__(self) -> int:
            return 2**29 + 1

    with pytest.raises(Rejected, match="got 536870913; split the input over several jobs") as rejected:
        Task(input=Huge())
    assert rejected.value.reason is Reject.INPUT_TOO_LARGE


def test_a_seed_of_another_size_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="expected a seed of 32 bytes, got 31"):
        Task(seed=bytes(31))
