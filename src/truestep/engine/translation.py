"""A program's translation, shared by all its runs: code is compiled when a run first needs it.

Mapped code is compiled in units. Where a run keeps coming to an address that no unit continues at (the middle
of a block, constants that are jumped into), a piece of code from there on is compiled by itself. Pieces are
entered by `run` alone, never by a call: callers count on the registers that mapped code touches.
"""

import ctypes
import hashlib
import mmap
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from truestep.engine.analysis import CodeMap, map_code, map_piece
from truestep.engine.compile import CompiledModule, object_code
from truestep.engine.floats import float_declarations
from truestep.engine.flow import Flow, region_flow
from truestep.engine.layout import MAP_NORESERVE, TABLE_ENTRIES, TABLE_SIZE_BYTES
from truestep.engine.object_cache import ObjectCache, build_id
from truestep.engine.support import METADATA, store_function
from truestep.engine.translate import FunctionTranslator, function_name
from truestep.machine.program import Program

CACHED_PROGRAMS_LIMIT = 16
"""A worker runs a few programs over and over; a translation is a few MiB."""
PIECE_LIMIT = 1_024
"""Pieces of one program; each is a module of its own."""
STEPPED_ADDRESSES_LIMIT = 1 << 14
"""Addresses whose steps are counted; beyond it counting starts anew."""

_ENTRIES, _ENTRY_COUNT = "entries", "entry_count"
_Table = np.ndarray[tuple[int], np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilePolicy:
    """When code is worth compiling; by default, compiling stays in proportion to running."""

    free_cost: int = 16_384
    """Units are compiled at first touch up to this much of a program, later ones when they prove hot."""
    hot_steps_per_cost: int = 64
    """Stepping an instruction this often costs about what compiling it does."""
    piece_steps: int = 8_192
    """Instructions stepped from one address before a piece is compiled there."""
    objects: ObjectCache | None = None
    """Where compiled code is kept for other processes, if anywhere."""


class Translation:
    """The compiled units and pieces of one program, and the tables that lead into them."""

    def __init__(self, program: Program, policy: CompilePolicy) -> None:
        self._key = program_key(program) if policy.objects else b""
        self.code: CodeMap = map_code(program)
        self._program = program
        self._policy = policy
        self._lock = threading.Lock()
        self._units: dict[int, CompiledModule] = {}
        self._pieces: dict[int, CompiledModule] = {}
        self._unit_steps: dict[int, int] = {}
        self._piece_steps: dict[int, int] = {}
        self._compiled_cost = 0
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._mapping = mmap.mmap(-1, 2 * TABLE_SIZE_BYTES, flags=flags)
        tables = np.frombuffer(self._mapping, np.uint64)
        self._unit_table, self._piece_table = tables[:TABLE_ENTRIES], tables[TABLE_ENTRIES:]
        self.table_address = tables.ctypes.data

    def has_entry(self, pc: int) -> bool:
        """Whether translated code can continue at `pc`, an aligned address of the code range."""
        return bool(self._unit_table[pc >> 2] or self._piece_table[pc >> 2])

    def prepare(self, pc: int) -> bool:
        """Compile what continues at `pc` if it is worth it; whether translated code now goes on there."""
        if self.has_entry(pc):
            return False
        with self._lock:
            unit = self._unit_of(pc)
            if unit is not None and unit not in self._units:
                if self._is_worth_compiling(unit):
                    self._compile_unit(unit)
            elif self._piece_steps.get(pc, 0) >= self._policy.piece_steps and len(self._pieces) < PIECE_LIMIT:
                self._compile_piece(pc)
            return self.has_entry(pc)

    def note_steps(self, pc: int, steps: int) -> None:
        """Tell that `steps` instructions from `pc` on had to be stepped: compiling there is worth more."""
        with self._lock:
            unit = self._unit_of(pc)
            if unit is not None and unit not in self._units:
                self._unit_steps[unit] = self._unit_steps.get(unit, 0) + steps
            elif pc not in self._pieces:
                if len(self._piece_steps) >= STEPPED_ADDRESSES_LIMIT:
                    self._piece_steps.clear()
                self._piece_steps[pc] = self._piece_steps.get(pc, 0) + steps

    def _unit_of(self, pc: int) -> int | None:
        region = self.code.region_of(pc)
        return None if region is None else int(self.code.units[region])

    def _is_worth_compiling(self, unit: int) -> bool:
        cost = self.code.cost_of(unit)
        is_free = self._compiled_cost + cost <= self._policy.free_cost
        return is_free or self._unit_steps.get(unit, 0) >= self._policy.hot_steps_per_cost * cost

    def _compile_unit(self, unit: int) -> None:
        regions = self.code.regions_of_unit(unit)
        self._units[unit] = self._enter(f"unit {unit}", self.code, regions, self._unit_table)
        self._compiled_cost += self.code.cost_of(unit)

    def _compile_piece(self, pc: int) -> None:
        code = map_piece(self._program, pc)
        if code is not None:
            regions = range(len(code.regions))
            self._pieces[pc] = self._enter(f"piece {pc}", code, regions, self._piece_table)

    def _enter(self, name: str, code: CodeMap, regions: range, table: _Table) -> CompiledModule:
        """Compile regions together, or take them from the cache, and put their entries into a table."""
        objects = self._policy.objects
        key = b" ".join((build_id(), self._key, name.encode())) if objects else b""
        content = objects.load(key) if objects else None
        if content is None:
            content = object_code(module_ir(code, [region_flow(code, region) for region in regions]))
            if objects:
                objects.store(key, content)
        module = CompiledModule.from_object(content)
        count = _read_words(module.variable(_ENTRY_COUNT), 1)[0]
        entries = _read_words(module.variable(_ENTRIES), 2 * int(count))
        table[entries[::2] >> 2] = entries[1::2]
        return module


def _read_words(address: int, count: int) -> _Table:
    return np.ctypeslib.as_array((ctypes.c_uint64 * count).from_address(address))


def module_ir(code: CodeMap, flows: list[Flow]) -> str:
    """The IR of regions that are compiled together, with the list of their entries (pc, function)."""
    local = frozenset(flow.start for flow in flows)
    functions = [FunctionTranslator(flow, local, code).translate() for flow in flows]
    entries = [
        f"{{i64, ptr}} {{i64 {pc}, ptr {function_name(flow.start)}}}" for flow in flows for pc in flow.needs
    ]
    table = f"@{_ENTRIES} = constant [{len(entries)} x {{i64, ptr}}] [{', '.join(entries)}]\n"
    table += f"@{_ENTRY_COUNT} = constant i64 {len(entries)}\n"
    declarations = "declare i32 @llvm.fshr.i32(i32, i32, i32)\n" + float_declarations()
    return "".join((declarations, store_function(), *functions, table, METADATA))


class TranslationCache:
    """Translations by program content; the least recently used go first."""

    def __init__(self, policy: CompilePolicy, limit: int = CACHED_PROGRAMS_LIMIT) -> None:
        self._policy = policy
        self._limit = limit
        self._lock = threading.Lock()
        self._translations: OrderedDict[bytes, Translation] = OrderedDict()

    def get(self, program: Program) -> Translation:
        """The translation of `program`, new or shared."""
        key = program_key(program)
        with self._lock:
            known = self._translations.get(key)
        # Outside the lock: a large program must not keep others from starting.
        translation = known or Translation(program, self._policy)
        with self._lock:
            translation = self._translations.pop(key, translation)
            self._translations[key] = translation
            while len(self._translations) > self._limit:
                self._translations.popitem(last=False)
        return translation


def program_key(program: Program) -> bytes:
    """A digest of everything about a program that its translation depends on."""
    digest = hashlib.sha256(program.entry.to_bytes(8, "little"))
    for segment in program.segments:
        digest.update(segment.address.to_bytes(8, "little"))
        digest.update(len(segment.content).to_bytes(8, "little"))
        digest.update(bytes([segment.is_executable]))
        digest.update(segment.content)
    return digest.digest()
