"""The blocks of one region: where the cycle budget is checked, and which registers may have changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from truestep.base.integers import wrap32
from truestep.engine.analysis.checks import least_budgets, loop_heads
from truestep.engine.analysis.code_map import ALL_REGISTERS, BLOCK_LIMIT_WORDS, MANY_TARGETS, CodeMap, between
from truestep.engine.analysis.forms import Forms, Region, find_forms
from truestep.engine.analysis.homes import Uses, homed_registers
from truestep.engine.analysis.liveness import unseen_registers
from truestep.engine.analysis.loops import Loop, repeated_loops
from truestep.engine.analysis.nesting import ways_in
from truestep.engine.host import float_unit
from truestep.engine.layout import PINNED
from truestep.machine.decode import Instruction, Kind, decode

DISPATCHED_LIMIT = 1024
"""The most targets that an indirect jump reaches within a function; with more, it leaves the function."""
RETURN_REGISTERS = (1, 5)
"""`jalr x0` through one of these is a return by the calling convention; a wrong guess costs only time."""
PINNED_MASK = sum(1 << register for register in PINNED)

_READ_ONLY_KINDS = (Kind.STORE, Kind.BRANCH, Kind.FENCE, Kind.SYSTEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Instructions that run one after another; the last may jump. None stands for an illegal word."""

    start: int
    instructions: tuple[Instruction | None, ...]

    @property
    def last(self) -> Instruction | None:
        """The instruction that ends it."""
        return self.instructions[-1]

    @property
    def last_pc(self) -> int:
        """The address of the instruction that ends it."""
        return self.start + 4 * (len(self.instructions) - 1)

    @property
    def next_pc(self) -> int:
        """The address after its last instruction."""
        return self.last_pc + 4

    @property
    def cycles(self) -> int:
        """The cycles it takes. An instruction that is left to the reference machine counts as none."""
        return len(self.instructions) - (1 if is_left(self.last) else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A region ready to be translated."""

    start: int
    is_baseline: bool
    """Whether it is translated to be compiled fast: no copies of loops, and ways out that all share."""
    blocks: dict[int, Block]
    dispatched: tuple[int, ...]
    """Blocks that indirect jumps reach without leaving the function."""
    needs: dict[int, int]
    """Blocks that check the budget → the least budget: the longest path to the next check. The window for
    registers that are unseen is not in it. These blocks are the entries, in this order after the start.
    """
    outer: frozenset[int]
    """Entries that nothing within the function leads to: their budget is checked on the way in."""
    loops: dict[int, Loop]
    """Blocks of unrolled loops → the loop."""
    unseen: dict[int, int]
    """Block → registers that need not be right when translated code leaves at its start, by bit."""
    ways_in: dict[int, list[int]]
    """Entry → the heads of the loops that it lies in, the outermost first.

    Empty for an interpreter's loop around a jump table, where a check in each round costs more than it gains,
    and for baseline code, which gains nothing.
    """
    changed: dict[int, int]
    """Block → registers that may differ from the control block when it begins, by bit."""
    wanted: dict[int, int]
    """Block → registers that it or what follows in the function reads, or stores on leaving, by bit."""
    forms: Forms
    """The form in which blocks find registers."""
    homed: int
    """Registers that every block reads from the control block and leaves there, by bit."""

    @property
    def goes_by_table(self) -> bool:
        """Whether indirect jumps find their target in a table, as it is quicker with many.

        With few, they compare.
        """
        return len(self.dispatched) > MANY_TARGETS

    def changed_after(self, block: Block) -> int:
        """Registers that may differ from the control block when `block` ends."""
        return self.changed[block.start] | written_by(block)


def is_left(instruction: Instruction | None) -> bool:
    """Whether it is left to the reference machine: an `ecall` or, without a known float unit, a float."""
    if instruction is None:
        return False
    return instruction.name == "ecall" or (instruction.kind is Kind.FLOAT and float_unit() is None)


def is_cut_after(block: Block) -> bool:
    """Whether the next block must be an entry: translated code stops here, or LLVM must not merge the two."""
    return is_left(block.last) or len(block.instructions) == BLOCK_LIMIT_WORDS


def written_by(block: Block) -> int:
    """Registers that a block writes, by bit."""
    mask = 0
    for instruction in block.instructions:
        if instruction is not None and instruction.kind not in _READ_ONLY_KINDS:
            mask |= 1 << instruction.rd
    return mask & ALL_REGISTERS


def touched_by(blocks: Iterable[Block]) -> int:
    """Registers that blocks read or write, by bit."""
    mask = 0
    for block in blocks:
        for instruction in block.instructions:
            if instruction is not None:
                mask |= 1 << instruction.rd | 1 << instruction.rs1 | 1 << instruction.rs2
                mask |= 1 << instruction.rs3
    return mask & ALL_REGISTERS


def _effects(block: Block) -> list[tuple[int, int]]:
    """The registers that each instruction of the block reads and writes, by bit."""
    effects: list[tuple[int, int]] = []
    for instruction in block.instructions[: block.cycles]:
        if instruction is None:
            break
        reads = 1 << instruction.rs1 | 1 << instruction.rs2 | 1 << instruction.rs3
        writes = 0 if instruction.kind in _READ_ONLY_KINDS else 1 << instruction.rd
        effects.append((reads & ALL_REGISTERS, writes & ALL_REGISTERS))
    return effects


def _ways_on(block: Block, blocks: dict[int, Block]) -> list[int]:
    """All blocks that may come next; empty if not all of them are known."""
    last = block.last
    if last is None or is_call(last) or is_left(last) or is_indirect_jump(block):
        return []
    ways = [block.next_pc] if falls_through(last) else []
    target = direct_target(block)
    ways += [] if target is None else [target]
    return ways if all(pc in blocks for pc in ways) else []


def direct_target(block: Block) -> int | None:
    """Where the jump or branch that ends a block goes, if the code says so."""
    last = block.last
    if last is None:
        return None
    if last.kind in (Kind.JUMP, Kind.BRANCH):
        return wrap32(block.last_pc + last.immediate)
    before = block.instructions[-2] if len(block.instructions) > 1 else None
    is_far = last.kind is Kind.JUMP_REGISTER and before is not None and before.name == "auipc"
    if is_far and before is not None and before.rd == last.rs1 != 0:
        return wrap32(block.last_pc - 4 + before.immediate + last.immediate & ~1)
    return None


def is_call(instruction: Instruction | None) -> bool:
    """Whether it jumps and links."""
    return (
        instruction is not None
        and instruction.kind in (Kind.JUMP, Kind.JUMP_REGISTER)
        and instruction.rd != 0
    )


def falls_through(instruction: Instruction | None) -> bool:
    """Whether the next instruction may follow it. After an `is_left` one, execution goes on elsewhere."""
    if instruction is None or is_left(instruction):
        return False
    return instruction.kind not in (Kind.JUMP, Kind.JUMP_REGISTER, Kind.SYSTEM)


def region_flow(code: CodeMap, region: int, *, is_baseline: bool = False) -> Flow:
    """Everything about a region that its translation needs."""
    blocks = _read_blocks(code, region)
    start = int(code.regions[region])
    targets = tuple(between(code.indirect, start, max(blocks) + 4))
    jumps = any(is_dispatch(block) for block in blocks.values())
    dispatched = targets if jumps and len(targets) <= DISPATCHED_LIMIT else ()
    successors = {block.start: _successors(block, blocks) for block in blocks.values()}
    entries = {
        start,
        *targets,
        *(b.next_pc for b in blocks.values() if is_call(b.last) and b.next_pc in blocks),
    }
    entries |= {b.next_pc for b in blocks.values() if is_cut_after(b) and b.next_pc in blocks}
    heads, order = loop_heads(successors, entries)
    entries |= heads
    storing = {b.start for b in blocks.values() if any(i and i.kind is Kind.STORE for i in b.instructions)}
    cycles = {block.start: block.cycles for block in blocks.values()}
    loops = repeated_loops(cycles, successors, entries, storing) if not is_baseline else {}
    needs = least_budgets(cycles, successors, order, entries, loops)
    changed = _changed(blocks, successors, dispatched)
    inner = {*dispatched, *(to for targets in successors.values() for to in targets)}
    ways = {} if dispatched or is_baseline else ways_in(start, successors, list(needs))
    unseen = unseen_registers(
        {block.start: _effects(block) for block in blocks.values()},
        {block.start: _ways_on(block, blocks) for block in blocks.values()},
    )
    left_with = _left_with(changed, unseen, {*needs, *storing})
    wanted = _wanted(blocks, successors, dispatched, changed, left_with)
    forms = find_forms(
        Region(
            code={pc: block.instructions for pc, block in blocks.items()},
            successors=successors,
            open_blocks=(start, *needs),
            dispatched=dispatched,
            leaving={pc for pc, block in blocks.items() if _may_leave(block, blocks)},
        )
    )
    return Flow(
        start=start,
        is_baseline=is_baseline,
        loops=loops,
        blocks=blocks,
        dispatched=dispatched,
        needs={pc: needs[pc] for pc in (start, *sorted(needs.keys() - {start}))},
        ways_in=ways,
        outer=frozenset(pc for pc in needs if pc not in inner and not ways.get(pc)),
        unseen=unseen,
        changed=changed,
        wanted=wanted,
        forms=forms,
        homed=0 if is_baseline else _homed(blocks, successors, dispatched, (wanted, changed), forms),
    )


def _homed(
    blocks: dict[int, Block],
    successors: dict[int, list[int]],
    dispatched: tuple[int, ...],
    ways: tuple[dict[int, int], dict[int, int]],
    forms: Forms,
) -> int:
    """The registers that stay in the control block: none that a block may find as a float.

    `ways` are the registers that are wanted when each block begins, and those changed when it ends.
    """
    wanted, changed = ways
    entered = {min(blocks), *(b.next_pc for b in blocks.values() if is_call(b.last) and b.next_pc in blocks)}
    again = dispatched[:1]
    uses = Uses(
        instructions=sum(len(block.instructions) for block in blocks.values()),
        successors={pc: [*to, *again] if is_dispatch(blocks[pc]) else to for pc, to in successors.items()},
        touched={pc: _touched(block) for pc, block in blocks.items()},
        loaded={pc: wanted[pc] for pc in entered},
        stored={
            pc: changed[pc] | written_by(block)
            for pc, block in blocks.items()
            if _may_leave(block, blocks) and not (dispatched and is_dispatch(block))
        },
    )
    held = {register for entry in forms.entry.values() for register in entry}
    return homed_registers(uses) & ~PINNED_MASK & ~sum(1 << register for register in held)


def _touched(block: Block) -> tuple[int, int]:
    """The registers that a block reads before it writes them, and those that it writes, by bit."""
    read = written = 0
    for reads, writes in _effects(block):
        read |= reads & ~written
        written |= writes
    return read, written


def _read_blocks(code: CodeMap, region: int) -> dict[int, Block]:
    first, end = code.span(region)
    begin = int(code.addresses[first])
    stop = int(code.addresses[end - 1]) + 4
    leaders = between(code.leaders, begin, stop)
    words: list[int] = code.words[first:end].tolist()
    blocks: dict[int, Block] = {}
    for leader, following in zip(leaders, [*leaders[1:], stop], strict=True):
        content = words[(leader - begin) // 4 : (following - begin) // 4]
        blocks[leader] = Block(start=leader, instructions=_decode_until_end(content))
    return blocks


def _decode_until_end(words: list[int]) -> tuple[Instruction | None, ...]:
    """Decode up to the first word after which nothing runs."""
    instructions: list[Instruction | None] = []
    for word in words:
        instruction = decode(word)
        instructions.append(instruction)
        if instruction is None or instruction.kind is Kind.SYSTEM or is_left(instruction):
            break
    return tuple(instructions)


def _successors(block: Block, blocks: dict[int, Block]) -> list[int]:
    """The blocks of the region that follow directly. A call leaves the function."""
    following: list[int | None] = [block.next_pc] if falls_through(block.last) else []
    if not is_call(block.last):
        following.append(direct_target(block))
    return [pc for pc in following if pc in blocks]


def _changed(
    blocks: dict[int, Block], successors: dict[int, list[int]], dispatched: tuple[int, ...]
) -> dict[int, int]:
    """Forward data flow to a fixed point. The pinned registers are never kept in the control block."""
    changed = dict.fromkeys(blocks, PINNED_MASK)
    meeting = PINNED_MASK
    pending = sorted(blocks, reverse=True)
    while pending:
        block = blocks[pending.pop()]
        after = changed[block.start] | written_by(block)
        following: Sequence[int] = successors[block.start]
        if is_dispatch(block):
            following = dispatched if after & ~meeting else ()
            meeting |= after
            after = meeting
        for to in following:
            if after & ~changed[to]:
                changed[to] |= after
                pending.append(to)
    return changed


def _left_with(changed: dict[int, int], unseen: dict[int, int], leaving: set[int]) -> dict[int, int]:
    """Block at whose start the function may leave → registers that are stored there, by bit."""
    return {start: changed[start] & ~unseen[start] for start in leaving}


def _wanted(
    blocks: dict[int, Block],
    successors: dict[int, list[int]],
    dispatched: tuple[int, ...],
    changed: dict[int, int],
    left_with: dict[int, int],
) -> dict[int, int]:
    """Backward data flow to a fixed point.

    Where indirect jumps leave the function, they share one way out: each stores what any of them has changed.
    """
    jumping = [start for start, block in blocks.items() if dispatched and is_dispatch(block)]
    chosen = 0
    for start in jumping:
        chosen |= changed[start] | written_by(blocks[start])
    sources: dict[int, list[int]] = {start: [] for start in blocks}
    for start, targets in successors.items():
        for to in targets:
            sources[to].append(start)
    reached = set(dispatched)
    wanted = dict.fromkeys(blocks, 0)
    pending = sorted(blocks)
    while pending:
        start = pending.pop()
        block = blocks[start]
        after = changed[start] | written_by(block) if _may_leave(block, blocks) else 0
        after |= chosen if is_dispatch(block) else 0
        for to in successors[start]:
            after |= wanted[to]
        for reads, writes in reversed(_effects(block)):
            after = after & ~writes | reads
        after |= left_with.get(start, 0)
        if after != wanted[start]:
            wanted[start] = after
            pending += sources[start]
            if start in reached and after & ~chosen:
                chosen |= after
                pending += jumping
    return wanted


def _may_leave(block: Block, blocks: dict[int, Block]) -> bool:
    """Whether the function may leave at the end of a block."""
    last = block.last
    if last is None or is_call(last) or is_left(last) or is_indirect_jump(block):
        return True
    ways = [block.next_pc] if falls_through(last) else []
    return any(pc not in blocks for pc in (*ways, direct_target(block)) if pc is not None)


def is_dispatch(block: Block) -> bool:
    """Whether a block ends in an indirect jump that may stay in the function: all but returns."""
    return is_indirect_jump(block) and block.last is not None and block.last.rs1 not in RETURN_REGISTERS


def is_indirect_jump(block: Block) -> bool:
    """Whether a block ends in a jump to an address in a register, without a link."""
    last = block.last
    return (
        last is not None and last.kind is Kind.JUMP_REGISTER and last.rd == 0 and direct_target(block) is None
    )
