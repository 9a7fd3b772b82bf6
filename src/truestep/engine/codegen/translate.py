"""Translates regions of guest code to functions that go on in each other (support.PARAMETERS).

- A function ends in a jump to the next one (a tail call), never in a host call: the host stack says nothing.
  Calls and returns of the guest are jumps like others; an entry table says where an address goes on. Pinned
  registers, budget and the address of memory stay in host registers all the way.
- Within a function, registers live in allocas that LLVM turns into values. The control block is up to date
  where control leaves the function, for the registers that may differ from it (Flow.changed).
- The budget is checked where Flow.needs says; if it is too small, `leave` returns that pc to `run`.
- A small loop is written several times in a row (loops), with one check for all copies. Stores near each
  other share a look at their pages (store_groups). Entries inside loops are reached by their heads (nesting).
- A trap returns a marker instead of a pc (support.trap_marker); a final state has no registers to store.
"""

from truestep.base.integers import wrap32
from truestep.engine.analysis.code_map import CodeMap
from truestep.engine.analysis.float_types import is_sign_change
from truestep.engine.analysis.flow import (
    PINNED_MASK,
    Block,
    Flow,
    direct_target,
    is_call,
    is_dispatch,
    is_left,
)
from truestep.engine.analysis.forms import is_copy
from truestep.engine.analysis.hints import prefetched_offset
from truestep.engine.analysis.store_groups import StoreGroup, store_groups
from truestep.engine.codegen.floats import emit_float
from truestep.engine.codegen.frame import Frame, block_label, function_name
from truestep.engine.codegen.leaving import go_by_table, go_to_slot, write_dispatch, write_shared_ways
from truestep.engine.codegen.operations import CONDITIONS, OPERATIONS
from truestep.engine.codegen.registers import BlockRegisters, Place
from truestep.engine.codegen.support import GUEST, LIKELY, PAGES, UNLIKELY, trap_marker
from truestep.engine.layout import (
    CONTROL_OPEN_PAGE,
    CONTROL_STORE_CHECK,
    OPEN,
    OPEN_ALONE,
    OPEN_WITH_NEXT,
    PINNED,
)
from truestep.machine.arithmetic import ACCESS_SIZES_BYTES, IMMEDIATE_FORMS, SIGNED_LOADS
from truestep.machine.decode import Instruction, Kind
from truestep.machine.layout import MEMORY_SIZE_BYTES, PAGE_SHIFT, may_fetch
from truestep.machine.state import TrapCause

_ENDING_KINDS = (Kind.BRANCH, Kind.JUMP, Kind.JUMP_REGISTER, Kind.SYSTEM)


def translate_region(flow: Flow, local_functions: frozenset[int], code: CodeMap) -> str:
    """The definition of the function of a region."""
    frame = Frame(flow, local_functions, code)
    frame.write_prologue()
    for block in flow.blocks.values():
        loop = flow.loops.get(block.start)
        copies = loop.copies if loop else 1
        # A one-block loop runs as a whole or, if not all pages of its groups are open, one round at a time.
        rounds = copies if loop and len(loop.blocks) == 1 else 1
        groups = store_groups(block.instructions, rounds)
        for copy in range(copies):
            _BlockTranslator(frame, block, copy, groups, rounds).translate()
        if groups and rounds > 1:
            _BlockTranslator(frame, block, copies, [], rounds).translate()
    if flow.dispatched:
        write_dispatch(frame)
    if flow.is_baseline:
        write_shared_ways(frame)
    frame.write_trap()
    return frame.definition()


class _BlockTranslator:
    """Translates one block, or one of its copies."""

    def __init__(self, frame: Frame, block: Block, copy: int, groups: list[StoreGroup], rounds: int) -> None:
        self._frame = frame
        self._flow = frame.flow
        self._emit = frame.emitter
        self._block = block
        self._copy = copy
        self._loop = frame.flow.loops.get(block.start)
        self._groups = groups
        self._rounds = rounds
        place = copy if rounds > 1 else 0
        self._grouped = frozenset(at for group in groups for where, at in group.sites if where == place)
        self._registers = BlockRegisters(self._emit, self._flow.forms, block.start)
        self._left = ""
        """The budget left after the block."""

    def translate(self) -> None:
        """Write the budget check, the instructions and the exit."""
        block = self._block
        self._emit.label(block_label(block.start, self._copy))
        if self._copy == 0:
            self._frame.write_way_in(block.start)
        self._take_cycles()
        *body, last = block.instructions
        for position, instruction in enumerate(body):
            self._instruction(position, instruction)
        if last is not None and last.kind not in _ENDING_KINDS and not is_left(last):
            self._instruction(len(body), last)
            self._registers.check_stores()
            self._go(block.next_pc)
        else:
            self._registers.check_stores()
            self._end(last)

    def _label_of(self, pc: int) -> str:
        """The label of a jump within the function: in the same copy of a loop, or the next one."""
        if self._loop is None or pc not in self._loop.blocks:
            return block_label(pc)
        following = self._copy + 1 if pc == self._loop.head else self._copy
        return block_label(pc, following if following < self._loop.copies else 0)

    def _take_cycles(self) -> None:
        """Count the block's cycles, after checking that these and those up to the next check are left."""
        emit, start = self._emit, self._block.start
        before = emit.value("load i64, ptr %count")
        is_checked = start in self._flow.needs and self._copy == 0 and start not in self._flow.outer
        opens = bool(self._groups) and (self._rounds == 1 or self._copy == 0)
        leaving, staying = emit.name("leave"), emit.name("stay")
        if is_checked:
            is_short = emit.value(f"icmp slt i64 {before}, {self._flow.needs[start]}")
            emit.line(f"br i1 {is_short}, label %{leaving}, label %{staying}, {UNLIKELY}")
        elif opens:
            emit.line(f"br label %{staying}")
        if is_checked or opens:
            emit.label(leaving)
            self._leave(str(start), before, self._flow.changed[start] & ~self._flow.unseen[start])
            emit.label(staying)
        if opens:
            self._open_groups(leaving if self._rounds == 1 else block_label(start, self._rounds))
        self._left = emit.value(f"sub i64 {before}, {self._block.cycles}")
        emit.line(f"store i64 {self._left}, ptr %count")

    # --- registers ------------------------------------------------------------------------------------------

    def _read(self, register: int) -> str:
        return self._registers.bits(register)

    def _write(self, register: int, value: str) -> None:
        self._registers.write(register, value)

    def _pinned(self, mask: int) -> dict[int, str]:
        """The values of the pinned registers of `mask`."""
        return {register: self._registers.bits_here(register) for register in PINNED if mask >> register & 1}

    def _spill(self, mask: int) -> None:
        """Bring registers to the control block, all but the pinned ones."""
        self._registers.bring_home(self._flow.homed)
        self._registers.spill(self._frame.having(mask & ~PINNED_MASK))

    def _changed(self) -> int:
        return self._flow.changed_after(self._block)

    # --- instructions ---------------------------------------------------------------------------------------

    def _instruction(self, position: int, instruction: Instruction | None) -> None:
        """Write one instruction that does not end the block."""
        if instruction is None or instruction.kind is Kind.FENCE:
            return
        if instruction.kind is Kind.LOAD:
            self._load(position, instruction)
        elif instruction.kind is Kind.STORE:
            self._store(position, instruction)
        elif instruction.kind is Kind.FLOAT:
            self._float(instruction)
        elif (offset := prefetched_offset(instruction)) is not None:
            self._prefetch(self._read(instruction.rs1), offset)
        elif is_copy(instruction):
            self._registers.copy(instruction.rd, instruction.rs1)
        else:
            self._write(instruction.rd, self._result(position, instruction))

    def _result(self, position: int, instruction: Instruction) -> str:
        if instruction.kind is Kind.UPPER:
            base = self._block.start + 4 * position if instruction.name == "auipc" else 0
            return str(base + instruction.immediate)
        if instruction.kind is Kind.IMMEDIATE:
            operation = OPERATIONS[IMMEDIATE_FORMS[instruction.name]]
            return operation(self._emit, self._read(instruction.rs1), str(instruction.immediate))
        operation = OPERATIONS[instruction.name]
        return operation(self._emit, self._read(instruction.rs1), self._read(instruction.rs2))

    def _float(self, instruction: Instruction) -> None:
        registers, rd = self._registers, instruction.rd
        if not rd or (
            is_sign_change(instruction) and registers.change_sign(instruction.name, rd, instruction.rs1)
        ):
            return
        result = emit_float(self._emit, instruction, registers)
        if result.type:
            registers.write_raw(rd, result.type, result.value)
        else:
            registers.write(rd, result.value)

    def _address(self, instruction: Instruction) -> str:
        """The address of an access (M3.1), or the one above memory where the lowest page would be meant.

        The processor adds what is added last at no cost. An address above memory reads as 0, like the lowest
        page (CodeMap.is_lowest_page_empty), and is not writable either.
        """
        base, offset = self._read(instruction.rs1), instruction.immediate
        if offset < 0 or not self._frame.code.is_lowest_page_empty:
            full = self._emit.value(f"add i64 {base}, {offset}") if offset else base
            return self._emit.value(f"and i64 {full}, {MEMORY_SIZE_BYTES - 1}")
        low = self._emit.value(f"and i64 {base}, {MEMORY_SIZE_BYTES - 1}")
        return self._emit.value(f"add nuw nsw i64 {low}, {offset}") if offset else low

    def _trap_if(self, condition: str, position: int, cause: TrapCause) -> None:
        """Trap at the instruction at `position` if `condition` holds; `run` returns the cycles after it."""
        emit = self._emit
        trap, onward = emit.name("trap"), emit.name("on")
        marker = trap_marker(cause, self._block.cycles - position - 1)
        emit.line(f"store i64 {marker}, ptr %trap")
        if not self._registers.has_stored_floats:
            emit.line(f"br i1 {condition}, label %trapping, label %{onward}, {UNLIKELY}")
        else:
            emit.line(f"br i1 {condition}, label %{trap}, label %{onward}, {UNLIKELY}")
            emit.label(trap)
            self._registers.change_stored()
            emit.line("br label %trapping")
        emit.label(onward)

    def _load(self, position: int, instruction: Instruction) -> None:
        emit, size_bytes = self._emit, ACCESS_SIZES_BYTES[instruction.name]
        self._registers.check_stores()
        address = self._address(instruction)
        # After the end of memory come bytes that are always 0 (M3.4, layout.GUARD_SIZE_BYTES).
        pointer = emit.value(f"getelementptr i8, ptr %memory, i64 {address}")
        wanted = self._flow.forms.loads.get(self._block.start + 4 * position)
        if wanted:
            value = emit.value(f"load {wanted.name}, ptr {pointer}, align 1, {GUEST}")
            self._registers.write_loaded(instruction.rd, wanted, value)
            return
        kind = f"i{8 * size_bytes}"
        value = emit.value(f"load {kind}, ptr {pointer}, align 1, {GUEST}")
        if size_bytes < 8:
            extension = "sext" if instruction.name in SIGNED_LOADS else "zext"
            value = emit.value(f"{extension} {kind} {value} to i64")
        self._write(instruction.rd, value)

    def _prefetch(self, base: str, offset: int) -> None:
        """Have the host fetch what lies there. This never traps, wherever it is."""
        pointer = self._emit.value(f"getelementptr i8, ptr %memory, i64 {self._masked(base, offset)}")
        self._emit.line(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 0, i32 3, i32 1)")

    def _store(self, position: int, instruction: Instruction) -> None:
        emit, size_bytes = self._emit, ACCESS_SIZES_BYTES[instruction.name]
        base = self._read(instruction.rs1)
        self._registers.before_store(base, instruction.immediate)
        address = self._address(instruction)
        if position not in self._grouped:
            closed, ready = emit.name("closed"), emit.name("ready")
            emit.line(f"br i1 {self._is_open(address)}, label %{ready}, label %{closed}, {LIKELY}")
            emit.label(closed)
            is_refused = emit.value(f"xor i1 {self._check_store(address, size_bytes)}, true")
            self._trap_if(is_refused, position, TrapCause.STORE_ACCESS)
            emit.line(f"br label %{ready}")
            emit.label(ready)
        kind = f"i{8 * size_bytes}"
        pointer = emit.value(f"getelementptr i8, ptr %memory, i64 {address}")
        if self._registers.store_float(
            instruction.rs2, kind, Place(pointer=pointer, base=base, offset=instruction.immediate)
        ):
            return
        value = self._read(instruction.rs2)
        if size_bytes < 8:
            value = emit.value(f"trunc i64 {value} to {kind}")
        emit.line(f"store {kind} {value}, ptr {pointer}, align 1, {GUEST}")

    def _is_open(self, address: str, least: int = OPEN_ALONE) -> str:
        """Whether a store that begins at `address` needs no check, or one that begins up to a page later."""
        emit = self._emit
        page = emit.value(f"lshr i64 {address}, {PAGE_SHIFT}")
        pages = emit.value(f"getelementptr i8, ptr %memory, i64 {OPEN}")
        flag_at = emit.value(f"getelementptr i8, ptr {pages}, i64 {page}")
        flag = emit.value(f"load i8, ptr {flag_at}, {PAGES}")
        return emit.value(f"icmp uge i8 {flag}, {least}")

    def _check_store(self, address: str, size_bytes: int) -> str:
        check = self._frame.shared(CONTROL_STORE_CHECK)
        call = f"call preserve_mostcc i1 {check}(ptr %memory, i64 {address}, i64 {size_bytes})"
        return self._emit.value(f"{call} cold nounwind")

    def _open_groups(self, closed: str) -> None:
        """Go to `closed` if a page of a group is not open and is not to be opened.

        A block that is not repeated does all its stores unless it traps: their pages may be opened at once.
        """
        emit = self._emit
        for group in self._groups:
            base = self._read(group.register)
            onward = emit.name("opened")
            if group.lowest != group.highest:
                apart = emit.name("apart")
                is_open = self._is_open(self._masked(base, group.lowest), OPEN_WITH_NEXT)
                emit.line(f"br i1 {is_open}, label %{onward}, label %{apart}, {LIKELY}")
                emit.label(apart)
            for distance in sorted({group.lowest, group.highest}):
                self._open_page(self._masked(base, distance), closed)
            emit.line(f"br label %{onward}")
            emit.label(onward)

    def _masked(self, base: str, distance: int) -> str:
        full = self._emit.value(f"add i64 {base}, {distance}")
        return self._emit.value(f"and i64 {full}, {MEMORY_SIZE_BYTES - 1}")

    def _open_page(self, address: str, closed: str) -> None:
        """Go to `closed` if a page is not open; in a block that is not repeated, if it cannot be opened."""
        emit, ready, seldom = self._emit, self._emit.name("ready"), closed
        if self._rounds == 1:
            seldom = emit.name("closed")
        emit.line(f"br i1 {self._is_open(address)}, label %{ready}, label %{seldom}, {LIKELY}")
        if self._rounds == 1:
            emit.label(seldom)
            call = f"call preserve_mostcc i1 {self._frame.shared(CONTROL_OPEN_PAGE)}"
            opened = emit.value(f"{call}(ptr %memory, i64 {address}) cold nounwind")
            emit.line(f"br i1 {opened}, label %{ready}, label %{closed}")
        emit.label(ready)

    # --- where a block goes on ------------------------------------------------------------------------------

    def _end(self, last: Instruction | None) -> None:
        """Write the last instruction, if it determines what follows."""
        if last is None:
            self._trap(TrapCause.ILLEGAL_INSTRUCTION)
        elif is_left(last):
            self._leave(str(self._block.last_pc), self._left, self._changed())
        elif last.kind is Kind.SYSTEM:
            self._trap(TrapCause.BREAKPOINT)
        elif last.kind is Kind.BRANCH:
            self._branch(last)
        else:
            self._jump(last)

    def _trap(self, cause: TrapCause) -> None:
        self._emit.line(f"store i64 {trap_marker(cause)}, ptr %trap")
        self._emit.line("br label %trapping")

    def _leave(self, pc: str, left: str, mask: int) -> None:
        """Store the registers of `mask` and return to `run`, which goes on at `pc`."""
        self._spill(mask)
        if self._flow.is_baseline:
            self._go_shared("leaving", pc, mask)
        else:
            self._frame.leave(left, pc, self._pinned(mask))

    def _go_shared(self, way: str, pc: str, mask: int) -> None:
        """Go a way out that all blocks share, with the pinned registers of `mask` in their variables."""
        self._registers.settle()
        self._registers.settle_integers(PINNED_MASK & mask)
        for register in self._frame.having(PINNED_MASK & ~mask):
            # Unseen, and perhaps made of what was unseen before; no argument is ever undefined.
            self._emit.line(f"store i64 0, ptr %x{register}")
        self._emit.line(f"store i64 {pc}, ptr %indirect")
        self._emit.line(f"br label %{way}")

    def _branch(self, last: Instruction) -> None:
        emit = self._emit
        a, b = self._read(last.rs1), self._read(last.rs2)
        ways = self._block.next_pc, wrap32(self._block.last_pc + last.immediate)
        self._registers.settle(self._unneeded_at(ways[0]) & self._unneeded_at(ways[1]))
        condition = emit.value(f"icmp {CONDITIONS[last.name]} i64 {a}, {b}")
        edges: dict[str, int] = {}

        def label_of(pc: int) -> str:
            if pc in self._flow.blocks and self._registers.is_settled_for(pc):
                return self._label_of(pc)
            label = emit.name("edge")
            edges[label] = pc
            return label

        taken, not_taken = label_of(ways[1]), label_of(ways[0])
        emit.line(f"br i1 {condition}, label %{taken}, label %{not_taken}")
        for label, pc in edges.items():
            emit.label(label)
            self._go(pc)

    def _jump(self, last: Instruction) -> None:
        block, emit = self._block, self._emit
        known = direct_target(block)
        target = str(known)
        if known is None:
            base = self._read(last.rs1)
            target = emit.value(f"add i64 {base}, {last.immediate}") if last.immediate else base
        self._write(last.rd, str(block.next_pc))
        if known is not None and is_call(last):
            self._go_outside(known)
        elif known is not None:
            self._go(known)
        elif is_dispatch(block) and self._flow.dispatched:
            self._registers.settle()
            self._registers.settle_integers()
            self._frame.indirect_changed |= self._changed()
            emit.line(f"store i64 {target}, ptr %indirect")
            emit.line("br label %dispatch")
        else:
            self._spill(self._changed())
            if self._flow.is_baseline:
                self._go_shared("going", target, PINNED_MASK)
            else:
                go_by_table(self._frame, target, self._left, self._pinned(PINNED_MASK))

    def _go(self, pc: int) -> None:
        """Go on at `pc`, inside or outside the function."""
        if pc in self._flow.blocks:
            self._registers.settle(self._unneeded_at(pc))
            self._registers.settle_for(pc)
            self._emit.line(f"br label %{self._label_of(pc)}")
        else:
            self._go_outside(pc)

    def _unneeded_at(self, pc: int) -> int:
        """Registers that stay in the control block but need not be right when a block begins, by bit."""
        return self._flow.unseen[pc] & self._flow.homed if pc in self._flow.blocks else 0

    def _go_outside(self, pc: int) -> None:
        """Go on at `pc` in another function."""
        self._spill(self._changed())
        if self._flow.is_baseline:
            self._go_shared("going", str(pc), PINNED_MASK)
            return
        pinned = self._pinned(PINNED_MASK)
        slot = (pc >> 2) - self._frame.code.table_first
        if self._frame.is_local(pc):
            self._frame.go_on(function_name(pc), self._left, "1", pinned)
        elif may_fetch(pc) and 0 <= slot < self._frame.code.table_count:
            go_to_slot(self._frame, str(slot), str(pc), self._left, pinned)
        else:
            self._frame.leave(self._left, str(pc), pinned)
