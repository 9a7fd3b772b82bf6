"""A program's translation, shared by all its runs: units are compiled when a run first needs them."""

import ctypes
import hashlib
import mmap
import threading
from collections import OrderedDict

import numpy as np

from truestep.engine.analysis import CodeMap, map_code
from truestep.engine.compile import CompiledModule
from truestep.engine.flow import Flow, region_flow
from truestep.engine.layout import MAP_NORESERVE, TABLE_SIZE_BYTES
from truestep.engine.support import METADATA, store_function
from truestep.engine.translate import FunctionTranslator, function_name
from truestep.machine.program import Program

CACHED_PROGRAMS_LIMIT = 16
"""A worker runs a few programs over and over; a translation is a few MiB."""
FREE_WORDS = 16_384
"""Units are compiled at first touch up to this much of a program, later ones when they prove hot."""
HOT_STEPS_PER_WORD = 16
"""Stepping a word this often costs about what compiling it does: compiling stays in proportion to running."""

_ENTRIES = "entries"


class Translation:
    """The compiled units of one program, and the table that leads into them."""

    def __init__(self, program: Program) -> None:
        self.code: CodeMap = map_code(program)
        self._lock = threading.Lock()
        self._modules: dict[int, CompiledModule] = {}
        self._steps: dict[int, int] = {}
        self._compiled_words = 0
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._mapping = mmap.mmap(-1, TABLE_SIZE_BYTES, flags=flags)
        self._table = np.frombuffer(self._mapping, np.uint64)
        self.table_address = self._table.ctypes.data

    def has_entry(self, pc: int) -> bool:
        """Whether translated code can continue at `pc`, an aligned address of the code range."""
        return bool(self._table[pc >> 2])

    def prepare(self, pc: int) -> bool:
        """Compile the unit of `pc` if it is worth it; whether translated code has come to go on at `pc`."""
        unit = self._unit_of(pc)
        if unit is None or unit in self._modules:
            return False
        with self._lock:
            if unit not in self._modules and self._is_worth_compiling(unit):
                self._compile(unit)
            return self.has_entry(pc)

    def note_steps(self, pc: int, steps: int) -> None:
        """Tell that `steps` instructions from `pc` on had to be stepped: their unit becomes worth compiling."""
        unit = self._unit_of(pc)
        if unit is not None:
            with self._lock:
                self._steps[unit] = self._steps.get(unit, 0) + steps

    def _unit_of(self, pc: int) -> int | None:
        region = self.code.region_of(pc)
        return None if region is None else int(self.code.units[region])

    def _is_worth_compiling(self, unit: int) -> bool:
        size_words = self.code.size_words(unit)
        is_free = self._compiled_words + size_words <= FREE_WORDS
        return is_free or self._steps.get(unit, 0) >= HOT_STEPS_PER_WORD * size_words

    def _compile(self, unit: int) -> None:
        flows = [region_flow(self.code, region) for region in self.code.regions_of_unit(unit)]
        module = CompiledModule(unit_ir(flows))
        count = sum(len(flow.needs) for flow in flows)
        address = module.variable(_ENTRIES)
        entries = np.ctypeslib.as_array((ctypes.c_uint64 * (2 * count)).from_address(address))
        self._modules[unit] = module
        self._compiled_words += self.code.size_words(unit)
        self._table[entries[::2] >> 2] = entries[1::2]


def unit_ir(flows: list[Flow]) -> str:
    """The IR of regions that are compiled together, with the list of their entries (pc, function)."""
    local = frozenset(flow.start for flow in flows)
    functions = [FunctionTranslator(flow, local).translate() for flow in flows]
    entries = [
        f"{{i64, ptr}} {{i64 {pc}, ptr {function_name(flow.start)}}}" for flow in flows for pc in flow.needs
    ]
    table = f"@{_ENTRIES} = constant [{len(entries)} x {{i64, ptr}}] [{', '.join(entries)}]\n"
    declarations = "declare i32 @llvm.fshr.i32(i32, i32, i32)\n"
    return "".join((declarations, store_function(), *functions, table, METADATA))


class TranslationCache:
    """Translations by program content; the least recently used go first."""

    def __init__(self, limit: int = CACHED_PROGRAMS_LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._translations: OrderedDict[bytes, Translation] = OrderedDict()

    def get(self, program: Program) -> Translation:
        """The translation of `program`, new or shared."""
        key = program_key(program)
        with self._lock:
            translation = self._translations.pop(key, None) or Translation(program)
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
