"""A program's translation, shared by all its runs: code is compiled when a run first needs it.

Mapped code is compiled in units. If a run often comes to an address at which no unit can continue (the middle
of a block, a jump into constants), a piece of code from there on is compiled separately.
"""

import ctypes
import hashlib
import mmap
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from truestep.base.errors import Bug
from truestep.engine.analysis.code_map import CodeMap, map_code, map_piece
from truestep.engine.analysis.flow import Flow, region_flow
from truestep.engine.codegen.floats import float_declarations
from truestep.engine.codegen.frame import function_name
from truestep.engine.codegen.support import METADATA
from truestep.engine.codegen.translate import translate_region
from truestep.engine.compilation.compile import (
    CompiledModule,
    leave_at_address,
    load_floats,
    shared_templates,
)
from truestep.engine.compilation.compile_jobs import Compile
from truestep.engine.compilation.compiler_process import CompilerProcess
from truestep.engine.compilation.kept_heat import KeptHeat
from truestep.engine.compilation.loading import ExecutableCode
from truestep.engine.compilation.object_cache import ObjectCache, build_id
from truestep.engine.compilation.object_code import Tier, object_code
from truestep.engine.compilation.samples import Part, Samples
from truestep.engine.host import has_templates
from truestep.engine.layout import ENTRY_BITS, ENTRY_MASK, MAP_NORESERVE, TABLE_SIZE_BYTES
from truestep.engine.templates.units import MachineCode, unit_code
from truestep.machine.layout import may_fetch
from truestep.machine.program import Program

CACHED_PROGRAMS_LIMIT = 16
"""A worker runs a few programs again and again; a translation is a few MiB."""
CACHED_CONTENT_LIMIT_BYTES = 256 << 20
"""The content of these programs together, which their translations keep: four of the largest."""
STEP_IN_WALKS = 256
"""A step of the reference machine takes as long as so many walked instructions."""
PIECE_LIMIT = 1_024
"""Pieces of one program; each is a separate module."""
KEPT_CYCLES, KEPT_SHARE = 1 << 26, 4
"""How many cycles are noted before they are kept on disk, and what share of all: more and more seldom."""
AGAIN_PROCESSES = 3
"""A program that ran will run again, the more often the more it did: for each process that ran it before, up
to so many, half the cycles make a part hot."""
INTERPRETER_FACTOR = 64
"""How many times more cycles make an interpreter's loop hot: LLVM's code for it takes as long as that from
templates, within 5 %, and nothing takes LLVM longer (docs/decisions/0067)."""
BASELINE_GAIN = 1 / 16
"""How much a cycle in baseline code says for compiling it, compared with a walked instruction: it takes a
quarter of the time, and better code takes four times as long to compile."""
JOINED_LIMIT_BYTES = 64 << 20
"""Code from templates of one program: of a million instructions or more."""
STEPPED_ADDRESSES_LIMIT = 1 << 14
"""Addresses whose steps are counted; beyond, counting starts again. No more parts are looked for on disk."""

_ENTRIES, _ENTRY_COUNT = "entries", "entry_count"
_JOINED = b"JOINED"
_Table = NDArray[np.uint64]
_NO_SLOTS = np.zeros(0, np.uint64)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompilePolicy:
    """When code is worth compiling. By default the cost of compiling is in proportion to the run.

    Steps are counted in walked instructions (engine.walk); one of the reference machine is as good as
    `STEP_IN_WALKS` of them.
    """

    free_cost: int = 16_384
    """Up to this much of a program, units are compiled when first reached; later ones when they are hot."""
    hot_steps_per_cost: int = 16_384
    """Walking an instruction this often costs about as much as compiling it."""
    piece_steps: int = 1 << 20
    """Steps from one address before a piece is compiled there."""
    warm_up_steps: int = 0
    """Steps before anything is compiled: most short runs are over by then."""
    walk_after_steps: int = 4_096
    """Instructions stepped by the reference machine in one run that take as long as compiling the walk; where
    it is at hand, nothing is stepped that can be walked."""
    optimise_cycles_per_cost: int | None = None
    """Cycles in code of the first tier that cost about as much as compiling it better. With None there is no
    such code: everything is optimised at once."""
    sample_cycles: int = 1 << 24
    """While there is such code, runs stop this often to see where they are; less often elsewhere."""
    joins: bool = field(default_factory=has_templates)
    """Whether the first tier is joined from templates (engine.templates); else LLVM makes baseline code."""
    objects: ObjectCache | None = None
    """Where compiled code is kept for other processes; None means nowhere."""
    compiler: CompilerProcess | None = None
    """Compiles in the background while runs go on. With None, runs wait while this process compiles."""


class Translation:
    """The compiled units and pieces of one program, and the tables that lead into them."""

    def __init__(self, program: Program, policy: CompilePolicy) -> None:
        self._key = program_key(program) if policy.objects else b""
        self.code: CodeMap = map_code(program)
        self._program = program
        self.policy = policy
        self._lock = threading.RLock()
        self._modules: dict[Part, CompiledModule | ExecutableCode] = {}
        self._outdated: list[CompiledModule | ExecutableCode] = []
        """Code of the first tier that has been replaced, which runs may still be in."""
        self._kept_heat = KeptHeat(policy.objects, self._object_name(b"heat"))
        before = self._kept_heat.load() if self._has_tiers else {}
        halvings = min(self._kept_heat.processes, AGAIN_PROCESSES)
        cycles_per_cost = (policy.optimise_cycles_per_cost or 0) >> halvings
        self._samples = Samples(self.code, cycles_per_cost, before)
        self._begun: set[Part] = set()
        self._looked_for: set[Part] = set()
        self._unit_steps: dict[Part, int] = {}
        self._piece_steps: dict[Part, int] = {}
        self._all_steps = 0
        self.compiled_cost = 0
        """The cost of the units that were compiled in this process, in plain instructions."""
        self._piece_count = 0
        self._slots: dict[Part, _Table] = {}
        """The slots of the table that parts have taken; pieces take what no other part has."""
        self._joined_bytes = 0
        """The size of all code that was joined from templates."""
        self._trouble: Exception | None = None
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._mapping = mmap.mmap(-1, TABLE_SIZE_BYTES, flags=flags)
        self._table = np.frombuffer(self._mapping, np.uint64)
        self.table_address = self._table.ctypes.data
        first, end = self.code.table_first, self.code.table_first + self.code.table_count + 1
        self._table[first:end] = leave_at_address() << ENTRY_BITS

    @property
    def content_size_bytes(self) -> int:
        """How many bytes of its program it holds."""
        return sum(len(segment.content) for segment in self._program.segments)

    def has_entry(self, pc: int) -> bool:
        """Whether translated code can continue at `pc`, an aligned address of the code range."""
        return bool(self._table[pc >> 2] & ENTRY_MASK)

    def prepare(self, pc: int) -> bool:
        """Compile the code at `pc` if it is worth it, at once or in the background.

        Returns whether translated code can now continue there.
        """
        if self.has_entry(pc):
            return False
        with self._lock:
            if self._trouble:
                raise Bug(f"the translator failed: {self._trouble!r}") from self._trouble
            part = self._part_at(pc)
            if part not in self._begun and not self._enter_kept(part) and self._is_worth_compiling(part):
                self._begin(part)
            return self.has_entry(pc)

    def note_steps(self, pc: int, steps: int) -> None:
        """Note that steps from `pc` on were necessary, which makes compiling worth more."""
        with self._lock:
            self._all_steps += steps
            part = self._part_at(pc)
            noted = self._unit_steps if part.is_unit else self._piece_steps
            if len(self._piece_steps) >= STEPPED_ADDRESSES_LIMIT:
                self._piece_steps.clear()
            noted[part] = noted.get(part, 0) + steps

    def note_sample(self, pc: int, cycles: int) -> bool:
        """Note that a run of so many cycles came to `pc`. Returns whether it should look again soon."""
        if self.policy.optimise_cycles_per_cost is None:
            return False
        with self._lock:
            part = self._samples.note(pc, cycles)
            if part:
                self._optimise(part)
            if self._samples.unkept >= max(KEPT_CYCLES, sum(self._samples.cycles.values()) // KEPT_SHARE):
                self._samples.unkept = 0
                self._kept_heat.store(self._samples.cycles)
            return self._samples.has_any or not (may_fetch(pc) and self.has_entry(pc))

    def _part_at(self, pc: int) -> Part:
        """The unit with `pc`, or a piece if there is none or the compiled unit has no entry there."""
        region = self.code.region_of(pc)
        if region is not None:
            unit = Part(is_unit=True, place=int(self.code.units[region]))
            if unit not in self._modules:
                return unit
        return Part(is_unit=False, place=pc)

    def _is_worth_compiling(self, part: Part) -> bool:
        policy = self.policy
        if self._all_steps < policy.warm_up_steps:
            return False
        if not part.is_unit:
            return self._piece_steps.get(part, 0) >= policy.piece_steps and self._piece_count < PIECE_LIMIT
        cost = self.code.cost_of(part.place)
        is_free = self.compiled_cost + cost <= policy.free_cost
        return is_free or self._unit_steps.get(part, 0) >= policy.hot_steps_per_cost * cost

    def _enter_kept(self, part: Part) -> bool:
        """Enter a part that was kept on disk, which is free. Returns whether there was one; asked once."""
        if part in self._looked_for or len(self._looked_for) >= STEPPED_ADDRESSES_LIMIT:
            return False
        self._looked_for.add(part)
        has_baseline = self._has_tiers and not self.policy.joins
        for tier in (Tier.OPTIMISED, *((Tier.BASELINE,) if has_baseline else ())):
            content = self._kept(part, tier)
            if content is not None:
                self._begun.add(part)
                self._piece_count += not part.is_unit
                self._enter(part, content, tier)
                return True
        if self._has_tiers and self.policy.joins and self.policy.objects:
            packed = self.policy.objects.load(self._object_name(part.name.encode(), _JOINED))
            if packed is not None:
                self._begun.add(part)
                self._piece_count += not part.is_unit
                self._enter_joined(part, MachineCode.unpacked(packed))
                return True
        return False

    def _watch(self, part: Part) -> None:
        """Note that a part has code of the first tier, and have it compiled if it is hot already."""
        factor = INTERPRETER_FACTOR if self._is_joined(part, self.code.is_interpreter) else 1
        if self._samples.watch(part, factor):
            self._optimise(part)

    def _optimise(self, part: Part) -> None:
        """Compile a part that has code of the first tier better, unless that is no better."""
        self._samples.forget(part)
        # Code from templates need not leave functions that jump all over, and so is as fast.
        if not self._is_joined(part, self.code.is_scattered):
            self._submit(part, Tier.OPTIMISED)

    def _is_joined(self, part: Part, is_such: Callable[[int], bool]) -> bool:
        """Whether it is a unit with code from templates and with such a region."""
        is_joined = part.is_unit and isinstance(self._modules[part], ExecutableCode)
        return is_joined and any(map(is_such, part.regions_in(self.code)))

    @property
    def _has_tiers(self) -> bool:
        return self.policy.optimise_cycles_per_cost is not None

    def _begin(self, part: Part) -> None:
        """Compile a part now, or arrange that it is compiled soon. A failure is not tried again."""
        self._begun.add(part)
        self.compiled_cost += self.code.cost_of(part.place) if part.is_unit else 0
        self._piece_count += not part.is_unit
        if not self._has_tiers:
            self._submit(part, Tier.OPTIMISED)
        elif self.policy.joins and self._joined_bytes < JOINED_LIMIT_BYTES:
            self._join(part)
        else:
            self._submit(part, Tier.BASELINE)

    def _join(self, part: Part) -> None:
        """Make a part's first code from templates, at once."""
        code = self._code_of(part)
        if code is not None:
            made = unit_code(code, part.regions_in(code), shared_templates())
            if self.policy.objects:
                self.policy.objects.store(self._object_name(part.name.encode(), _JOINED), made.packed())
            self._enter_joined(part, made)

    def _enter_joined(self, part: Part, made: MachineCode) -> None:
        """Put the entries of joined code into the table."""
        if made.calls_floats:
            load_floats()
        module = ExecutableCode(made.content, made.tables.tolist())
        self._joined_bytes += len(made.content)
        words = made.places + np.uint64(module.address) << ENTRY_BITS | np.uint64(1)
        self._place(part, module, made.pcs >> np.uint64(2), words)
        self._watch(part)

    def _code_of(self, part: Part) -> CodeMap | None:
        return self.code if part.is_unit else map_piece(self._program, part.place)

    def _submit(self, part: Part, tier: Tier) -> None:
        if self.policy.compiler is None:
            self._compile(part, tier, self._compile_here)
        else:
            # By the time it is done, the program may no longer be in use.
            translation = weakref.ref(self)
            self.policy.compiler.submit(
                lambda compile_ir: (
                    alive.compile_later(part, tier, compile_ir) if (alive := translation()) else None
                ),
                lambda: alive.heat_of(part) if (alive := translation()) else 0.0,
            )

    def _compile_here(
        self, ir: str, key: bytes = b"", heat: float = 0.0, tier: Tier = Tier.OPTIMISED
    ) -> bytes:
        """Compile in this process, and keep the code on disk."""
        del heat  # nothing else waits
        content = object_code(ir, tier)
        if self.policy.objects:
            self.policy.objects.store(key, content)
        return content

    def heat_of(self, part: Part) -> float:
        """The use of compiling it: steps that its code has cost so far, for the cost of compiling it."""
        steps = self._unit_steps.get(part, 0) if part.is_unit else self._piece_steps.get(part, 0)
        return steps / part.cost_in(self.code) + self._samples.cycles_per_cost(part) * BASELINE_GAIN

    def compile_later(self, part: Part, tier: Tier, compile_ir: Compile) -> None:
        """Compile and enter a part in the background."""
        try:
            self._compile(part, tier, compile_ir)
        except Exception as error:  # in another thread: raised in the next run
            self._trouble = error

    def _compile(self, part: Part, tier: Tier, compile_ir: Compile) -> None:
        """Compile a part, or take it from disk, and enter it."""
        content = self._kept(part, tier)
        if content is None:
            code = self._code_of(part)
            if code is None:
                return
            is_baseline = tier is Tier.BASELINE
            flows = [region_flow(code, each, is_baseline=is_baseline) for each in part.regions_in(code)]
            key = self._object_key(part, tier) if self.policy.objects else b""
            content = compile_ir(module_ir(code, flows), key, self.heat_of(part), tier)
            if content is None:
                return
        self._enter(part, content, tier)

    def _enter(self, part: Part, content: bytes, tier: Tier) -> None:
        """Load object code and put its entries into a table, over those of a lower tier.

        Never into the slot after the last: all jumps that go astray look there.
        """
        module = CompiledModule.from_object(content)
        count = _read_words(module.variable(_ENTRY_COUNT), 1)[0]
        entries = _read_words(module.variable(_ENTRIES), 3 * int(count))
        slots: _Table = (entries[::3] >> 2).astype(np.uint64)
        with self._lock:
            self._place(part, module, slots, entries[1::3] << ENTRY_BITS | entries[2::3])
            if tier is Tier.BASELINE:
                self._watch(part)

    def _place(
        self,
        part: Part,
        module: CompiledModule | ExecutableCode,
        slots: _Table,
        words: NDArray[np.integer[Any]],
    ) -> None:
        """Put the entries of a part into their slots of the table, instead of those that it had."""
        before, own = self._modules.get(part), self._slots.get(part, _NO_SLOTS)
        self._modules[part] = module
        is_taken = slots != self.code.table_first + self.code.table_count
        if not part.is_unit:
            is_taken &= (self._table[slots] & ENTRY_MASK == 0) | np.isin(slots, own)
        self._table[slots[is_taken]] = words[is_taken]
        self._slots[part] = slots[is_taken]
        if before is not None:
            # Runs that come by an entry that only the first tier has do not stay in that.
            self._table[np.setdiff1d(own, slots)] = leave_at_address() << ENTRY_BITS
            self._outdated.append(before)

    def _kept(self, part: Part, tier: Tier) -> bytes | None:
        objects = self.policy.objects
        return objects.load(self._object_key(part, tier)) if objects else None

    def _object_key(self, part: Part, tier: Tier) -> bytes:
        return self._object_name(part.name.encode(), tier.name.encode())

    def _object_name(self, *parts: bytes) -> bytes:
        """The name of what is kept of the program; none if nothing is."""
        return b" ".join((build_id(), self._key, *parts)) if self.policy.objects else b""


def _read_words(address: int, count: int) -> _Table:
    return np.ctypeslib.as_array((ctypes.c_uint64 * count).from_address(address))


def module_ir(code: CodeMap, flows: list[Flow]) -> str:
    """The IR of regions that are compiled together, with a list of their entries (pc, function, number)."""
    local = frozenset(flow.start for flow in flows)
    functions = [translate_region(flow, local, code) for flow in flows]
    entries = [
        f"{{i64, ptr, i64}} {{i64 {pc}, ptr {function_name(flow.start)}, i64 {number}}}"
        for flow in flows
        for number, pc in enumerate(flow.needs, 1)
    ]
    table = f"@{_ENTRIES} = constant [{len(entries)} x {{i64, ptr, i64}}] [{', '.join(entries)}]\n"
    table += f"@{_ENTRY_COUNT} = constant i64 {len(entries)}\n"
    declarations = "declare i32 @llvm.fshr.i32(i32, i32, i32)\n"
    declarations += "declare void @llvm.prefetch.p0(ptr, i32, i32, i32)\n" + float_declarations()
    return "".join((declarations, *functions, table, METADATA))


class TranslationCache:
    """Translations by program content; the least recently used are dropped first."""

    def __init__(
        self,
        policy: CompilePolicy,
        limit: int = CACHED_PROGRAMS_LIMIT,
        limit_bytes: int = CACHED_CONTENT_LIMIT_BYTES,
    ) -> None:
        self._policy = policy
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._translations: OrderedDict[bytes, Translation] = OrderedDict()

    def get(self, program: Program) -> Translation:
        """The translation of `program`, new or shared."""
        key = program_key(program)
        with self._lock:
            known = self._translations.get(key)
        # Outside the lock, so that a large program does not keep others from starting.
        translation = known or Translation(program, self._policy)
        with self._lock:
            translation = self._translations.pop(key, translation)
            self._translations[key] = translation
            while len(self._translations) > self._limit or self._is_over_size():
                self._translations.popitem(last=False)
        return translation

    def _is_over_size(self) -> bool:
        """Whether there is more than one and they hold too much."""
        kept = self._translations.values()
        return len(kept) > 1 and sum(each.content_size_bytes for each in kept) > self._limit_bytes


def program_key(program: Program) -> bytes:
    """A digest of everything in a program that its translation depends on."""
    digest = hashlib.sha256(program.entry.to_bytes(8, "little"))
    for segment in program.segments:
        digest.update(segment.address.to_bytes(8, "little"))
        digest.update(len(segment.content).to_bytes(8, "little"))
        digest.update(bytes([segment.is_executable]))
        digest.update(segment.content)
    return digest.digest()
