"""The structure of a program's code: blocks, regions (about one per guest function), calls, registers.

Works on whole arrays of words, so that a hostile program of 64 MiB is analysed in seconds. The results affect
only speed: an address that is missing from them is executed by the reference machine.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from truestep.base.integers import U32_MAX
from truestep.engine.host import float_unit
from truestep.machine.decode import ECALL_WORD
from truestep.machine.float_words import FLOAT_OPCODE, FUSED_OPCODES
from truestep.machine.floats import DYNAMIC_ROUNDING
from truestep.machine.layout import PAGE_SIZE_BYTES
from truestep.machine.program import Program

Addresses = NDArray[np.int64]
Words = NDArray[np.int64]
Flags = NDArray[np.bool_]

BLOCK_LIMIT_WORDS = 128
"""Some of LLVM's time grows exponentially with a block: 128 chained `mulh` take it 50 ms, 500 hours."""
REGION_LIMIT_COST = 2048
"""LLVM's time grows faster than the size of a function."""
WHOLE_LIMIT_COST, PLAIN_COST, LARGE_INSTRUCTIONS = 8192, 3, 4096
"""A function of instructions that cost at most so much on average is not cut up to here, unless it is large:
where loops cross a cut, registers go through memory in each round. Others, of many loops, would take LLVM ten
times as long."""
MANY_TARGETS = 16
"""With more addresses inside a function that are kept somewhere, it is taken for an interpreter's loop."""
INTERPRETER_TARGETS = 64
"""With more than these it is one: those of Lua, QuickJS, Duktape, MuJS and SQLite have 84 to 254, functions
with a large `switch` up to 60."""
TARGET_COST = 48
"""What a function costs for each of them on average, at least, for the next limit to apply."""
INTERPRETER_LIMIT_COST = 10_240
"""An interpreter's loop is worth more of LLVM's time, twice as much as in parts of `REGION_LIMIT_COST`: where
it is cut, registers go through memory at every other instruction of its program."""
DENSE_TARGET_COST, DENSE_LIMIT_COST = 192, 24_576
"""The same for functions that cost at most so much for each target, as loops of interpreters do and other
functions seldom: those of QuickJS and SQLite cost 22,000 and 23,000."""
UNIT_LIMIT_COST = 512
"""Functions below it are compiled together. With more, calls between them are a little cheaper (3 % of a run
at 2,048), but what is hot drags along what is not (half of all compiling)."""
STORE_COST = 4
CALL_COST = 4
REGION_COST = 8
BACKWARD_JUMP_COST = 16
INDIRECT_CALL_COST = 8
DIVISION_COST = 4
FLOAT_COST = 3
WIDE_FLOAT_COST = 8
CROWDED_ENTRY_COST = 16
"""The cost of compiling an instruction, in plain instructions. LLVM's time grows most with nested loops and
with entries: 2,000 words, each of them an entry, take 26 s."""
CROWD_WORDS = 4
"""Entries this close together are crowded; the cases of a compiled `switch` are longer."""
TABLE_LIMIT_ENTRIES = 1024
"""The longest jump table that is searched for."""
BASE_LIMIT = 1 << 14
"""The number of places that are searched for jump tables."""
CODE_LIMIT_WORDS = 1 << 20
"""The most words mapped of one program, more than CPython has. Code beyond is translated in pieces."""
PIECE_LIMIT_WORDS = 128
"""The words translated together from an address that does not begin a known block."""
ALL_REGISTERS = 0xFFFF_FFFE

_IMMEDIATE, _AUIPC, _STORE = 0x13, 0x17, 0x23
_REGISTER, _LUI, _REGISTER_32, _BRANCH, _JALR, _JAL = 0x33, 0x37, 0x3B, 0x63, 0x67, 0x6F
_FLOATS = (FLOAT_OPCODE, *FUSED_OPCODES)
_MINIMUM, _FROM_INTEGER, _CLASS = 0x05, 0x1A, 0x1C
"""The field funct5 of float instructions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeMap:
    """A program's executable words cut into blocks, blocks into regions, regions into units."""

    addresses: Addresses
    """Of every executable word, ascending."""
    words: Words
    leaders: Addresses
    """Where blocks begin, ascending."""
    indirect: Addresses
    """Leaders whose address the program seems to keep somewhere: targets of indirect jumps."""
    regions: Addresses
    """Where regions begin, ascending; a region ends where the next one or a gap begins."""
    costs: Words
    """The cost of compiling everything before each word, with one more entry for the end."""
    units: NDArray[np.int64]
    """The unit of each region, ascending."""
    table_first: int
    """The first slot of the entry table that jumps look at: that of the lowest word of code."""
    table_count: int
    """How many there are; the slot after them stands for all other addresses."""
    fragments: Addresses
    """The regions that are parts of functions which were cut because they are large."""
    is_lowest_page_empty: bool
    """Whether the program has nothing in the lowest page, so that it reads as 0 like what is above memory."""

    def position(self, pc: int) -> int | None:
        """The index of the word at `pc`."""
        index = int(self.addresses.searchsorted(pc))
        return index if index < len(self.addresses) and int(self.addresses[index]) == pc else None

    def region_of(self, pc: int) -> int | None:
        """The index of the region that holds the word at `pc`."""
        if self.position(pc) is None:
            return None
        return int(np.searchsorted(self.regions, pc, side="right")) - 1

    def regions_of_unit(self, unit: int) -> range:
        """The indices of the regions that are compiled together as `unit`."""
        return range(int(np.searchsorted(self.units, unit)), int(np.searchsorted(self.units, unit + 1)))

    def span(self, region: int) -> tuple[int, int]:
        """The positions [first, end) of a region's words."""
        first = int(np.searchsorted(self.addresses, int(self.regions[region])))
        if region + 1 == len(self.regions):
            return first, len(self.addresses)
        return first, int(np.searchsorted(self.addresses, int(self.regions[region + 1])))

    def is_scattered(self, region: int) -> bool:
        """Whether it is a part of a function with indirect jumps all over its parts, such as an interpreter.

        Compiled as a function of its own, it is left at each of these jumps.
        """
        return int(self.regions[region]) in self.fragments and bool(self._inner_targets(region))

    def is_interpreter(self, region: int) -> bool:
        """Whether it has so many targets of indirect jumps inside that it is an interpreter's loop."""
        return len(self._inner_targets(region)) > INTERPRETER_TARGETS

    def _inner_targets(self, region: int) -> list[int]:
        start = int(self.regions[region])
        end = int(self.addresses[self.span(region)[1] - 1]) + 4
        return between(self.indirect, start + 4, end)

    def cost_of(self, unit: int) -> int:
        """The cost of compiling a unit, in plain instructions."""
        regions = self.regions_of_unit(unit)
        return int(self.costs[self.span(regions[-1])[1]] - self.costs[self.span(regions[0])[0]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    """The fields of every word, and the flow of control from it."""

    at: Addresses
    word: Words
    opcode: Words
    rd: Words
    rs1: Words
    immediate_i: Words
    immediate_u: Words
    is_jal: Flags
    is_jalr: Flags
    is_branch: Flags
    target: Addresses
    """Of `jal`, branches, and `jalr` that ends a far pair with the `auipc` before it; -1 if unknown."""

    @property
    def ends_block(self) -> Flags:
        is_left = self.word == ECALL_WORD
        if float_unit() is None:
            is_left |= np.isin(self.opcode, _FLOATS)
        return self.is_jal | self.is_jalr | self.is_branch | is_left

    @property
    def is_call(self) -> Flags:
        return (self.is_jal | self.is_jalr) & (self.rd != 0)

    @property
    def never_falls(self) -> Flags:
        return (self.is_jal | self.is_jalr) & (self.rd == 0)


def between(ascending: Addresses, first: int, end: int) -> list[int]:
    """The addresses in [first, end)."""
    found: list[int] = ascending[np.searchsorted(ascending, first) : np.searchsorted(ascending, end)].tolist()
    return found


def map_code(program: Program) -> CodeMap:
    """Find the blocks, regions and units of a program."""
    at, word = _executable_words(program)
    fields = _fields(at, word)
    pointers = _pointers(program, fields)
    indirect = _pick(at, pointers, _jump_table_targets(program, fields))
    return _map_words(fields, program, program.entry, indirect, pointers)


def map_piece(program: Program, pc: int) -> CodeMap | None:
    """The same for the words from `pc` to the end of its segment; None if `pc` is in no segment."""
    for segment in program.segments:
        offset = pc - segment.address
        count = min((len(segment.content) - offset) // 4, PIECE_LIMIT_WORDS)
        if offset >= 0 and count > 0:
            word = np.frombuffer(segment.content, "<u4", count, offset).astype(np.int64)
            fields = _fields(pc + 4 * np.arange(count, dtype=np.int64), word)
            return _map_words(fields, program, pc, np.zeros(0, np.int64), np.zeros(0, np.int64))
    return None


def _map_words(
    fields: _Fields, program: Program, entry: int, indirect: Addresses, pointers: Addresses
) -> CodeMap:
    at = fields.at
    functions = _function_starts(entry, fields, pointers)
    leaders = _leaders(fields, indirect, functions)
    costs = _costs(fields, functions, indirect)
    regions = _split_large_regions(at, costs, leaders, functions, indirect)
    positions = np.searchsorted(at, regions)
    first, count = _table_range(program)
    return CodeMap(
        addresses=at,
        words=fields.word,
        leaders=leaders,
        indirect=indirect,
        regions=regions,
        costs=costs,
        units=costs[positions] // UNIT_LIMIT_COST,
        fragments=_fragments(regions, functions),
        table_first=first,
        table_count=count,
        is_lowest_page_empty=all(segment.address >= PAGE_SIZE_BYTES for segment in program.segments),
    )


def _fragments(regions: Addresses, functions: Addresses) -> Addresses:
    """The regions that do not begin a function, and those that such a one follows."""
    is_cut = ~_known(functions, regions)
    is_cut[:-1] |= is_cut[1:]
    return regions[is_cut]


def _table_range(program: Program) -> tuple[int, int]:
    """(the first slot, how many) of the entry table for the program's code, as far as it is mapped."""
    segments = [segment for segment in program.segments if segment.is_executable]
    first = min((segment.address >> 2 for segment in segments), default=0)
    end = max((segment.address + len(segment.content) >> 2 for segment in segments), default=0)
    return first, min(end - first, CODE_LIMIT_WORDS)


def _executable_words(program: Program) -> tuple[Addresses, Words]:
    addresses: list[Addresses] = [np.zeros(0, np.int64)]
    words: list[Words] = [np.zeros(0, np.int64)]
    room = CODE_LIMIT_WORDS
    for segment in program.segments:
        skipped = -segment.address % 4
        count = min((len(segment.content) - skipped) // 4, room)
        if segment.is_executable and count > 0:
            room -= count
            first = segment.address + skipped
            addresses.append(first + 4 * np.arange(count, dtype=np.int64))
            words.append(np.frombuffer(segment.content, "<u4", count, skipped).astype(np.int64))
    return np.concatenate(addresses), np.concatenate(words)


def _extend(value: Words, bits: int) -> Words:
    return (value ^ 1 << bits - 1) - (1 << bits - 1)


def _fields(at: Addresses, word: Words) -> _Fields:
    opcode, funct3 = word & 0x7F, word >> 12 & 7
    is_jal, is_jalr = opcode == _JAL, (opcode == _JALR) & (funct3 == 0)
    is_branch = (opcode == _BRANCH) & (funct3 != 2) & (funct3 != 3)
    rd, rs1 = word >> 7 & 31, word >> 15 & 31
    immediate_i, immediate_u = _extend(word >> 20, 12), _extend(word & 0xFFFF_F000, 32)
    target = np.full(len(at), -1, np.int64)
    target = np.where(is_branch, at + _immediate_b(word), target)
    target = np.where(is_jal, at + _immediate_j(word), target)
    far = is_jalr.copy()
    far[:1] = False
    far[1:] &= (opcode[:-1] == _AUIPC) & (rd[:-1] == rs1[1:]) & (at[1:] == at[:-1] + 4) & (rs1[1:] != 0)
    pair = np.roll(at, 1) + np.roll(immediate_u, 1) + immediate_i & ~np.int64(1)
    target = np.where(far, pair, target)
    return _Fields(
        at=at,
        word=word,
        opcode=opcode,
        rd=rd,
        rs1=rs1,
        immediate_i=immediate_i,
        immediate_u=immediate_u,
        is_jal=is_jal,
        is_jalr=is_jalr,
        is_branch=is_branch,
        target=np.where(target == -1, -1, target & U32_MAX),
    )


def _immediate_b(word: Words) -> Words:
    upper = (word >> 31 & 1) << 12 | (word >> 7 & 1) << 11
    return _extend(upper | (word >> 25 & 0x3F) << 5 | (word >> 8 & 0xF) << 1, 13)


def _immediate_j(word: Words) -> Words:
    upper = (word >> 31 & 1) << 20 | (word >> 12 & 0xFF) << 12
    return _extend(upper | (word >> 20 & 1) << 11 | (word >> 21 & 0x3FF) << 1, 21)


def _distinct(values: Addresses) -> Addresses:
    """The distinct values, ascending. (`np.unique` uses a hash table, which is slow for multiples of 4.)"""
    ascending = np.sort(values)
    is_first = np.ones(len(ascending), np.bool_)
    is_first[1:] = ascending[1:] != ascending[:-1]
    return ascending[is_first]


def _known(at: Addresses, candidates: Addresses) -> Flags:
    """Which candidates are addresses of executable words."""
    if not len(at):
        return np.zeros(len(candidates), np.bool_)
    positions = np.minimum(np.searchsorted(at, candidates), len(at) - 1)
    return at[positions] == candidates


def _pick(at: Addresses, *candidates: Addresses) -> Addresses:
    """The candidates that are addresses of executable words, ascending, each once."""
    merged = _distinct(np.concatenate(candidates))
    return merged[_known(at, merged)]


def _pointers(program: Program, fields: _Fields) -> Addresses:
    """Addresses of code that the program keeps as pointers: functions, and labels of a table of them."""
    found = [_pointers_in_code(fields)]
    for _, values in _constants(program):
        pairs = values[: len(values) // 2 * 2].reshape(-1, 2)
        found.append(pairs[(pairs[:, 1] == 0) & (pairs[:, 0] % 4 == 0), 0].astype(np.int64))
    return _pick(fields.at, *found)


def _jump_table_targets(program: Program, fields: _Fields) -> Addresses:
    """Addresses of code in tables of 32 bits: absolute, or from the start of a table that code refers to."""
    bases = _pointers_in_code(fields)
    found: list[Addresses] = [np.zeros(0, np.int64)]
    for first, values in _constants(program):
        found.append(values[values % 4 == 0].astype(np.int64))
        inside = bases[(bases >= first) & (bases < first + 4 * len(values)) & (bases % 4 == 0)]
        found += [_relative_table(fields.at, values, first, int(base)) for base in inside[:BASE_LIMIT]]
    return _pick(fields.at, *found)


def _constants(program: Program) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """(address of the first, words) of what is not executable. Pointers are at multiples of 8 from there."""
    for segment in program.segments:
        skipped = -segment.address % 8
        count = (len(segment.content) - skipped) // 4
        if not segment.is_executable and count > 0:
            yield segment.address + skipped, np.frombuffer(segment.content, "<i4", count, skipped)


def _pointers_in_code(fields: _Fields) -> Addresses:
    """The addresses made by `auipc` or `lui` and the `addi` after it."""
    upper = (fields.opcode[:-1] == _AUIPC) | (fields.opcode[:-1] == _LUI)
    pairs = upper & (fields.opcode[1:] == _IMMEDIATE) & (fields.rd[:-1] == fields.rs1[1:])
    base = np.where(fields.opcode[:-1] == _AUIPC, fields.at[:-1], 0)
    return _distinct((base + fields.immediate_u[:-1] + fields.immediate_i[1:])[pairs] & U32_MAX)


def _relative_table(at: Addresses, values: NDArray[np.int32], first: int, base: int) -> Addresses:
    """The targets in a table of offsets from its own start, up to the first that is not code."""
    position = (base - first) // 4
    targets = base + values[position : position + TABLE_LIMIT_ENTRIES].astype(np.int64)
    valid = _known(at, targets)
    return targets if valid.all() else targets[: int(np.argmin(valid))]


def _function_starts(entry: int, fields: _Fields, pointers: Addresses) -> Addresses:
    """Where regions begin: called addresses, the entry, starts of segments, kept addresses.

    The latter only where the code before does not go on there.
    """
    at = fields.at
    called = fields.target[fields.is_call & (fields.target >= 0)]
    begins_span = np.ones(len(at), np.bool_)
    begins_span[1:] = at[1:] != at[:-1] + 4
    positions = np.searchsorted(at, pointers)
    kept = pointers[fields.never_falls[positions - 1]]
    return _pick(at, called, np.array([entry]), at[begins_span], kept[~_are_labels(kept, called, fields)])


def _are_labels(kept: Addresses, called: Addresses, fields: _Fields) -> Flags:
    """Which kept addresses lie inside a function: a branch leads past them, or a jump to what begins none."""
    begins = np.isin(fields.target, _distinct(np.concatenate((kept, called))))
    jumps = fields.is_jal & (fields.rd == 0) & ~begins
    passes = (fields.target >= 0) & (fields.is_branch | jumps)
    sides = fields.at[passes], fields.target[passes]
    below, above = np.sort(np.minimum(*sides)), np.sort(np.maximum(*sides))
    # More ways begin below an address than end below it.
    return np.searchsorted(below, kept) > np.searchsorted(above, kept)


def _leaders(fields: _Fields, indirect: Addresses, functions: Addresses) -> Addresses:
    at = fields.at
    targets = fields.target[fields.target >= 0]
    leaders = _pick(at, targets, at[fields.ends_block] + 4, indirect, functions)
    if not len(leaders):
        return leaders
    ends = np.append(leaders[1:], at[-1] + 4)
    long = np.flatnonzero(ends - leaders > 4 * BLOCK_LIMIT_WORDS)
    step = 4 * BLOCK_LIMIT_WORDS
    cuts = [np.arange(int(leaders[i]), int(ends[i]), step, dtype=np.int64) for i in long]
    return _pick(at, leaders, *cuts)


def _is_wide_float(fields: _Fields) -> Flags:
    """Float instructions that become many host instructions: minima, classes, conversions with rounding."""
    funct3, funct5 = fields.word >> 12 & 7, fields.word >> 27
    is_directed = (funct5 == _FROM_INTEGER) & (funct3 != 0) & (funct3 != DYNAMIC_ROUNDING)
    is_wide = (funct5 == _MINIMUM) | ((funct5 == _CLASS) & (funct3 == 1)) | is_directed
    return (fields.opcode == FLOAT_OPCODE) & is_wide


def _costs(fields: _Fields, functions: Addresses, indirect: Addresses) -> Words:
    goes_back = (
        (fields.is_branch | fields.is_jal) & (fields.rd * fields.is_jal == 0) & (fields.target <= fields.at)
    )
    cost = np.ones(len(fields.at), np.int64)
    cost[fields.opcode == _STORE] = STORE_COST
    cost[_divides(fields)] = DIVISION_COST
    cost[np.isin(fields.opcode, _FLOATS)] = FLOAT_COST
    cost[_is_wide_float(fields)] = WIDE_FLOAT_COST
    cost[fields.is_call] = np.where(fields.target[fields.is_call] >= 0, CALL_COST, INDIRECT_CALL_COST)
    cost[goes_back] = BACKWARD_JUMP_COST
    cost[np.searchsorted(fields.at, functions)] += REGION_COST
    crowded = indirect[1:][np.diff(indirect) <= 4 * CROWD_WORDS]
    cost[np.searchsorted(fields.at, crowded)] += CROWDED_ENTRY_COST
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(cost)))


def _divides(fields: _Fields) -> Flags:
    is_register = (fields.opcode == _REGISTER) | (fields.opcode == _REGISTER_32)
    return is_register & (fields.word >> 25 == 1) & (fields.word >> 14 & 1 == 1)


def _split_large_regions(
    at: Addresses, costs: Words, leaders: Addresses, functions: Addresses, indirect: Addresses
) -> Addresses:
    """Region starts, with additional ones where a region exceeds its limit."""
    starts = np.searchsorted(at, functions)
    at_leaders = np.searchsorted(at, leaders)
    owner = np.searchsorted(starts, at_leaders, side="right") - 1
    owned = np.searchsorted(indirect, functions)
    targets = np.append(owned[1:], len(indirect)) - owned
    whole = np.append(costs[starts[1:]], costs[-1]) - costs[starts]
    interprets = (targets > MANY_TARGETS) & (whole >= TARGET_COST * targets)
    words = np.append(starts[1:], len(at)) - starts
    is_whole = (whole <= np.minimum(PLAIN_COST * words, WHOLE_LIMIT_COST)) & (words <= LARGE_INSTRUCTIONS)
    limits = np.where(is_whole, WHOLE_LIMIT_COST, REGION_LIMIT_COST)
    limits[interprets] = INTERPRETER_LIMIT_COST
    limits[interprets & (whole <= DENSE_TARGET_COST * targets)] = DENSE_LIMIT_COST
    chunk = (costs[at_leaders] - costs[starts[owner]]) // limits[owner]
    begins = np.ones(len(leaders), np.bool_)
    begins[1:] = (owner[1:] != owner[:-1]) | (chunk[1:] != chunk[:-1])
    return leaders[begins]
