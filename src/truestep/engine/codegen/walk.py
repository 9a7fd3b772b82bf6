"""A small native interpreter: for code that is not worth compiling, and before exact stops.

A function for each opcode and funct3 executes a word and jumps to that of the next one, so that the processor
predicts where each kind of instruction goes on.

`walk(memory, count, stops)` executes up to `count` instructions from the control block's pc and stores the pc
that it reaches. It returns how many it executed. It stops early at an instruction that is left to the
reference machine: one that traps, ends the run or, if the processor's float unit is unknown, computes with
floats. If `stops` is true, it also stops where a jump or branch leads to translated code. It does not change
the cycle counter.
"""

from collections.abc import Callable, Mapping
from functools import partial

from truestep.engine.codegen.floats import float_declarations
from truestep.engine.codegen.operations import CONDITIONS, OPERATIONS, Emitter
from truestep.engine.codegen.support import CONTROLS, GUEST, METADATA, PAGES, UNLIKELY, store_function
from truestep.engine.codegen.walk_floats import FloatWalk
from truestep.engine.host import float_unit
from truestep.engine.layout import CONTROL, CONTROL_PC, CONTROL_TABLE, ENTRY_MASK, OPEN
from truestep.machine.arithmetic import ACCESS_SIZES_BYTES, IMMEDIATE_FORMS, SIGNED_LOADS
from truestep.machine.decode import Instruction, decode
from truestep.machine.float_words import FLOAT_OPCODE, FUSED_OPCODES
from truestep.machine.layout import CODE_END, MEMORY_SIZE_BYTES, PAGE_SHIFT

_FUNCT3 = range(8)
_SHIFTS = (1, 5)
_UPPERS = {0x37: "lui", 0x17: "auipc"}
_LOAD, _STORE, _BRANCH, _JUMP, _JUMP_REGISTER = 0x03, 0x23, 0x63, 0x6F, 0x67
_IMMEDIATES = {0x13: 26, 0x1B: 25}
"""Opcodes, and the lowest bit that distinguishes shifts."""
_REGISTERS = (0x33, 0x3B)
_FUNCT7 = (0x00, 0x01, 0x20)
_ADDRESS_MASK = MEMORY_SIZE_BYTES - 1

_SLOTS_HIGH = 5
_SLOT_MASKS = (0x7F, 0x380)
"""A word's slot: its opcode, and above it funct3, which lies 5 bits higher in the word."""
_SLOT_COUNT = 1 << 10
_PARAMETERS = "ptr %memory, i64 %{pc}, i64 %{left}, ptr %table, ptr %handlers, i64 %stops, i32 %{word}"
"""Of the function of a slot, which executes the word at the pc and goes on in that of the next word.

The handlers are the functions by slot. It returns how many instructions were left.
"""
_OWN_PARAMETERS = _PARAMETERS.format(pc="pc", left="left", word="word")

_LANDING = f"""\
jumped:
%has.jumped = icmp ne i64 %pc.next, %following
%is.stopping = icmp ne i64 %stops, 0
%is.looking = and i1 %has.jumped, %is.stopping
br i1 %is.looking, label %landing, label %onward
landing:
%index = lshr i64 %pc.next, 2
%entry.at = getelementptr i64, ptr %table, i64 %index
%known = load i64, ptr %entry.at
%number = and i64 %known, {ENTRY_MASK}
%is.entry = icmp ne i64 %number, 0
br i1 %is.entry, label %arrived, label %onward
"""

Case = Callable[[], None]
Write = Callable[["_Handler"], None]


def walk_module() -> str:
    """The IR of `walk`."""
    writers = _writers()
    bodies = {write: _Handler().body(write) for write in set(writers.values())}
    names = {body: f"slot{number}" for number, body in enumerate(sorted(set(bodies.values())))}
    entries = [names[bodies[writers[slot]]] if slot in writers else "unknown" for slot in range(_SLOT_COUNT)]
    listed = ", ".join(f"ptr @{each}" for each in entries)
    table = f"@handlers = internal constant [{_SLOT_COUNT} x ptr] [{listed}]\n"
    handlers = "".join(_function(name, body) for body, name in names.items())
    declarations = "declare i32 @llvm.fshr.i32(i32, i32, i32)\n" + float_declarations()
    return "".join((declarations, table, store_function(), _UNKNOWN, handlers, _WALK, METADATA))


def _function(name: str, body: str) -> str:
    return f"define internal preserve_nonecc i64 @{name}({_OWN_PARAMETERS}) nounwind {{\n{body}\n}}\n"


def _writers() -> dict[int, Write]:
    """What writes the function of each slot that is not left to the reference machine."""
    by_opcode: dict[int, Write] = {
        **{opcode: partial(_Handler.upper, name=name) for opcode, name in _UPPERS.items()},
        _JUMP: _Handler.jump,
    }
    writers = {opcode | f3 << 7: write for opcode, write in by_opcode.items() for f3 in _FUNCT3}
    writers[_JUMP_REGISTER] = _Handler.jump_register
    for opcode in (*_IMMEDIATES, *_REGISTERS, _LOAD, _STORE, _BRANCH):
        for funct3 in _FUNCT3:
            write = _write_of(opcode, funct3)
            if write:
                writers[opcode | funct3 << 7] = write
    if float_unit() is not None:
        for funct3 in _FUNCT3:
            writers[FLOAT_OPCODE | funct3 << 7] = partial(_Handler.floats, funct3=funct3)
            for opcode in FUSED_OPCODES:
                writers[opcode | funct3 << 7] = partial(_Handler.fused, opcode=opcode, funct3=funct3)
    return writers


def _write_of(opcode: int, funct3: int) -> Write | None:
    """What writes an instruction that its opcode and funct3 name, or all but the upper bits of it."""
    if opcode in _REGISTERS:
        found = {upper: decode(upper << 25 | funct3 << 12 | opcode) for upper in _FUNCT7}
        return partial(_Handler.by_upper, lowest=25, names=_names(found), b="%b")
    if opcode in _IMMEDIATES and funct3 in _SHIFTS:
        lowest = _IMMEDIATES[opcode]
        found = {upper: decode(upper << lowest | funct3 << 12 | opcode) for upper in range(1 << 32 - lowest)}
        names = {upper: IMMEDIATE_FORMS[name] for upper, name in _names(found).items()}
        return partial(_Handler.by_upper, lowest=lowest, names=names, b="%immediate")
    instruction = decode(funct3 << 12 | opcode)
    if instruction is None:
        return None
    if opcode in _IMMEDIATES:
        return partial(_Handler.operate, name=IMMEDIATE_FORMS[instruction.name], b="%immediate")
    write = {_LOAD: _Handler.load, _STORE: _Handler.store, _BRANCH: _Handler.branch}[opcode]
    return partial(write, name=instruction.name)


def _names(found: Mapping[int, Instruction | None]) -> dict[int, str]:
    return {number: each.name for number, each in found.items() if each}


def _dispatch() -> str:
    """Go on in the function of the word at %pc.next."""
    low, high = _SLOT_MASKS
    passed = _PARAMETERS.format(pc="pc.next", left="left.next", word="word.next")
    return f"""\
%word.next.at = getelementptr i8, ptr %memory, i64 %pc.next
%word.next = load i32, ptr %word.next.at, align 4, {GUEST}
%slot.low = and i32 %word.next, {low}
%slot.shifted = lshr i32 %word.next, {_SLOTS_HIGH}
%slot.high = and i32 %slot.shifted, {high}
%slot = or i32 %slot.low, %slot.high
%slot.wide = zext i32 %slot to i64
%handler.at = getelementptr ptr, ptr %handlers, i64 %slot.wide
%handler = load ptr, ptr %handler.at
%rest = {{}}call preserve_nonecc i64 %handler({passed})"""


_UNKNOWN = f"""
define internal preserve_nonecc i64 @unknown({_OWN_PARAMETERS}) nounwind {{
%pc.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_PC}
store i64 %pc, ptr %pc.at, {CONTROLS}
ret i64 %left
}}
"""

_WALK = f"""
define i64 @walk(ptr %memory, i64 %left.next, i1 zeroext %is.stopping) nounwind {{
%pc.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_PC}
%pc.next = load i64, ptr %pc.at, {CONTROLS}
%table.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_TABLE}
%table = load ptr, ptr %table.at, {CONTROLS}
%handlers = getelementptr i8, ptr @handlers, i64 0
%stops = zext i1 %is.stopping to i64
%strange = and i64 %pc.next, {(1 << 64) - CODE_END | 3}
%is.strange = icmp ne i64 %strange, 0
%is.over = icmp eq i64 %left.next, 0
%is.refused = or i1 %is.strange, %is.over
br i1 %is.refused, label %none, label %start
none:
ret i64 0
start:
{_dispatch().format("")}
%taken = sub i64 %left.next, %rest
ret i64 %taken
}}
"""


class _Handler:
    """Writes the function of one slot: operands, operation, write back, on to the next."""

    def __init__(self) -> None:
        self.emit = Emitter()
        self._has_jumped = False

    def body(self, write: Write) -> str:
        """The whole function, without its head."""
        self._operands()
        write(self)
        self._ends()
        return "\n".join(self.emit.lines)

    def _operands(self) -> None:
        self.emit.lines += f"""entry:
%result.at = alloca i64
%target.at = alloca i64
%registers = getelementptr i8, ptr %memory, i64 {CONTROL}
%pc.at = getelementptr i64, ptr %registers, i64 {CONTROL_PC}
%following = add i64 %pc, 4
store i64 %following, ptr %target.at
%wide = zext i32 %word to i64
%signed = sext i32 %word to i64
%rd.high = lshr i64 %wide, 7
%rd = and i64 %rd.high, 31
%rs1.high = lshr i64 %wide, 15
%rs1 = and i64 %rs1.high, 31
%rs2.high = lshr i64 %wide, 20
%rs2 = and i64 %rs2.high, 31
%rs3 = lshr i64 %wide, 27
%c.at = getelementptr i64, ptr %registers, i64 %rs3
%c = load i64, ptr %c.at, {CONTROLS}
%a.at = getelementptr i64, ptr %registers, i64 %rs1
%b.at = getelementptr i64, ptr %registers, i64 %rs2
%a = load i64, ptr %a.at, {CONTROLS}
%b = load i64, ptr %b.at, {CONTROLS}
%immediate = ashr i64 %signed, 20""".splitlines()

    def _ends(self) -> None:
        self.emit.lines += f"""write:
%result = load i64, ptr %result.at
%rd.at = getelementptr i64, ptr %registers, i64 %rd
store i64 %result, ptr %rd.at, {CONTROLS}
store i64 0, ptr %registers, {CONTROLS}
br label %next
next:
%pc.next = load i64, ptr %target.at
%left.next = sub i64 %left, 1
%is.outside = icmp uge i64 %pc.next, {CODE_END}
%is.over = icmp eq i64 %left.next, 0
%is.ending = or i1 %is.outside, %is.over
br i1 %is.ending, label %arrived, label %{"jumped" if self._has_jumped else "onward"}, {UNLIKELY}
{_LANDING if self._has_jumped else ""}onward:
{_dispatch().format("musttail ")}
ret i64 %rest
arrived:
store i64 %pc.next, ptr %pc.at, {CONTROLS}
ret i64 %left.next
leave:
store i64 %pc, ptr %pc.at, {CONTROLS}
ret i64 %left""".splitlines()

    def _switch(self, value: str, cases: Mapping[int, Case]) -> None:
        """Write a block for each case; everything else is left to the reference machine."""
        labels = {number: self.emit.name("case") for number in cases}
        targets = " ".join(f"i32 {number}, label %{label}" for number, label in labels.items())
        self.emit.line(f"switch i32 {value}, label %leave [{targets}]")
        for number, write in cases.items():
            self.emit.label(labels[number])
            write()

    def _write_back(self, result: str) -> None:
        self.emit.line(f"store i64 {result}, ptr %result.at")
        self.emit.line("br label %write")

    def _go(self, target: str, label: str) -> None:
        """Go on at an address that is a multiple of 4, or leave the jump to the reference machine."""
        self._has_jumped = True
        bits = self.emit.value(f"and i64 {target}, 3")
        is_aligned = self.emit.value(f"icmp eq i64 {bits}, 0")
        aligned = self.emit.name("aligned")
        self.emit.line(f"br i1 {is_aligned}, label %{aligned}, label %leave")
        self.emit.label(aligned)
        self.emit.line(f"store i64 {self.emit.value(f'and i64 {target}, {_ADDRESS_MASK}')}, ptr %target.at")
        self.emit.line(f"br label %{label}")

    # --- instructions -----------------------------------------------------------------------------------

    def floats(self, funct3: int) -> None:
        """Write the float instructions with this funct3, but for the multiply-adds."""
        self._float_walk(funct3).floats()

    def fused(self, opcode: int, funct3: int) -> None:
        """Write the multiply-adds of an opcode."""
        self._float_walk(funct3).fused(opcode)

    def _float_walk(self, funct3: int) -> FloatWalk:
        return FloatWalk(self.emit, self._switch, self._write_back, funct3)

    def upper(self, name: str) -> None:
        """Write `lui` or `auipc`."""
        upper = self.emit.value(f"and i64 %signed, {-(1 << 12)}")
        self._write_back(self.emit.value(f"add i64 {upper}, %pc") if name == "auipc" else upper)

    def operate(self, name: str, b: str) -> None:
        """Write an operation on rs1 and `b`."""
        self._write_back(OPERATIONS[name](self.emit, "%a", b))

    def by_upper(self, lowest: int, names: Mapping[int, str], b: str) -> None:
        """Write operations that differ in the word's bits from `lowest` on."""
        upper = self.emit.value(f"lshr i32 %word, {lowest}")
        self._switch(upper, {number: partial(self.operate, name, b) for number, name in names.items()})

    def load(self, name: str) -> None:
        """Write a load."""
        full = self.emit.value("add i64 %a, %immediate")
        address = self.emit.value(f"and i64 {full}, {_ADDRESS_MASK}")
        pointer = self.emit.value(f"getelementptr i8, ptr %memory, i64 {address}")
        kind = f"i{8 * ACCESS_SIZES_BYTES[name]}"
        value = self.emit.value(f"load {kind}, ptr {pointer}, align 1, {GUEST}")
        if kind != "i64":
            extension = "sext" if name in SIGNED_LOADS else "zext"
            value = self.emit.value(f"{extension} {kind} {value} to i64")
        self._write_back(value)

    def store(self, name: str) -> None:
        """Write a store."""
        emit, size_bytes = self.emit, ACCESS_SIZES_BYTES[name]
        upper = emit.value("ashr i64 %signed, 25")
        high = emit.value(f"shl i64 {upper}, 5")
        offset = emit.value(f"or i64 {high}, %rd")
        address = emit.value(f"and i64 {emit.value(f'add i64 %a, {offset}')}, {_ADDRESS_MASK}")
        page = emit.value(f"lshr i64 {address}, {PAGE_SHIFT}")
        pages = emit.value(f"getelementptr i8, ptr %memory, i64 {OPEN}")
        flag_at = emit.value(f"getelementptr i8, ptr {pages}, i64 {page}")
        flag = emit.value(f"load i8, ptr {flag_at}, {PAGES}")
        is_open = emit.value(f"icmp ne i8 {flag}, 0")
        closed, ready = emit.name("closed"), emit.name("ready")
        emit.line(f"br i1 {is_open}, label %{ready}, label %{closed}")
        emit.label(closed)
        call = f"call preserve_mostcc i1 @store_check(ptr %memory, i64 {address}, i64 {size_bytes})"
        emit.line(f"br i1 {emit.value(call)}, label %{ready}, label %leave")
        emit.label(ready)
        kind = f"i{8 * size_bytes}"
        value = emit.value(f"trunc i64 %b to {kind}") if size_bytes < 8 else "%b"
        pointer = emit.value(f"getelementptr i8, ptr %memory, i64 {address}")
        emit.line(f"store {kind} {value}, ptr {pointer}, align 1, {GUEST}")
        emit.line("br label %next")

    def branch(self, name: str) -> None:
        """Write a branch."""
        emit = self.emit
        sign = emit.value("ashr i64 %signed, 31")
        parts = [emit.value(f"shl i64 {sign}, 12")]
        for right, mask, left in ((7, 1, 11), (25, 0x3F, 5), (8, 0xF, 1)):
            field = emit.value(f"and i64 {emit.value(f'lshr i64 %wide, {right}')}, {mask}")
            parts.append(emit.value(f"shl i64 {field}, {left}"))
        target = self._joined(parts)
        condition = emit.value(f"icmp {CONDITIONS[name]} i64 %a, %b")
        taken = self.emit.name("taken")
        self.emit.line(f"br i1 {condition}, label %{taken}, label %next")
        self.emit.label(taken)
        self._go(target, "next")

    def jump(self) -> None:
        """Write `jal`."""
        emit = self.emit
        sign = emit.value("ashr i64 %signed, 31")
        parts = [emit.value(f"shl i64 {sign}, 20")]
        for right, mask, left in ((12, 0xFF, 12), (20, 1, 11), (21, 0x3FF, 1)):
            field = emit.value(f"and i64 {emit.value(f'lshr i64 %wide, {right}')}, {mask}")
            parts.append(emit.value(f"shl i64 {field}, {left}"))
        self._link_and_go(self._joined(parts))

    def jump_register(self) -> None:
        """Write `jalr`."""
        full = self.emit.value("add i64 %a, %immediate")
        self._link_and_go(self.emit.value(f"and i64 {full}, -2"))

    def _link_and_go(self, target: str) -> None:
        self.emit.line("store i64 %following, ptr %result.at")
        self._go(target, "write")

    def _joined(self, parts: list[str]) -> str:
        """The pc plus an offset that is composed of its parts."""
        offset = parts[0]
        for part in parts[1:]:
            offset = self.emit.value(f"or i64 {offset}, {part}")
        return self.emit.value(f"add i64 %pc, {offset}")
