"""Joins templates to the machine code of a unit: blocks, budget, jumps, ways in and out.

- Each block checks the budget for itself, and each is an entry. Between instructions all registers are in
  their places (encoding.HOSTS), so a block can be left before its first one, and go on in any other.
- The way in to a block lies before it or, where the block before goes on there, after all blocks.
- A jump within the unit is a jump; one that leaves it goes by the entry table. A jump through a register
  looks at a table of its region's targets first. The sign of
  the budget says whether so many cycles are left beyond the window (liveness.WINDOW_CYCLES).
- Entries, short budgets and stores to pages that are not open lie after the blocks: they are rare.
- The code holds no address of this process, so that it can be kept on disk.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from truestep.base.integers import wrap32
from truestep.engine.analysis.code_map import BLOCK_LIMIT_WORDS, CodeMap, between
from truestep.engine.analysis.flow import RETURN_REGISTERS
from truestep.engine.codegen.support import trap_marker
from truestep.engine.templates.bodies import ALWAYS, AUIPC, BodyWriter, CodeWriter
from truestep.engine.templates.encoding import LEFT, with_number
from truestep.engine.templates.instructions import comparison_code
from truestep.engine.templates.kept import kept_registers
from truestep.engine.templates.leaving import (
    GO_ASTRAY,
    GO_BY_PLACE,
    TABLE_OF_TARGETS,
    go_by_slot,
    go_by_table,
    leave_at,
    place_of_target,
    slot_of_target,
    target_of_place,
    trap,
    way_in,
)
from truestep.engine.templates.words import SharedTemplates, Templates
from truestep.machine.decode import ECALL_WORD, Instruction, Kind, decode
from truestep.machine.layout import may_fetch
from truestep.machine.state import TrapCause

_CONDITIONS = {
    **{"beq": b"\x0f\x84", "bne": b"\x0f\x85", "blt": b"\x0f\x8c"},
    **{"bge": b"\x0f\x8d", "bltu": b"\x0f\x82", "bgeu": b"\x0f\x83"},
}
_LESS = b"\x0f\x8c"
_OPCODE = 0x7F

_TABLE_ALIGNMENT = 8
_HEAD = struct.Struct("<QQQ")
Places = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineCode:
    """The code of a unit, the pcs of its entries and at which offset each lies."""

    content: bytes
    pcs: Places
    places: Places
    tables: Places
    """Where tables of offsets lie, which become addresses in memory, and how many entries they have."""
    calls_floats: bool
    """Whether it calls functions of `templates.floats`."""

    def packed(self) -> bytes:
        """The same in one piece, for the disk."""
        head = _HEAD.pack(self.calls_floats, len(self.pcs), len(self.tables))
        return head + b"".join(part.tobytes() for part in (self.pcs, self.places, self.tables)) + self.content

    @staticmethod
    def unpacked(packed: bytes) -> "MachineCode":
        """What `packed` has made."""
        calls_floats, count, tables = _HEAD.unpack_from(packed)
        words = np.frombuffer(packed, np.uint64, 2 * (count + tables), _HEAD.size)
        return MachineCode(
            content=packed[_HEAD.size + words.nbytes :],
            pcs=words[:count],
            places=words[count : 2 * count],
            tables=words[2 * count :].reshape(-1, 2),
            calls_floats=bool(calls_floats),
        )


def unit_code(code: CodeMap, regions: Sequence[int], shared: SharedTemplates) -> MachineCode:
    """The machine code of regions that are translated together."""
    templates = shared.keeping(kept_registers(code, regions))
    parts = [[*_blocks(code, region)] for region in regions]
    writer = _Writer(code, templates, [start for blocks in parts for start, _ in blocks])
    for blocks in parts:
        writer.targets = between(code.indirect, blocks[0][0], blocks[-1][0] + 4)
        for start, words in blocks:
            writer.block(start, words)
        writer.write_targets()
    return writer.finished()


def _blocks(code: CodeMap, region: int) -> Iterator[tuple[int, list[int]]]:
    """The blocks of a region: where each begins, and its words."""
    first, end = code.span(region)
    begin, stop = int(code.addresses[first]), int(code.addresses[end - 1]) + 4
    leaders = between(code.leaders, begin, stop)
    words: list[int] = code.words[first:end].tolist()
    for leader, following in zip(leaders, [*leaders[1:], stop], strict=True):
        yield leader, words[(leader - begin) // 4 : (following - begin) // 4]


def _check(cycles: int) -> bytes:
    return with_number(5, LEFT, cycles) + _LESS


_CHECKS = [_check(cycles) for cycles in range(BLOCK_LIMIT_WORDS + 1)]


class _Writer:
    """The code of a unit while it is being written."""

    def __init__(self, code: CodeMap, templates: Templates, starts: list[int]) -> None:
        self._code = code
        self._templates = templates
        self._at = templates.registers
        self._following = dict(pairwise(starts))
        """The block that is written after each."""
        self._starts = frozenset(starts)
        self._writer = CodeWriter()
        self._out = self._writer.out
        self._bodies = BodyWriter(self._writer, templates, is_lowest_page_empty=code.is_lowest_page_empty)
        self._places: dict[int, int] = {}
        self._entries: dict[int, int] = {}
        """Where the ways in begin, as far as they are written."""
        self._is_reached = False
        """Whether the block before goes on where the next one will be."""
        self._jumps: list[tuple[int, int]] = []
        """Holes, and the block that each leads to."""
        self._calls_floats = False
        self.targets: list[int] = []
        """What indirect jumps reach in the region whose blocks are being written."""
        self._choices: list[tuple[int, int]] = []
        """Holes that lead to where indirect jumps of the region leave it, and that lead to its table."""
        self._tables: list[tuple[int, int]] = []
        """Where tables of places begin, and how many entries they have."""
        self._astray: list[int] = []
        """Holes that lead to where a pc has no slot in the entry table."""
        self._short: list[tuple[int, int, int]] = []
        """Holes that lead to where the budget is too small: with the block and its cycles."""
        self._exits: list[tuple[int, int]] = []
        """Holes that lead out of the unit, and where to."""

    def block(self, start: int, words: list[int]) -> None:
        """Write a block."""
        out = self._out
        if not self._is_reached:
            self._entries[start] = len(out)
            out += way_in(self._at)
        self._is_reached = False
        self._places[start] = len(out)
        words = self._up_to_its_end(words)
        self._calls_floats |= not self._templates.calling.isdisjoint(words)
        cycles = len(words) - (words[-1] == ECALL_WORD)
        if cycles:
            out += _CHECKS[cycles]
            self._short.append((self._writer.hole(), start, cycles))
        self._bodies.write(start, words, cycles)
        last_pc = start + 4 * (len(words) - 1)
        if self._templates.of(words[-1]) is None and words[-1] & _OPCODE != AUIPC:
            self._end(start, last_pc, decode(words[-1]), words[-2:-1])
        else:
            self._go(start, last_pc + 4)

    def _up_to_its_end(self, words: list[int]) -> list[int]:
        """The words up to the first after which nothing runs."""
        for position, word in enumerate(words):
            if self._templates.of(word) is None:
                instruction = decode(word)
                if instruction is None or instruction.kind is Kind.SYSTEM:
                    return words[: position + 1]
        return words

    # --- where a block goes on ------------------------------------------------------------------------------

    def _end(self, start: int, pc: int, last: Instruction | None, before: list[int]) -> None:
        """Write the last instruction, which determines what follows."""
        if last is None:
            self._out += trap(trap_marker(TrapCause.ILLEGAL_INSTRUCTION))
        elif last.name == "ecall":
            self._out += leave_at(self._at, pc)
        elif last.kind is Kind.SYSTEM:
            self._out += trap(trap_marker(TrapCause.BREAKPOINT))
        elif last.kind is Kind.BRANCH:
            self._out += comparison_code(self._at, last.rs1, last.rs2)
            self._out += _CONDITIONS[last.name]
            target = wrap32(pc + last.immediate)
            (self._jumps if target in self._starts else self._exits).append((self._writer.hole(), target))
            self._go(start, pc + 4)
        elif last.kind is Kind.JUMP:
            self._link(last.rd, pc)
            self._go(start, wrap32(pc + last.immediate))
        else:
            self._jump_register(start, pc, last, before)

    def _link(self, rd: int, pc: int) -> None:
        if rd:
            self._out += self._at.set_number(rd, pc + 4)

    def _jump_register(self, start: int, pc: int, last: Instruction, before: list[int]) -> None:
        upper = decode(before[0]) if before and before[0] & _OPCODE == AUIPC else None
        if upper is not None and upper.rd == last.rs1 != 0:
            self._link(last.rd, pc)
            self._go(start, wrap32(pc - 4 + upper.immediate + last.immediate & ~1))
            return
        if self.targets and not last.rd and last.rs1 not in RETURN_REGISTERS:
            self._out += place_of_target(
                self._at, last.rs1, last.immediate, self.targets[0], self.targets[-1]
            )
            outside = self._writer.hole()
            self._out += TABLE_OF_TARGETS
            self._choices.append((outside, self._writer.hole()))
            self._out += GO_BY_PLACE
            return
        self._out += self._at.address_of(last.rs1, last.immediate)
        self._link(last.rd, pc)
        self._go_by_register()

    def _go_by_register(self) -> None:
        """Leave the unit for the address in RAX."""
        self._out += slot_of_target(self._at, self._code.table_first, self._code.table_count)
        self._astray.append(self._writer.hole())
        self._out += go_by_slot(self._code.table_first)

    def write_targets(self) -> None:
        """Write where the region's indirect jumps leave it, and the table of what they reach in it."""
        if not self._choices:
            return
        first, last = self.targets[0], self.targets[-1]
        outside = len(self._out)
        self._out += target_of_place(first)
        self._go_by_register()
        self._out += bytes(-len(self._out) % _TABLE_ALIGNMENT)
        table = len(self._out)
        places = np.full((last - first) // 4 + 1, outside, "<u8")
        for pc in self.targets:
            places[(pc - first) // 4] = self._places[pc]
        self._out += places.tobytes()
        self._tables.append((table, len(places)))
        for leaving, reading in self._choices:
            self._writer.fill(leaving, outside)
            self._writer.fill(reading, table)
        self._choices.clear()

    def _go(self, start: int, pc: int) -> None:
        """Go on at `pc`, inside or outside the unit."""
        if pc not in self._starts:
            self._out += self._way_out(pc)
        elif self._following.get(start) != pc:
            self._out += ALWAYS
            self._jumps.append((self._writer.hole(), pc))
        else:
            self._is_reached = True

    def _way_out(self, pc: int) -> bytes:
        slot = (pc >> 2) - self._code.table_first
        is_known = may_fetch(pc) and 0 <= slot < self._code.table_count
        return go_by_table(self._at, pc) if is_known else leave_at(self._at, pc)

    # --- what is rare ---------------------------------------------------------------------------------------

    def finished(self) -> MachineCode:
        """Write what is rare, and fill all holes."""
        for hole, pc in self._exits:
            self._writer.fill(hole)
            self._out += self._way_out(pc)
        for hole, pc, cycles in self._short:
            self._writer.fill(hole)
            self._out += with_number(0, LEFT, cycles) + leave_at(self._at, pc)
        for hole in self._astray:
            self._writer.fill(hole)
        if self._astray:
            self._out += GO_ASTRAY
        self._bodies.finish()
        for hole, pc in self._jumps:
            self._writer.fill(hole, self._places[pc])
        entries = [self._entry(pc) for pc in self._places]
        return MachineCode(
            content=bytes(self._out),
            pcs=np.array([*self._places], np.uint64),
            places=np.array(entries, np.uint64),
            tables=np.array(self._tables, np.uint64).reshape(-1, 2),
            calls_floats=self._calls_floats,
        )

    def _entry(self, pc: int) -> int:
        """Where the way in to a block begins; it is written now if there is none."""
        if pc not in self._entries:
            self._entries[pc] = len(self._out)
            self._out += way_in(self._at) + ALWAYS
            self._writer.fill(self._writer.hole(), self._places[pc])
        return self._entries[pc]
