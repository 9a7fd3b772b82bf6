"""Rows of a job's input, and one hash over many runs: as the law says, and as the circuits check (C11)."""

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.circuits.models import dense, model
from tests.guest.quick_engine import quick_engine
from truestep.circuits.errors import CircuitError
from truestep.circuits.folding import (
    compile_tree,
    folded_public_inputs,
    inner_source,
    is_run_count,
    outer_source,
)
from truestep.circuits.guest import build_guest
from truestep.circuits.model import Model, Output
from truestep.circuits.noir import noir_source, public_input_count
from truestep.circuits.processes import Limits
from truestep.circuits.reference import Shown, output_bytes, public_inputs, run
from truestep.circuits.rows import row_root, rows_hash, rows_input, slot_bytes, slot_level
from truestep.circuits.setup_key import KeyName
from truestep.circuits.toolchain import Tools
from truestep.circuits.witness import witness
from truestep.client.runs import run_task
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import ZERO_NODES, climb, pair_tree_levels, root_of_bytes
from truestep.machine.elf import load_elf
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.program import Task

LIMITS = Limits(seconds=120, memory_bytes=4 << 30)


def wide(output: Output = Output.SCORES, size: int = 76) -> Model:
    """Rows of three leaves, the last one not full: what a tree's circuit has to fill with zeros."""
    random = np.random.default_rng(4)
    return model((size,), dense(random, 5, size, shift=14), dense(random, 3, 5), output=output)


@pytest.mark.parametrize("size", [1, 31, 32, 33, 64, 65, 97, 784, 1024])
@pytest.mark.parametrize("count", [1, 2, 8])
def test_roots_of_rows_lead_to_the_root_of_the_input(size: int, count: int) -> None:
    random = Random(size)
    rows = [random.randbytes(size) for _ in range(count)]
    content, level = rows_input(rows), slot_level(size)
    assert len(content) == (count - 1) * slot_bytes(size) + size and slot_bytes(size) == 32 << level
    depth = (count - 1).bit_length()
    node = pair_tree_levels([row_root(row) for row in rows], depth)[-1][0]
    found = climb(node, 0, ZERO_NODES[level + depth : RANGE_LEVEL])
    assert found == root_of_bytes(content, RANGE_LEVEL)


def test_the_hash_is_of_the_roots_and_then_of_the_outputs() -> None:
    random = Random(1)
    rows = [random.randbytes(40) for _ in range(4)]
    words = [(random.getrandbits(32), random.getrandbits(32), each) for each in range(4)]
    runs = [public_inputs(row, each, Shown.ROOT) for row, each in zip(rows, words, strict=True)]
    message = b"".join(map(row_root, rows)) + b"".join(map(output_bytes, words))
    assert rows_hash(runs) == int.from_bytes(keccak256(message), "big") >> 8
    assert folded_public_inputs(runs, Shown.ROOT) == (rows_hash(runs), 4, 0)


def test_numbers_of_runs_that_no_tree_has_are_refused(tools: Tools) -> None:
    assert [each for each in range(70) if is_run_count(each)] == [2, 4, 8, 16, 32]
    for count in (0, 1, 3, 6, 64):
        with pytest.raises(CircuitError, match=f"in one proof; got {count}"):
            compile_tree(wide(), count, Shown.ROOT, tools, KeyName.DEVELOPMENT, print)


def test_each_shard_of_a_guest_is_its_row(tmp_path: Path) -> None:
    subject, random = wide(), Random(2)
    program = load_elf(build_guest(subject, tmp_path / "model.elf").path.read_bytes())
    rows = [random.randbytes(76) for _ in range(3)]
    content = rows_input(rows)
    for index, row in enumerate(rows):
        task = Task(input=content, shard_index=index, shard_count=3)
        report = run_task(quick_engine(), program, task)
        assert report.is_accepted and report.output == output_bytes(run(subject, row).words)
    for wrong in (content[:-1], content + b"\0", rows[0]):
        task = Task(input=wrong, shard_index=1, shard_count=3)
        assert not run_task(quick_engine(), program, task).is_accepted


class Program:
    """A compiled Noir program, which is executed but not proven."""

    def __init__(self, source: str, tools: Tools, folder: Path) -> None:
        self.tools, self.folder = tools, folder
        (folder / "src").mkdir(parents=True)
        (folder / "src" / "main.nr").write_text(source)
        (folder / "Nargo.toml").write_text('[package]\nname = "model"\ntype = "bin"\nauthors = [""]\n')
        tools.run_noir("compile", folder, LIMITS)

    def takes(self, arguments: dict[str, Any]) -> bool:
        """Whether there is a run with these arguments."""
        (self.folder / "input.json").write_text(json.dumps(arguments))
        try:
            self.tools.run_noir("execute", self.folder, LIMITS)
        except CircuitError:
            return False
        return True


@pytest.mark.parametrize("output", Output)
def test_a_circuit_takes_the_root_of_its_row_and_no_other(
    tools: Tools, tmp_path: Path, output: Output
) -> None:
    subject = wide(output)
    program = Program(noir_source(subject, Shown.ROOT), tools, tmp_path / "program")
    row = Random(3).randbytes(76)
    trace = run(subject, row)
    right = witness(subject, row, trace, Shown.ROOT)
    assert len(right["public"]) == public_input_count(subject, Shown.ROOT)
    assert program.takes(right)
    for place in (0, len(right["public"]) - 1):
        public = [hex(int(each, 16) ^ (at == place)) for at, each in enumerate(right["public"])]
        assert not program.takes(right | {"public": public})


def test_the_outermost_circuit_states_these_runs_in_this_order(tools: Tools, tmp_path: Path) -> None:
    """What an execution shows: that the proofs below are checked, only a proof does (test_trees)."""
    subject, random = wide(), Random(4)
    rows = [random.randbytes(76) for _ in range(4)]
    runs = [public_inputs(row, run(subject, row).words, Shown.ROOT) for row in rows]
    words = public_input_count(subject, Shown.ROOT)
    program = Program(outer_source(bytes(32), 4 * words, 1, 4, Shown.ROOT), tools, tmp_path / "program")

    def arguments(told: Sequence[tuple[int, ...]], public: tuple[int, ...]) -> dict[str, Any]:
        empty = {"key": ["0"] * 115, "proofs": [["0"] * 410]}
        inputs = [hex(word) for each in told for word in each]
        return empty | {"inputs": inputs, "public": [hex(each) for each in public]}

    public = folded_public_inputs(runs, Shown.ROOT)
    assert program.takes(arguments(runs, public))
    swapped, repeated = [runs[1], runs[0], *runs[2:]], [runs[0], *runs[:3]]
    large = [(runs[0][0] + 2**64, *runs[0][1:]), *runs[1:]]
    for told in (swapped, repeated, large):
        assert not program.takes(arguments(told, public))
    assert not program.takes(arguments(runs, (public[0], 2, 0)))


def test_a_key_is_a_constant_of_the_program() -> None:
    assert inner_source(b"a" * 32, 3) != inner_source(b"b" * 32, 3)
    assert "KEY_HASH: Field = 0x" + "61" * 32 in inner_source(b"a" * 32, 3)
