"""A translated function under construction: its registers, its entries, its exits."""

from collections.abc import Iterator

from truestep.engine.analysis.code_map import ALL_REGISTERS, CodeMap
from truestep.engine.analysis.flow import PINNED_MASK, Flow, touched_by
from truestep.engine.codegen.operations import Emitter
from truestep.engine.codegen.registers import declare_floats, put_float, registers_in
from truestep.engine.codegen.support import CONTROLS, LIKELY, PARAMETERS, RESULT, UNLIKELY, arguments
from truestep.engine.layout import CONTROL, CONTROL_ENTRY, CONTROL_LEAVE, PINNED, register_offset


def function_name(start: int) -> str:
    """The name of the function of the region that begins at `start`."""
    return f"@f_{start:x}"


def dispatch_name(start: int) -> str:
    """The name of the table of what indirect jumps of a function reach in it."""
    return f"@d_{start:x}"


def block_label(pc: int, copy: int = 0) -> str:
    """The label of a block, or of one more copy of it."""
    return f"b_{pc:x}_{copy}" if copy else f"b_{pc:x}"


class Frame:
    """The parts that the blocks of one function share."""

    def __init__(self, flow: Flow, local_functions: frozenset[int], code: CodeMap) -> None:
        self.flow = flow
        self.code = code
        self.emitter = Emitter()
        self.indirect_changed = 0
        """Registers that may differ from the control block where indirect jumps meet, by bit."""
        self._local_functions = local_functions
        self._touched = touched_by(flow.blocks.values()) | PINNED_MASK
        self._numbers = {pc: number for number, pc in enumerate(flow.needs, 1)}

    def is_local(self, target: int) -> bool:
        """Whether the region that begins at `target` is compiled together with this one."""
        return target in self._local_functions

    def having(self, mask: int) -> Iterator[int]:
        """The registers of `mask` that this function takes from the control block and brings back there."""
        return registers_in(mask & self._touched & ~self.flow.homed)

    def definition(self) -> str:
        """The text of the function, once all blocks are written."""
        body = "\n".join(self.emitter.lines)
        name = function_name(self.flow.start)
        function = f"define internal preserve_nonecc {RESULT} {name}({PARAMETERS}) nounwind {{\n{body}\n}}\n"
        return self._dispatch_tables() + function

    def dispatch_places(self) -> range:
        """The addresses that the table of indirect jumps has."""
        return range(self.flow.dispatched[0], self.flow.dispatched[-1] + 4, 4)

    def _dispatch_tables(self) -> str:
        """The blocks that indirect jumps reach by their addresses, and by the numbers of the entries."""
        if not self.flow.goes_by_table:
            return ""
        function, name = function_name(self.flow.start), dispatch_name(self.flow.start)
        targets = {pc: f"ptr blockaddress({function}, %{block_label(pc)})" for pc in self.flow.dispatched}
        outside = f"ptr blockaddress({function}, %outside)"
        places = [targets.get(pc, outside) for pc in self.dispatch_places()]
        numbers = [outside, *(targets.get(pc, outside) for pc in self._numbers)]
        return (
            f"{name} = internal constant [{len(places)} x ptr] [{', '.join(places)}]\n"
            f"{name}_numbers = internal constant [{len(numbers)} x ptr] [{', '.join(numbers)}]\n"
        )

    def pinned(self) -> dict[int, str]:
        """The pinned registers from their variables."""
        return {register: self.emitter.value(f"load i64, ptr %x{register}") for register in PINNED}

    def shared(self, word: int) -> str:
        """The address of a function that all translated code shares, from the control block."""
        at = self.emitter.value(f"getelementptr i8, ptr %memory, i64 {CONTROL + 8 * word}")
        return self.emitter.value(f"load ptr, ptr {at}, {CONTROLS}")

    def leave(self, left: str, pc: str, pinned: dict[int, str]) -> None:
        """Return to `run`, which goes on at `pc`."""
        self.go_on(self.shared(CONTROL_LEAVE), left, pc, pinned, " cold")

    def go_on(
        self, function: str, left: str, entry: str, pinned: dict[int, str], attributes: str = ""
    ) -> None:
        """Go on in another function, at one of its entries, with the pinned registers as they are given.

        The others are 0, never poison: LLVM merges the ends of two functions' ways out, and where an argument
        is undefined in one it may drop the other's.
        """
        passed = arguments(left, entry, [pinned.get(register, "0") for register in PINNED])
        result = self.emitter.value(
            f"musttail call preserve_nonecc {RESULT} {function}({passed}){attributes}"
        )
        self.emitter.line(f"ret {RESULT} {result}")

    def write_trap(self) -> None:
        """Write where traps leave from. A final state has no registers to store."""
        self.emitter.label("trapping")
        marker = self.emitter.value("load i64, ptr %trap")
        self.leave(self.emitter.value("load i64, ptr %count"), marker, {})

    # --- ways in --------------------------------------------------------------------------------------------

    def write_prologue(self) -> None:
        """Write allocas and the paths to the entries. An entry inside a loop is reached through its head."""
        emit, start = self.emitter, self.flow.start
        emit.label("entry")
        self._declare()
        if self.flow.is_baseline:
            for register in PINNED:
                emit.line(f"store i64 %p{register}, ptr %x{register}")
        others = [pc for pc in self.flow.needs if pc != start]
        if others:
            is_start = emit.value(f"icmp eq i64 %number, {self._numbers[start]}")
            emit.line(f"br i1 {is_start}, label %start, label %again")
        else:
            emit.line("br label %start")
        emit.label("start")
        self._enter(start)
        if others:
            emit.label("again")
            self._write_other_entries(others)
        if self.flow.outer:
            emit.label("short")
            pinned = {register: f"%p{register}" for register in PINNED}
            self.leave("%budget", emit.value("load i64, ptr %indirect"), pinned)

    def write_way_in(self, head: int) -> None:
        """Write the start of a loop's head, from which an entry inside the loop is reached."""
        emit = self.emitter
        ways = {pc: heads for pc, heads in self.flow.ways_in.items() if head in heads}
        if not ways:
            return
        name = block_label(head)
        entry = emit.value(f"load volatile i64, ptr %entry.at, {CONTROLS}")
        is_passing = emit.value(f"icmp eq i64 {entry}, 0")
        emit.line(f"br i1 {is_passing}, label %{name}_head, label %{name}_ways, {LIKELY}")
        emit.label(f"{name}_ways")
        inner = {pc: heads[heads.index(head) + 1] for pc, heads in ways.items() if heads[-1] != head}
        arrived = [pc for pc in ways if pc not in inner]
        further = [(pc, block_label(to)) for pc, to in inner.items()]
        self._write_switch(entry, [*further, *((pc, f"enter_{pc:x}") for pc in arrived)])
        for pc in arrived:
            emit.label(f"enter_{pc:x}")
            emit.line(f"store volatile i64 0, ptr %entry.at, {CONTROLS}")
            self._enter(pc)
        emit.label(f"{name}_head")

    def _declare(self) -> None:
        emit = self.emitter
        declare_floats(emit, self.flow.forms)
        for register in registers_in(self._touched):
            place = f"getelementptr i8, ptr %memory, i64 {register_offset(register)}"
            is_homed = self.flow.homed >> register & 1
            emit.line(f"%x{register} = {place if is_homed else 'alloca i64'}")
            if register not in PINNED and not is_homed:
                emit.line(f"%s{register} = {place}")
        emit.line(f"%entry.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_ENTRY}")
        emit.line("%indirect = alloca i64")
        emit.line("%trap = alloca i64")
        emit.line("%count = alloca i64")
        emit.line("%joined = alloca ptr")
        emit.line("store i64 %budget, ptr %count")

    def _write_other_entries(self, entries: list[int]) -> None:
        emit = self.emitter
        outermost = {pc: heads[0] for pc, heads in self.flow.ways_in.items() if heads and pc in entries}
        joining = [pc for pc in entries if pc in self.flow.dispatched] if self.flow.goes_by_table else []
        direct = [pc for pc in entries if pc not in outermost and pc not in joining]
        ways = {"inward": outermost, "joining": joining}
        self._write_switch(
            "%number",
            [
                *((pc, f"enter_{pc:x}") for pc in direct),
                *((pc, way) for way, entered in ways.items() for pc in entered),
            ],
        )
        for pc in direct:
            emit.label(f"enter_{pc:x}")
            self._enter(pc)
        if joining:
            self._write_joining()
        if outermost:
            emit.label("inward")
            emit.line(f"store volatile i64 %number, ptr %entry.at, {CONTROLS}")
            self._write_switch("%number", [(pc, block_label(head)) for pc, head in outermost.items()])
        emit.label("unknown")
        emit.line("unreachable")

    def _write_joining(self) -> None:
        """Write the way in to the targets of indirect jumps: it goes where these choose among them.

        They get all registers, of which each has one value there, whichever way it came.
        """
        emit = self.emitter
        emit.label("joining")
        for register in self.having(ALL_REGISTERS):
            value = f"%p{register}"
            if register not in PINNED:
                value = emit.value(f"load i64, ptr %s{register}, {CONTROLS}")
            emit.line(f"store i64 {value}, ptr %x{register}")
        emit.line("store i64 0, ptr %indirect")
        numbers = f"{dispatch_name(self.flow.start)}_numbers"
        at = emit.value(f"getelementptr ptr, ptr {numbers}, i64 %number")
        emit.line(f"store ptr {emit.value(f'load ptr, ptr {at}')}, ptr %joined")
        emit.line("br label %within")

    def write_chosen(self, block: str) -> None:
        """Write where indirect jumps go on, at the address of a block."""
        emit = self.emitter
        emit.line(f"store ptr {block}, ptr %joined")
        emit.line("br label %within")
        emit.label("within")
        chosen = emit.value("load ptr, ptr %joined")
        labels = ", ".join(f"label %{block_label(pc)}" for pc in self.flow.dispatched)
        emit.line(f"indirectbr ptr {chosen}, [label %outside, {labels}]")

    def _write_switch(self, number: str, ways: list[tuple[int, str]]) -> None:
        """Go to the label of the entry with a number; the table of entries holds no others."""
        cases = " ".join(f"i64 {self._numbers[pc]}, label %{label}" for pc, label in ways)
        self.emitter.line(f"switch i64 {number}, label %unknown [{cases}]")

    def _enter(self, pc: int) -> None:
        """Take the registers that are wanted there in the form that a block expects, and go there."""
        emit = self.emitter
        if pc in self.flow.outer:
            is_short = emit.value(f"icmp slt i64 %budget, {self.flow.needs[pc]}")
            enough = emit.name("enough")
            emit.line(f"store i64 {pc}, ptr %indirect")
            emit.line(f"br i1 {is_short}, label %short, label %{enough}, {UNLIKELY}")
            emit.label(enough)
        forms = self.flow.forms.entry.get(pc, {})
        for register in self.having(self.flow.wanted[pc]):
            value = f"%p{register}"
            if register not in PINNED:
                value = emit.value(f"load i64, ptr %s{register}, {CONTROLS}")
            if register not in PINNED or not self.flow.is_baseline:
                emit.line(f"store i64 {value}, ptr %x{register}")
            if register in forms:
                put_float(emit, register, forms[register], value)
        emit.line(f"br label %{block_label(pc)}")
