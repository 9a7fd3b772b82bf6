"""Loads and stores that are close together: they share an address and, stores, a look at their pages.

The address of the lowest of some accesses with one base is made in RAX once, and the others are at distances
from it, as long as nothing between them needs RAX. Stores of a block with one base, as at the start of most
functions, are done without a look at their pages if those of the lowest and the highest are open. If not, the
code between the first and the last of them is run in a copy where each store looks for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.engine.analysis.hints import prefetched_offset
from truestep.engine.layout import OPEN, OPEN_WITH_NEXT
from truestep.engine.templates.encoding import (
    MEMORY,
    R10,
    RAX,
    RDX,
    Registers,
    beyond_address,
    shift_number,
    sum_of,
    word,
)
from truestep.engine.templates.instructions import LOADS_BY_NAME, STORES_BY_SIZE
from truestep.machine.arithmetic import ACCESS_SIZES_BYTES
from truestep.machine.decode import Instruction, Kind
from truestep.machine.layout import PAGE_SHIFT, PAGE_SIZE_BYTES

REACH_BYTES = PAGE_SIZE_BYTES - 8
"""How far accesses may lie from the lowest one: in its page or the next, all their bytes."""
GAP_LIMIT = 16
"""How many other instructions may lie between stores that look at their pages together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A load that has a result, or a store: `size_bytes` at `offset` from guest register `base`."""

    is_store: bool
    base: int
    offset: int
    size_bytes: int
    value: int
    """The register that is stored or loaded."""
    name: str

    def code(self, at: Registers, distance: int) -> bytes:
        """The load or store, at a distance from the address in RAX, which is kept."""
        host = at.hosts.get(self.value, R10)
        if self.is_store:
            opcode, prefix, is_wide = STORES_BY_SIZE[self.size_bytes]
            moved = b"" if self.value in at.hosts else at.load(R10, self.value)
            return moved + beyond_address(opcode, host, distance, is_wide=is_wide, prefix=prefix)
        opcode, is_wide = LOADS_BY_NAME[self.name]
        return beyond_address(opcode, host, distance, is_wide=is_wide) + at.save(self.value, host)


def access_of(instruction: Instruction) -> Access | None:
    """The access that an instruction is, if it has an effect."""
    is_store = instruction.kind is Kind.STORE
    if not is_store and (instruction.kind is not Kind.LOAD or not instruction.rd):
        return None
    return Access(
        is_store=is_store,
        base=instruction.rs1,
        offset=instruction.immediate,
        size_bytes=ACCESS_SIZES_BYTES[instruction.name],
        value=instruction.rs2 if is_store else instruction.rd,
        name=instruction.name,
    )


_BY_RAX = ("mulh", "mulhu", "mulhsu", "div", "divu", "rem", "remu", "divw", "divuw", "remw", "remuw")


def keeps_address(instruction: Instruction) -> bool:
    """Whether the code of an instruction that is no access leaves RAX as it is (instructions.code_of)."""
    if instruction.kind is Kind.FLOAT or prefetched_offset(instruction) is not None:
        return False
    return not instruction.rd or instruction.name not in _BY_RAX


# --- what a block has ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Stores of a block that look at their pages together, at the first of them."""

    last: int
    """The position of the last."""
    lowest: int
    highest: int
    """The least and the greatest offset."""
    positions: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the plan of a block needs to know of an instruction."""

    access: Access | None
    written: int
    """The register that it writes, or 0."""
    keeps: bool
    """Whether it leaves RAX as it is, if it is no access."""


OTHER = Step(access=None, written=0, keeps=False)


def lowest_offsets(steps: Sequence[Step]) -> dict[int, int]:
    """Position of each access → the offset of the lowest of those that can share its address."""
    lowest: dict[int, int] = {}
    run: list[int] = []
    base, least, most = 0, 0, 0
    for position, step in enumerate(steps):
        access = step.access
        if access is None:
            if run and (not step.keeps or step.written == base):
                lowest.update(dict.fromkeys(run, least))
                run = []
            continue
        offset = access.offset
        fits = run and access.base == base and max(most, offset) - min(least, offset) <= REACH_BYTES
        if not fits:
            lowest.update(dict.fromkeys(run, least))
            run, base, least, most = [], access.base, offset, offset
        run.append(position)
        least, most = min(least, offset), max(most, offset)
        if not access.is_store and access.value == base:
            lowest.update(dict.fromkeys(run, least))
            run = []
    lowest.update(dict.fromkeys(run, least))
    return lowest


def groups_of(steps: Sequence[Step]) -> dict[int, Group]:
    """Position of the first store of each group → the group. No two groups overlap."""
    found: dict[int, Group] = {}
    position = 0
    while position < len(steps):
        access = steps[position].access
        group = _group_at(steps, position, access) if access and access.is_store else None
        if group:
            found[position] = group
        position = group.last + 1 if group else position + 1
    return found


def _group_at(steps: Sequence[Step], first: int, store: Access) -> Group | None:
    lowest = highest = store.offset
    positions = [first]
    for position in range(first + 1, len(steps)):
        step = steps[position]
        access = step.access
        if position - positions[-1] > GAP_LIMIT + 1:
            break
        if access and access.is_store:
            low, high = min(lowest, access.offset), max(highest, access.offset)
            if access.base == store.base and high - low <= REACH_BYTES:
                lowest, highest = low, high
                positions.append(position)
        elif (access.value if access else step.written) == store.base:
            break
    if len(positions) == 1:
        return None
    return Group(last=positions[-1], lowest=lowest, highest=highest, positions=frozenset(positions))


# --- looks at pages -----------------------------------------------------------------------------------------


def look(distance: int, mark: int) -> bytes:
    """Compare the mark of the page at a distance from the address in RAX (layout.OPEN) with a number."""
    page = sum_of(RDX, RAX, distance, is_wide=False) + shift_number(5, RDX, PAGE_SHIFT, is_wide=False)
    return page + bytes((0x80, 0x80 | 7 << 3 | 4, RDX << 3 | MEMORY)) + word(OPEN) + bytes((mark,))


LOOK_AT_BOTH = OPEN_WITH_NEXT
"""The least mark with which a store may begin in that page or the next one."""
