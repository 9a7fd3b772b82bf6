"""Writes what blocks do before they end: templates one after another, and accesses that share an address."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from truestep.engine.codegen.support import trap_marker
from truestep.engine.templates.accesses import (
    LOOK_AT_BOTH,
    REACH_BYTES,
    Access,
    Group,
    Step,
    groups_of,
    look,
    lowest_offsets,
)
from truestep.engine.templates.encoding import RAX, RDX, set_low, sum_of
from truestep.engine.templates.leaving import STORE_SLOWLY, trap
from truestep.engine.templates.words import Template, Templates
from truestep.machine.decode import decode
from truestep.machine.state import TrapCause

BELOW, EQUAL, NOT_EQUAL, ALWAYS = b"\x0f\x82", b"\x0f\x84", b"\x0f\x85", b"\xe9"
"""Jumps by 32 bits, which follow."""
HOLE = bytes(4)
"""32 bits that will hold a distance."""
_CALL = b"\xe8"
AUIPC = 0x17

_NO_GROUPS: Mapping[int, Group] = {}
_Address = tuple[int, int] | None
"""What RAX holds: the masked sum of a base and an offset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Body:
    """The words of a block, and how its accesses go together."""

    start: int
    words: list[int]
    templates: list[Template]
    steps: list[Step]
    cycles: int
    lowest: Mapping[int, int]
    """accesses.lowest_offsets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Apart:
    """Where stores that look at their pages together go if one is not open."""

    hole: int
    body: _Body
    positions: range
    group: Group
    address: tuple[int, int]
    """What RAX holds."""
    resumed: int
    """The place after the looks."""
    ended: int
    """The place after the last store."""


class CodeWriter:
    """Machine code with jumps whose targets are written later."""

    def __init__(self) -> None:
        self.out = bytearray()

    def hole(self) -> int:
        """A hole at the end; where it begins."""
        self.out += HOLE
        return len(self.out) - len(HOLE)

    def fill(self, hole: int, target: int | None = None) -> None:
        """Make a hole lead to a place, by default the end."""
        distance = (len(self.out) if target is None else target) - hole - len(HOLE)
        self.out[hole : hole + len(HOLE)] = distance.to_bytes(4, "little", signed=True)

    def jump(self, kind: bytes, target: int) -> None:
        """A jump to a place that is written already."""
        self.out += kind
        self.fill(self.hole(), target)


class BodyWriter:
    """Writes the bodies of blocks and, at the end, what is rare in them."""

    def __init__(self, writer: CodeWriter, templates: Templates, *, is_lowest_page_empty: bool) -> None:
        self._writer = writer
        self._out = writer.out
        self._templates = templates
        self._at = templates.registers
        # An address above memory reads as 0, like the lowest page (CodeMap.is_lowest_page_empty).
        self._load_reach = REACH_BYTES if is_lowest_page_empty else 0
        self._closed: list[tuple[int, int, int, int]] = []
        """Holes that lead to where a page is not open: distance and size of the store, and its trap."""
        self._apart: list[_Apart] = []

    def write(self, start: int, words: list[int], cycles: int) -> None:
        """Write a block's words up to the one that ends it, which takes so many cycles."""
        known, of = self._templates.known, self._templates.of
        templates = [known[word] if word in known else of(word) for word in words]
        if any(isinstance(template, Access) for template in templates):
            steps = [*map(self._templates.step, words)]
            lowest = lowest_offsets(steps)
            body = _Body(
                start=start, words=words, templates=templates, steps=steps, cycles=cycles, lowest=lowest
            )
            self._write_steps(body, range(len(words)), None, groups=groups_of(steps))
            return
        for position, template in enumerate(templates):
            self._write_other(start, position, words[position], template)

    def finish(self) -> None:
        """Write what is rare."""
        writer = self._writer
        for apart in self._apart:
            self._write_apart(apart)
        slow = len(self._out)
        if self._closed:
            self._out += STORE_SLOWLY
        for hole, distance, size_bytes, marker in self._closed:
            writer.fill(hole)
            self._out += sum_of(RAX, RAX, distance, is_wide=False) if distance else b""
            self._out += set_low(RDX, size_bytes)
            writer.jump(_CALL, slow)
            self._out += sum_of(RAX, RAX, -distance, is_wide=False) if distance else b""
            writer.jump(NOT_EQUAL, hole + len(HOLE))
            self._out += trap(marker)

    def _write_other(self, start: int, position: int, word: int, template: Template) -> None:
        """Write what is no access: `auipc`, or nothing if it ends the block, or what its template says."""
        if isinstance(template, bytes):
            self._out += template
        elif word & 0x7F == AUIPC and (instruction := decode(word)) and instruction.rd:
            self._out += self._at.set_number(instruction.rd, start + 4 * position + instruction.immediate)

    def _write_steps(
        self,
        body: _Body,
        positions: range,
        address: _Address,
        *,
        groups: Mapping[int, Group] = _NO_GROUPS,
        are_open: Collection[int] = (),
    ) -> _Address:
        """Write some words of a body, where RAX holds `address` before. Returns what it holds after them.

        Stores at positions that `are_open` do not look at their pages.
        """
        position = positions.start
        while position < positions.stop:
            step = body.steps[position]
            access, group = step.access, groups.get(position)
            if access is None:
                template = body.templates[position]
                if isinstance(template, bytes):
                    self._out += template
                else:
                    self._write_other(body.start, position, body.words[position], template)
                if not step.keeps or (address and step.written == address[0]):
                    address = None
                position += 1
                continue
            address = self._make_address(body, position, access, address)
            if group:
                address = self._write_group(body, position, group, address)
                position = group.last + 1
                continue
            distance = access.offset - address[1]
            if access.is_store and position not in are_open:
                self._out += look(distance, 0)
                marker = trap_marker(TrapCause.STORE_ACCESS, body.cycles - position - 1)
                self._closed.append((self._hole(EQUAL), distance, access.size_bytes, marker))
            self._out += self._templates.code(body.words[position], access, distance)
            if not access.is_store and access.value == address[0]:
                address = None
            position += 1
        return address

    def _make_address(self, body: _Body, position: int, access: Access, address: _Address) -> tuple[int, int]:
        """Have RAX hold an address from which an access can be reached, if it does not yet."""
        reach = REACH_BYTES if access.is_store else self._load_reach
        if address and address[0] == access.base and 0 <= access.offset - address[1] <= reach:
            return address
        lowest = body.lowest[position] if reach else access.offset
        self._out += self._at.address_of(access.base, lowest)
        return access.base, lowest

    def _write_group(self, body: _Body, first: int, group: Group, address: tuple[int, int]) -> _Address:
        """Write stores that look at their pages together, and what is between them."""
        self._out += look(group.lowest - address[1], LOOK_AT_BOTH)
        hole = self._hole(BELOW)
        resumed = len(self._out)
        positions = range(first, group.last + 1)
        after = self._write_steps(body, positions, address, are_open=group.positions)
        ended = len(self._out)
        self._apart.append(
            _Apart(
                hole=hole,
                body=body,
                positions=positions,
                group=group,
                address=address,
                resumed=resumed,
                ended=ended,
            )
        )
        return after

    def _write_apart(self, apart: _Apart) -> None:
        """Look at the page of the highest store too; if need be each store looks for itself."""
        lowest, highest = (each - apart.address[1] for each in (apart.group.lowest, apart.group.highest))
        self._writer.fill(apart.hole)
        self._out += look(highest, 0)
        alone = self._hole(EQUAL)
        self._out += look(lowest, 0)
        self._writer.jump(NOT_EQUAL, apart.resumed)
        self._writer.fill(alone)
        self._write_steps(apart.body, apart.positions, apart.address)
        self._writer.jump(ALWAYS, apart.ended)

    def _hole(self, jump: bytes) -> int:
        self._out += jump
        return self._writer.hole()
