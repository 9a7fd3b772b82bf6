"""The form in which a block finds each register: as integer bits, or as a float not yet converted to bits.

The choice affects only speed: every path into a block brings registers into the form that is noted here.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from truestep.engine.analysis.code_map import ALL_REGISTERS
from truestep.engine.analysis.float_types import DOUBLE, SINGLE, FloatType, makes, reads_as
from truestep.machine.decode import Instruction, Kind

_FLOAT_LOADS = {"ld": DOUBLE, "lw": SINGLE}
_FLOAT_STORES = ("sd", "sw")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """Block → register → the type it is held as when the block begins; registers not named are bits."""

    entry: Mapping[int, Mapping[int, FloatType]] = field(default_factory=dict[int, dict[int, FloatType]])
    loads: Mapping[int, FloatType] = field(default_factory=dict[int, FloatType])
    """The addresses of loads whose values no integer instruction needs as bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """Sets of registers, by bit: as bits, as singles, as doubles; a register may be in several."""

    integers: int = 0
    singles: int = 0
    doubles: int = 0

    def union(self, other: "Sets") -> "Sets":
        """The union of both."""
        return Sets(
            integers=self.integers | other.integers,
            singles=self.singles | other.singles,
            doubles=self.doubles | other.doubles,
        )

    def without(self, mask: int) -> "Sets":
        """The sets without the registers of `mask`."""
        return Sets(
            integers=self.integers & ~mask, singles=self.singles & ~mask, doubles=self.doubles & ~mask
        )

    def moved(self, source: int, target: int) -> "Sets":
        """The sets with `target` wherever `source` is."""
        return self.union(
            Sets(
                integers=(self.integers >> source & 1) << target,
                singles=(self.singles >> source & 1) << target,
                doubles=(self.doubles >> source & 1) << target,
            )
        )

    def with_kind(self, kind: FloatType | None, mask: int) -> "Sets":
        """The sets with the registers of `mask` as one kind."""
        if kind is None:
            return self.union(Sets(integers=mask))
        return self.union(Sets(doubles=mask) if kind is DOUBLE else Sets(singles=mask))


Code = Sequence[Instruction | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """The facts from which the forms follow."""

    code: Mapping[int, Code]
    """The instructions of each block."""
    successors: Mapping[int, Sequence[int]]
    open_blocks: Iterable[int]
    """Blocks that are entered with all registers in the control block."""
    dispatched: Iterable[int]
    """Blocks that indirect jumps reach: they find bits."""
    leaving: Container[int]
    """Blocks at whose end the function may be left, or an indirect jump be taken: that needs bits."""


def find_forms(region: Region) -> Forms:
    """The forms of all blocks. Without a float instruction everything is bits."""
    if not any(i is not None and i.kind is Kind.FLOAT for code in region.code.values() for i in code):
        return Forms()
    wanted = _flow_backward(region)
    loads = {pc: kind for start in region.code for pc, kind in _float_loads(region, wanted, start)}
    arriving = _flow_forward(region, loads)
    dispatched = set(region.dispatched)
    left_with = _left_with(region)
    entry = {
        start: {}
        if start in dispatched
        else _forms_of(wanted[start].with_kind(None, left_with.get(start, 0)), arriving[start])
        for start in region.code
    }
    return Forms(entry=entry, loads=loads)


def _forms_of(wanted: Sets, arriving: Sets) -> dict[int, FloatType]:
    """A register needed as a float is held as one; if its bits are needed, only where it always is one."""
    as_bits = wanted.integers & arriving.integers
    doubles = wanted.doubles | arriving.doubles & ~wanted.singles & ~as_bits
    singles = (wanted.singles | arriving.singles & ~as_bits) & ~doubles
    forms = {register: DOUBLE for register in range(1, 32) if doubles >> register & 1}
    return forms | {register: SINGLE for register in range(1, 32) if singles >> register & 1}


# --- what is wanted, from the end to the start --------------------------------------------------------------


def is_copy(instruction: Instruction) -> bool:
    """Whether it is `mv`, which copies a register in any form."""
    return instruction.name == "addi" and instruction.immediate == 0


def _writes(instruction: Instruction) -> int:
    if instruction.kind in (Kind.STORE, Kind.BRANCH, Kind.FENCE, Kind.SYSTEM):
        return 0
    return 1 << instruction.rd & ALL_REGISTERS


def _wanted_before(instruction: Instruction, after: Sets) -> Sets:
    wanted = after.without(_writes(instruction))
    if is_copy(instruction):
        overwritten = _writes(instruction) & ~(1 << instruction.rs1)
        return after.moved(instruction.rd, instruction.rs1).without(overwritten | 1)
    first, second = 1 << instruction.rs1, 1 << instruction.rs2
    reads = (first | second | 1 << instruction.rs3) & ALL_REGISTERS
    if instruction.kind is Kind.FLOAT:
        return wanted.with_kind(reads_as(instruction), reads)
    if instruction.name in _FLOAT_STORES:
        # A value can be stored in any form.
        reads = first & ALL_REGISTERS
    return wanted.with_kind(None, reads)


def _flow_backward(region: Region) -> dict[int, Sets]:
    """The forms that each block and the blocks after it need, at its start."""

    def transfer(start: int, after: Sets) -> Sets:
        wanted = after
        for instruction in reversed(region.code[start]):
            if instruction is not None:
                wanted = _wanted_before(instruction, wanted)
        return wanted

    predecessors: dict[int, list[int]] = {start: [] for start in region.code}
    for start, targets in region.successors.items():
        for target in targets:
            predecessors[target].append(start)
    wanted = {start: transfer(start, Sets()) for start in region.code}
    pending = sorted(region.code)
    while pending:
        start = pending.pop()
        after = _union_of(wanted[to] for to in region.successors[start])
        before = transfer(start, after)
        if before != wanted[start]:
            wanted[start] = before
            pending += predecessors[start]
    return wanted


def _left_with(region: Region) -> dict[int, int]:
    """Block that leads to no loop → registers with which the function may be left from there, by bit.

    Their bits are needed soon, so they are made where the float comes from, which knows how they follow from
    it. In a loop that would be work in each round, for what is needed once.
    """
    sources: dict[int, list[int]] = {start: [] for start in region.code}
    for start, targets in region.successors.items():
        for to in targets:
            sources[to].append(start)
    unknown = {start: len(region.successors[start]) for start in region.code}
    pending = [start for start, count in unknown.items() if not count]
    found: dict[int, int] = {}
    while pending:
        start = pending.pop()
        left_with = ALL_REGISTERS if start in region.leaving else 0
        for to in region.successors[start]:
            left_with |= found[to]
        for instruction in region.code[start]:
            left_with &= ~(_writes(instruction) if instruction is not None else 0)
        found[start] = left_with
        for source in sources[start]:
            unknown[source] -= 1
            if not unknown[source]:
                pending.append(source)
    return found


def _float_loads(region: Region, wanted: Mapping[int, Sets], start: int) -> Iterable[tuple[int, FloatType]]:
    """Loads whose values only float instructions need."""
    after = _union_of(wanted[to] for to in region.successors[start])
    for position, instruction in reversed([*enumerate(region.code[start])]):
        if instruction is None:
            continue
        kind, bit = _FLOAT_LOADS.get(instruction.name), 1 << instruction.rd
        wants = after.doubles if kind is DOUBLE else after.singles
        if kind and wants & ~after.integers & bit:
            yield start + 4 * position, kind
        after = _wanted_before(instruction, after)


# --- what arrives, from the start to the end ----------------------------------------------------------------


def _flow_forward(region: Region, loads: Mapping[int, FloatType]) -> dict[int, Sets]:
    """The forms in which each register may arrive at each block."""

    def transfer(start: int, before: Sets) -> Sets:
        held = before
        for position, instruction in enumerate(region.code[start]):
            if instruction is None:
                continue
            written = _writes(instruction)
            if is_copy(instruction) and instruction.rs1:
                held = held.without(written & ~(1 << instruction.rs1)).moved(instruction.rs1, instruction.rd)
            elif written:
                kind = loads.get(start + 4 * position) or makes(instruction)
                held = held.without(written).with_kind(kind, written)
        return held

    arriving = {start: Sets() for start in region.code}
    for start in (*region.open_blocks, *region.dispatched):
        arriving[start] = Sets(integers=ALL_REGISTERS)
    pending = sorted(region.code, reverse=True)
    while pending:
        start = pending.pop()
        after = transfer(start, arriving[start])
        for to in region.successors[start]:
            joined = arriving[to].union(after)
            if joined != arriving[to]:
                arriving[to] = joined
                pending.append(to)
    return arriving


def _union_of(sets: Iterable[Sets]) -> Sets:
    union = Sets()
    for each in sets:
        union = union.union(each)
    return union
