"""A small native interpreter: for code that is not worth compiling, and before exact stops.

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
from truestep.engine.codegen.support import CONTROLS, GUEST, METADATA, PAGES, store_function
from truestep.engine.codegen.walk_floats import FloatWalk
from truestep.engine.host import float_unit
from truestep.engine.layout import CONTROL, CONTROL_PC, CONTROL_TABLE, ENTRY_MASK, OPEN, TABLE_ENTRIES
from truestep.machine.arithmetic import ACCESS_SIZES_BYTES, IMMEDIATE_FORMS, SIGNED_LOADS
from truestep.machine.decode import Kind, decode
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

Case = Callable[[], None]


def walk_module() -> str:
    """The IR of `walk`."""
    walker = _Walker()
    walker.write()
    body = "\n".join(walker.emit.lines)
    declarations = "declare i32 @llvm.fshr.i32(i32, i32, i32)\n" + float_declarations()
    head = "define i64 @walk(ptr %memory, i64 %count, i1 zeroext %stops) nounwind"
    return f"{declarations}{store_function()}{head} {{\n{body}\n}}\n{METADATA}"


class _Walker:
    """Writes the function: fetch, a switch over the instructions, write back."""

    def __init__(self) -> None:
        self.emit = Emitter()

    def write(self) -> None:
        """Write the whole function."""
        self._loop()
        self._operands()
        opcodes: dict[int, Case] = {
            **{opcode: partial(self._upper, name) for opcode, name in _UPPERS.items()},
            **{opcode: partial(self._immediates, opcode) for opcode in _IMMEDIATES},
            **{opcode: partial(self._registers, opcode) for opcode in _REGISTERS},
            _LOAD: self._loads,
            _STORE: self._stores,
            _BRANCH: self._branches,
            _JUMP: self._jump,
            _JUMP_REGISTER: self._jump_register,
            **self._floats(),
        }
        opcode = self.emit.value("and i32 %word, 127")
        self._switch(opcode, opcodes)
        self._ends()

    def _loop(self) -> None:
        self.emit.lines += f"""entry:
%result.at = alloca i64
%target.at = alloca i64
%registers = getelementptr i8, ptr %memory, i64 {CONTROL}
%pc.at = getelementptr i64, ptr %registers, i64 {CONTROL_PC}
%start = load i64, ptr %pc.at, {CONTROLS}
%table.at = getelementptr i64, ptr %registers, i64 {CONTROL_TABLE}
%table = load ptr, ptr %table.at, {CONTROLS}
br label %loop
loop:
%pc = phi i64 [%start, %entry], [%pc.next, %next], [%pc.next, %landing]
%left = phi i64 [%count, %entry], [%left.next, %next], [%left.next, %landing]
%is.over = icmp eq i64 %left, 0
br i1 %is.over, label %leave, label %fetch
fetch:
%strange = and i64 %pc, {(1 << 64) - CODE_END | 3}
%is.strange = icmp ne i64 %strange, 0
br i1 %is.strange, label %leave, label %decode
decode:
%following = add i64 %pc, 4
store i64 %following, ptr %target.at""".splitlines()

    def _operands(self) -> None:
        self.emit.lines += f"""%word.at = getelementptr i8, ptr %memory, i64 %pc
%word = load i32, ptr %word.at, align 4, {GUEST}
%wide = zext i32 %word to i64
%signed = sext i32 %word to i64
%rd.high = lshr i64 %wide, 7
%rd = and i64 %rd.high, 31
%funct3.high = lshr i32 %word, 12
%funct3 = and i32 %funct3.high, 7
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
%has.jumped = icmp ne i64 %pc.next, %following
%is.looking = and i1 %has.jumped, %stops
br i1 %is.looking, label %landing, label %loop
landing:
%index = lshr i64 %pc.next, 2
%is.code = icmp ult i64 %index, {TABLE_ENTRIES}
%index.safe = select i1 %is.code, i64 %index, i64 0
%slot = getelementptr i64, ptr %table, i64 %index.safe
%known = load i64, ptr %slot
%number = and i64 %known, {ENTRY_MASK}
%is.entry = icmp ne i64 %number, 0
%has.arrived = and i1 %is.entry, %is.code
br i1 %has.arrived, label %arrived, label %loop
arrived:
store i64 %pc.next, ptr %pc.at, {CONTROLS}
%taken.all = sub i64 %count, %left.next
ret i64 %taken.all
leave:
store i64 %pc, ptr %pc.at, {CONTROLS}
%taken = sub i64 %count, %left
ret i64 %taken""".splitlines()

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
        bits = self.emit.value(f"and i64 {target}, 3")
        is_aligned = self.emit.value(f"icmp eq i64 {bits}, 0")
        aligned = self.emit.name("aligned")
        self.emit.line(f"br i1 {is_aligned}, label %{aligned}, label %leave")
        self.emit.label(aligned)
        self.emit.line(f"store i64 {self.emit.value(f'and i64 {target}, {_ADDRESS_MASK}')}, ptr %target.at")
        self.emit.line(f"br label %{label}")

    def _named(self, opcode: int, kind: Kind) -> dict[int, str]:
        """Names by funct3, for instructions that differ in no other field."""
        found = {funct3: decode(funct3 << 12 | opcode) for funct3 in _FUNCT3}
        return {funct3: each.name for funct3, each in found.items() if each and each.kind is kind}

    # --- instructions -----------------------------------------------------------------------------------

    def _floats(self) -> dict[int, Case]:
        if float_unit() is None:
            return {}
        floats = FloatWalk(self.emit, self._switch, self._write_back)
        return {FLOAT_OPCODE: floats.floats, **{each: partial(floats.fused, each) for each in FUSED_OPCODES}}

    def _upper(self, name: str) -> None:
        upper = self.emit.value(f"and i64 %signed, {-(1 << 12)}")
        self._write_back(self.emit.value(f"add i64 {upper}, %pc") if name == "auipc" else upper)

    def _operate(self, name: str, b: str) -> None:
        self._write_back(OPERATIONS[name](self.emit, "%a", b))

    def _registers(self, opcode: int) -> None:
        funct7 = self.emit.value("lshr i32 %word, 25")
        high = self.emit.value(f"shl i32 {funct7}, 3")
        key = self.emit.value(f"or i32 {high}, %funct3")
        found = {
            upper << 3 | funct3: decode(upper << 25 | funct3 << 12 | opcode)
            for upper in _FUNCT7
            for funct3 in _FUNCT3
        }
        names = {number: each.name for number, each in found.items() if each}
        self._switch(key, {number: partial(self._operate, name, "%b") for number, name in names.items()})

    def _immediates(self, opcode: int) -> None:
        lowest = _IMMEDIATES[opcode]
        names = self._named(opcode, Kind.IMMEDIATE)
        cases: dict[int, Case] = {
            funct3: partial(self._operate, IMMEDIATE_FORMS[name], "%immediate")
            for funct3, name in names.items()
            if funct3 not in _SHIFTS
        }
        for funct3 in _SHIFTS:
            found = {
                upper: decode(upper << lowest | funct3 << 12 | opcode) for upper in range(1 << 32 - lowest)
            }
            shifts = {upper: IMMEDIATE_FORMS[each.name] for upper, each in found.items() if each}
            cases[funct3] = partial(self._shifts, lowest, shifts)
        self._switch("%funct3", cases)

    def _shifts(self, lowest: int, names: dict[int, str]) -> None:
        upper = self.emit.value(f"lshr i32 %word, {lowest}")
        self._switch(
            upper, {number: partial(self._operate, name, "%immediate") for number, name in names.items()}
        )

    def _loads(self) -> None:
        full = self.emit.value("add i64 %a, %immediate")
        address = self.emit.value(f"and i64 {full}, {_ADDRESS_MASK}")
        pointer = self.emit.value(f"getelementptr i8, ptr %memory, i64 {address}")
        names = self._named(_LOAD, Kind.LOAD)
        self._switch("%funct3", {f3: partial(self._load, name, pointer) for f3, name in names.items()})

    def _load(self, name: str, pointer: str) -> None:
        kind = f"i{8 * ACCESS_SIZES_BYTES[name]}"
        value = self.emit.value(f"load {kind}, ptr {pointer}, align 1, {GUEST}")
        if kind != "i64":
            extension = "sext" if name in SIGNED_LOADS else "zext"
            value = self.emit.value(f"{extension} {kind} {value} to i64")
        self._write_back(value)

    def _stores(self) -> None:
        emit = self.emit
        upper = emit.value("ashr i64 %signed, 25")
        high = emit.value(f"shl i64 {upper}, 5")
        offset = emit.value(f"or i64 {high}, %rd")
        address = emit.value(f"and i64 {emit.value(f'add i64 %a, {offset}')}, {_ADDRESS_MASK}")
        names = self._named(_STORE, Kind.STORE)
        self._switch("%funct3", {f3: partial(self._store, name, address) for f3, name in names.items()})

    def _store(self, name: str, address: str) -> None:
        emit, size_bytes = self.emit, ACCESS_SIZES_BYTES[name]
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

    def _branches(self) -> None:
        emit = self.emit
        sign = emit.value("ashr i64 %signed, 31")
        parts = [emit.value(f"shl i64 {sign}, 12")]
        for right, mask, left in ((7, 1, 11), (25, 0x3F, 5), (8, 0xF, 1)):
            field = emit.value(f"and i64 {emit.value(f'lshr i64 %wide, {right}')}, {mask}")
            parts.append(emit.value(f"shl i64 {field}, {left}"))
        target = self._joined(parts)
        names = self._named(_BRANCH, Kind.BRANCH)
        self._switch("%funct3", {f3: partial(self._branch, name, target) for f3, name in names.items()})

    def _branch(self, name: str, target: str) -> None:
        condition = self.emit.value(f"icmp {CONDITIONS[name]} i64 %a, %b")
        taken = self.emit.name("taken")
        self.emit.line(f"br i1 {condition}, label %{taken}, label %next")
        self.emit.label(taken)
        self._go(target, "next")

    def _jump(self) -> None:
        emit = self.emit
        sign = emit.value("ashr i64 %signed, 31")
        parts = [emit.value(f"shl i64 {sign}, 20")]
        for right, mask, left in ((12, 0xFF, 12), (20, 1, 11), (21, 0x3FF, 1)):
            field = emit.value(f"and i64 {emit.value(f'lshr i64 %wide, {right}')}, {mask}")
            parts.append(emit.value(f"shl i64 {field}, {left}"))
        self._link_and_go(self._joined(parts))

    def _jump_register(self) -> None:
        is_jump = self.emit.name("jump")
        self.emit.line(f"switch i32 %funct3, label %leave [i32 0, label %{is_jump}]")
        self.emit.label(is_jump)
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
