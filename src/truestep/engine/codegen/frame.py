"""A translated function under construction: its registers, its entries, its exit."""

from collections.abc import Iterator

from truestep.engine.analysis.code_map import CodeMap
from truestep.engine.analysis.flow import Flow, touched_by
from truestep.engine.codegen.operations import Emitter
from truestep.engine.codegen.registers import declare_floats, put_float, registers_in
from truestep.engine.codegen.support import CONTROLS, LIKELY
from truestep.engine.layout import CONTROL, CONTROL_ENTRY, register_offset

RESULT = "{i64, i64}"
"""The result of a translated function: next pc, budget left."""


def function_name(start: int) -> str:
    """The name of the function of the region that begins at `start`."""
    return f"@f_{start:x}"


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
        self._touched = touched_by(flow.blocks.values())

    def is_local(self, target: int) -> bool:
        """Whether the region that begins at `target` is compiled together with this one."""
        return target in self._local_functions

    def having(self, mask: int) -> Iterator[int]:
        """The registers of `mask` that this function has."""
        return registers_in(mask & self._touched)

    def definition(self) -> str:
        """The text of the function, once all blocks are written."""
        body = "\n".join(self.emitter.lines)
        arguments = "(ptr %memory, i64 %budget, i64 %pc, i64 %depth)"
        return (
            f"define internal {RESULT} {function_name(self.flow.start)}{arguments} nounwind {{\n{body}\n}}\n"
        )

    def return_to(self, pc: str, left: str) -> None:
        """Return a next pc and the budget left."""
        emit = self.emitter
        half = emit.value(f"insertvalue {RESULT} poison, i64 {pc}, 0")
        result = emit.value(f"insertvalue {RESULT} {half}, i64 {left}, 1")
        emit.line(f"ret {RESULT} {result}")

    # --- ways in --------------------------------------------------------------------------------------------

    def write_prologue(self) -> None:
        """Write allocas and the paths to the entries. An entry inside a loop is reached through its head."""
        emit, start = self.emitter, self.flow.start
        emit.label("entry")
        self._declare()
        others = [pc for pc in self.flow.needs if pc != start]
        if others:
            is_start = emit.value(f"icmp eq i64 %pc, {start}")
            emit.line(f"br i1 {is_start}, label %start, label %again, {LIKELY}")
        else:
            emit.line("br label %start")
        emit.label("start")
        self._enter(start)
        if others:
            emit.label("again")
            self._write_other_entries(others)

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

    def write_dispatch(self) -> None:
        """Write the single place from which indirect jumps go on within the function."""
        emit = self.emitter
        emit.label("dispatch")
        target = emit.value("load i64, ptr %indirect")
        cases = " ".join(f"i64 {pc}, label %{block_label(pc)}" for pc in self.flow.dispatched)
        emit.line(f"switch i64 {target}, label %outside [{cases}]")
        emit.label("outside")
        for register in self.having(self.indirect_changed):
            value = emit.value(f"load i64, ptr %x{register}")
            emit.line(f"store i64 {value}, ptr %s{register}, {CONTROLS}")
        self.return_to(target, emit.value("load i64, ptr %count"))

    def _declare(self) -> None:
        emit = self.emitter
        declare_floats(emit, self.flow.forms)
        for register in registers_in(self._touched):
            emit.line(f"%x{register} = alloca i64")
            emit.line(f"%s{register} = getelementptr i8, ptr %memory, i64 {register_offset(register)}")
        emit.line(f"%entry.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_ENTRY}")
        emit.line("%indirect = alloca i64")
        emit.line("%count = alloca i64")
        emit.line("store i64 %budget, ptr %count")

    def _write_other_entries(self, entries: list[int]) -> None:
        emit = self.emitter
        outermost = {pc: heads[0] for pc, heads in self.flow.ways_in.items() if heads and pc in entries}
        direct = [pc for pc in entries if pc not in outermost]
        self._write_switch(
            "%pc", [*((pc, f"enter_{pc:x}") for pc in direct), *((pc, "inward") for pc in outermost)]
        )
        for pc in direct:
            emit.label(f"enter_{pc:x}")
            self._enter(pc)
        if outermost:
            emit.label("inward")
            emit.line(f"store volatile i64 %pc, ptr %entry.at, {CONTROLS}")
            self._write_switch("%pc", [(pc, block_label(head)) for pc, head in outermost.items()])
        emit.label("unknown")
        self.return_to("%pc", "%budget")

    def _write_switch(self, value: str, ways: list[tuple[int, str]]) -> None:
        cases = " ".join(f"i64 {pc}, label %{label}" for pc, label in ways)
        self.emitter.line(f"switch i64 {value}, label %unknown [{cases}]")

    def _enter(self, pc: int) -> None:
        """Load all registers from the control block in the form that a block expects, and go there."""
        emit = self.emitter
        forms = self.flow.forms.entry.get(pc, {})
        for register in registers_in(self._touched):
            value = emit.value(f"load i64, ptr %s{register}, {CONTROLS}")
            emit.line(f"store i64 {value}, ptr %x{register}")
            if register in forms:
                put_float(emit, register, forms[register], value)
        emit.line(f"br label %{block_label(pc)}")
