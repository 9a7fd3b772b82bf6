"""IR that every translated unit shares: the entry into translated code, and the slow path of stores."""

from collections.abc import Sequence

from truestep.engine.analysis.liveness import WINDOW_CYCLES
from truestep.engine.host import FloatUnit, has_templates
from truestep.engine.layout import (
    CONTROL,
    CONTROL_CYCLE,
    CONTROL_ENTER,
    CONTROL_OVER_LIMIT,
    CONTROL_PAGES,
    CONTROL_PAGES_LIMIT,
    CONTROL_PC,
    CONTROL_TABLE,
    CONTROL_WALK_START,
    CONTROL_WALKS_LEFT,
    COUNTED,
    DIRTY,
    ENTRY_BITS,
    ENTRY_MASK,
    HEADS,
    NEIGHBOUR,
    OPEN,
    OPEN_ALONE,
    OPEN_WITH_NEXT,
    OPENABLE,
    PINNED,
    TABLE_ENTRIES,
    WRITTEN,
    register_offset,
)
from truestep.machine.layout import (
    DATA_END,
    DATA_START,
    OUTPUT_SIZE_END,
    OUTPUT_SIZE_START,
    OUTPUT_START,
    PAGE_SHIFT,
)
from truestep.machine.state import TrapCause

RESULT = "{i64, i64}"
"""What translated code returns to `run`: next pc, budget left."""

TRAP_FLAG = 1
"""A next pc with this bit is a shifted trap cause, not an address (bit 0 of a jump target is cleared)."""
TRAP_SHIFT = 8
_UNTAKEN_SHIFT = 32
"""The bits above it hold the cycles that were counted but not taken because of the trap."""

METADATA = """
!0 = !{!"truestep"}
!1 = !{!"guest", !0}
!2 = !{!"pages", !0}
!3 = !{!"control", !0}
!4 = !{!1, !1, i64 0}
!5 = !{!2, !2, i64 0}
!6 = !{!3, !3, i64 0}
!7 = !{!"branch_weights", i32 2000, i32 1}
!8 = !{!"branch_weights", i32 1, i32 2000}
"""
GUEST, PAGES, CONTROLS = "!tbaa !4", "!tbaa !5", "!tbaa !6"
"""Tell LLVM that guest memory, page maps and control block never overlap."""
LIKELY, UNLIKELY = "!prof !7", "!prof !8"


def trap_marker(cause: TrapCause, untaken_cycles: int = 0) -> int:
    """The next pc that stands for a trap."""
    return untaken_cycles << _UNTAKEN_SHIFT | cause << TRAP_SHIFT | TRAP_FLAG


def arguments(left: str, entry: str, pinned: Sequence[str]) -> str:
    """The arguments of a function: pinned registers, memory, budget, number of the entry.

    Few enough for host registers; the address of memory is where x86-64 encodes it shortest.
    """
    values = [f"i64 {value}" for value in pinned]
    return ", ".join((*values[:4], "ptr %memory", f"i64 {left}", f"i64 {entry}", *values[4:]))


PARAMETERS = arguments("%budget", "%number", [f"%p{register}" for register in PINNED])
"""Of every function. It ends in a jump to another one, with as many arguments, or returns to `run`.

The budget is what is left beyond `WINDOW_CYCLES`, so that small numbers are compared and signs looked at.
"""


def leave_function() -> str:
    """`leave`: store the pinned registers and return to `run`, with `number` as next pc."""
    return _leaving("leave", "")


def _leaving(name: str, before: str, pc: str = "%number") -> str:
    stores = "".join(
        f"  %s{register} = getelementptr i8, ptr %memory, i64 {register_offset(register)}\n"
        f"  store i64 %p{register}, ptr %s{register}\n"
        for register in PINNED
    )
    return f"""
define preserve_nonecc {RESULT} @{name}({PARAMETERS}) noinline cold nounwind {{
{before}{stores}  %half = insertvalue {RESULT} poison, i64 {pc}, 0
  %result = insertvalue {RESULT} %half, i64 %budget, 1
  ret {RESULT} %result
}}
"""


def leave_at_function() -> str:
    """`leave_at`: the same with the control block's pc, where the entry table has nothing better."""
    before = f"""  %pc.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_PC}
  %pc = load i64, ptr %pc.at
"""
    return _leaving("leave_at", before, "%pc")


def run_function(unit: FloatUnit | None) -> str:
    """`run(memory, budget, walk)`: run from the control block's pc until no progress is made.

    Where nothing translated continues, `walk` goes on if it is not null, as far as the control block allows.
    No progress means: nothing goes on at the pc, or the budget is smaller than the way to the next check, or
    an instruction is left to the reference machine. Functions are entered only with the budget that lets them
    leave with unseen registers out of date (liveness). Float instructions find the mode that the machine has
    (M8.2), whatever this thread's is: some libraries flush subnormals in the whole process.
    """
    declarations, enter, leave = _float_modes(unit)
    return f"""
{declarations}declare i32 @llvm.fshr.i32(i32, i32, i32)
define void @run(ptr %memory, i64 %budget, ptr %walk) nounwind {{
entry:
  %pc.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_PC}
  %cycle.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_CYCLE}
  %table.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_TABLE}
  %walks.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_WALKS_LEFT}
  %walk.start.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_WALK_START}
  %has.walk = icmp ne ptr %walk, null
  %start = load i64, ptr %pc.at
  %table = load ptr, ptr %table.at
{enter}  br label %again
again:
  %pc = phi i64 [%start, %entry], [%pc.next, %enter], [%pc.walked, %walked]
  %left = phi i64 [%budget, %entry], [%left.next, %enter], [%left.walked, %walked]
  %pc.low = trunc i64 %pc to i32
  %index = call i32 @llvm.fshr.i32(i32 %pc.low, i32 %pc.low, i32 2)
  %is.code = icmp ult i32 %index, {TABLE_ENTRIES}
  br i1 %is.code, label %look, label %leave
look:
  %index.wide = zext i32 %index to i64
  %slot = getelementptr i64, ptr %table, i64 %index.wide
  %word = load i64, ptr %slot
  %number = and i64 %word, {ENTRY_MASK}
  %is.missing = icmp eq i64 %number, 0
  br i1 %is.missing, label %cold, label %known
known:
  %is.near = icmp slt i64 %left, {WINDOW_CYCLES}
  br i1 %is.near, label %leave, label %enter
enter:
{_entering()}  %pc.next = extractvalue {RESULT} %result, 0
  %over.next = extractvalue {RESULT} %result, 1
  %left.next = add i64 %over.next, {WINDOW_CYCLES}
  %same.pc = icmp eq i64 %pc.next, %pc
  %same.left = icmp eq i64 %left.next, %left
  %stuck = and i1 %same.pc, %same.left
  br i1 %stuck, label %leave, label %again
{_WALKING}leave:
  %pc.end = and i64 %pc, {(1 << _UNTAKEN_SHIFT) - 1}
  store i64 %pc.end, ptr %pc.at
  %untaken = lshr i64 %pc, {_UNTAKEN_SHIFT}
  %left.end = add i64 %left, %untaken
  %used = sub i64 %budget, %left.end
  %cycle = load i64, ptr %cycle.at
  %cycle.next = add i64 %cycle, %used
  store i64 %cycle.next, ptr %cycle.at
{leave}  ret void
}}
"""


def _entering() -> str:
    """The call of what an entry of the table names; where there are templates, through `leaving.ENTER`."""
    pinned = "".join(
        f"  %s{register} = getelementptr i8, ptr %memory, i64 {register_offset(register)}\n"
        f"  %p{register} = load i64, ptr %s{register}\n"
        for register in PINNED
    )
    passed = arguments("%over", "%number", [f"%p{register}" for register in PINNED])
    function, how = "%found", ""
    if has_templates():
        how = f"""\
  %enter.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_ENTER}
  %enter.code = load ptr, ptr %enter.at
"""
        function, passed = "%enter.code", f"{passed}, ptr %found"
    return f"""\
  %address = lshr i64 %word, {ENTRY_BITS}
  %found = inttoptr i64 %address to ptr
  %over = sub i64 %left, {WINDOW_CYCLES}
{pinned}{how}  %result = call preserve_nonecc {RESULT} {function}({passed})
"""


_WALKING = """\
cold:
  %walks = load i64, ptr %walks.at
  %is.within = icmp slt i64 %walks, %left
  %count = select i1 %is.within, i64 %walks, i64 %left
  %is.allowed = icmp sgt i64 %count, 0
  %is.walking = and i1 %is.allowed, %has.walk
  br i1 %is.walking, label %walking, label %leave
walking:
  store i64 %pc, ptr %pc.at
  store i64 %pc, ptr %walk.start.at
  %taken = call i64 %walk(ptr %memory, i64 %count, i1 zeroext true)
  %walks.next = sub i64 %walks, %taken
  store i64 %walks.next, ptr %walks.at
  %is.refused = icmp eq i64 %taken, 0
  br i1 %is.refused, label %leave, label %walked
walked:
  %pc.walked = load i64, ptr %pc.at
  %left.walked = sub i64 %left, %taken
  br label %again
"""
"""The blocks of `run` that let the walk go on where nothing translated does."""


def walk_function(unit: FloatUnit | None) -> str:
    """`walk_to(memory, count, walk)`: walk to an exact stop, with floats in the mode that the machine has."""
    _, enter, leave = _float_modes(unit)
    return f"""
define i64 @walk_to(ptr %memory, i64 %count, ptr %walk) nounwind {{
{enter}  %taken = call i64 %walk(ptr %memory, i64 %count, i1 zeroext false)
{leave}  ret i64 %taken
}}
"""


def _float_modes(unit: FloatUnit | None) -> tuple[str, str, str]:
    """(declarations, IR that saves this thread's float mode and sets the machine's, IR that restores it)."""
    if unit is None:
        return "", "", ""
    enter = f"""  %mode.at = alloca {unit.mode_type}
  {unit.read_mode}
  {unit.write_mode.format(mode=unit.default_mode)}
"""
    return unit.declarations, enter, f"  {unit.write_mode.format(mode='%mode')}\n"


def _writable_function() -> str:
    """`writable(address)`: whether the right to store there follows from the address (M3.3)."""
    return f"""
define internal i1 @writable(i64 %address) nounwind {{
  %from.data = sub i64 %address, {DATA_START}
  %in.data = icmp ult i64 %from.data, {DATA_END - DATA_START}
  %from.size = sub i64 %address, {OUTPUT_SIZE_START}
  %in.size = icmp ult i64 %from.size, {OUTPUT_SIZE_END - OUTPUT_SIZE_START}
  %from.output = sub i64 %address, {OUTPUT_START}
  %in.output = icmp ult i64 %from.output, {2**32 - OUTPUT_START}
  %either = or i1 %in.data, %in.size
  %any = or i1 %either, %in.output
  ret i1 %any
}}
"""


def _count_function() -> str:
    """`count_page(memory, page)`: whether the limit lets a page be written; counts each once."""
    return f"""
define internal i1 @count_page(ptr %memory, i64 %page) nounwind {{
  %counted.map = getelementptr i8, ptr %memory, i64 {COUNTED}
  %counted.at = getelementptr i8, ptr %counted.map, i64 %page
  %counted = load i8, ptr %counted.at
  %is.new = icmp eq i8 %counted, 0
  br i1 %is.new, label %new, label %fits
new:
  %pages.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_PAGES}
  %limit.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_PAGES_LIMIT}
  %pages = load i64, ptr %pages.at
  %limit = load i64, ptr %limit.at
  %is.over = icmp uge i64 %pages, %limit
  br i1 %is.over, label %over, label %count
over:
  %over.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_OVER_LIMIT}
  store i64 1, ptr %over.at
  ret i1 false
count:
  %pages.next = add i64 %pages, 1
  store i64 %pages.next, ptr %pages.at
  store i8 1, ptr %counted.at
  ret i1 true
fits:
  ret i1 true
}}
"""


def _open_function(linkage: str) -> str:
    """`open_page(memory, address)`: `store_check` for a block that stores there unless it traps before.

    Returns whether the page is open. Notes no limit: the block is left, and each of its stores asks again.
    """
    return f"""
define {linkage} preserve_mostcc i1 @open_page(ptr %memory, i64 %address) noinline cold nounwind {{
  %allowed = call preserve_mostcc i1 @store_check(ptr %memory, i64 %address, i64 1)
  br i1 %allowed, label %look, label %refused
look:
  %page = lshr i64 %address, {PAGE_SHIFT}
  %open.map = getelementptr i8, ptr %memory, i64 {OPEN}
  %flag.at = getelementptr i8, ptr %open.map, i64 %page
  %flag = load i8, ptr %flag.at
  %is.open = icmp ne i8 %flag, 0
  ret i1 %is.open
refused:
  %over.at = getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_OVER_LIMIT}
  store i64 0, ptr %over.at
  ret i1 false
}}
"""


_OPENING = f"""\
  %open.map = getelementptr i8, ptr %memory, i64 {OPEN}
  %opening = getelementptr i8, ptr %open.map, i64 %page
  %above.at = getelementptr i8, ptr %opening, i64 1
  %above = load i8, ptr %above.at
  %is.last = icmp eq i8 %above, 0
  %open.mark = select i1 %is.last, i8 {OPEN_ALONE}, i8 {OPEN_WITH_NEXT}
  store i8 %open.mark, ptr %opening
  %below.at = getelementptr i8, ptr %opening, i64 -1
  %below = load i8, ptr %below.at
  %was.last = icmp eq i8 %below, {OPEN_ALONE}
  %below.next = select i1 %was.last, i8 {OPEN_WITH_NEXT}, i8 %below
  store i8 %below.next, ptr %below.at
  ret i1 true
"""
"""Marks a page as open, and as open with the next one, or so the one before it (layout.OPEN)."""


def store_function(linkage: str = "internal") -> str:
    """`store_check(memory, address, size)`: what a store to a page that is not open needs (M3.3, M3.4).

    Returns whether the store is allowed, its pages marked. Opens the page for stores to come if that is right
    for every address in it. Refuses a page beyond the limit, and notes that.
    """
    (first_a, end_a), (first_b, end_b) = OPENABLE
    return f"""{_writable_function()}{_count_function()}{_open_function(linkage)}
define {linkage} preserve_mostcc i1 @store_check(ptr %memory, i64 %address, i64 %size)
    noinline cold nounwind {{
  %page = lshr i64 %address, {PAGE_SHIFT}
  %from.a = sub i64 %page, {first_a}
  %in.a = icmp ult i64 %from.a, {end_a - first_a}
  %from.b = sub i64 %page, {first_b}
  %in.b = icmp ult i64 %from.b, {end_b - first_b}
  %openable = or i1 %in.a, %in.b
  %dirty.map = getelementptr i8, ptr %memory, i64 {DIRTY}
  %dirty = getelementptr i8, ptr %dirty.map, i64 %page
  br i1 %openable, label %claim, label %decide
claim:
  %fits = call i1 @count_page(ptr %memory, i64 %page)
  br i1 %fits, label %open, label %refuse
open:
  store i8 {WRITTEN}, ptr %dirty
  %neighbour = getelementptr i8, ptr %dirty, i64 1
  %known = load i8, ptr %neighbour
  %is.clean = icmp eq i8 %known, 0
  br i1 %is.clean, label %keep.head, label %opened
keep.head:
  %page.next = add i64 %page, 1
  %head.at = shl i64 %page.next, {PAGE_SHIFT}
  %head.from = getelementptr i8, ptr %memory, i64 %head.at
  %head = load i64, ptr %head.from
  %heads = getelementptr i8, ptr %memory, i64 {HEADS}
  %head.to = getelementptr i64, ptr %heads, i64 %page.next
  store i64 %head, ptr %head.to
  store i8 {NEIGHBOUR}, ptr %neighbour
  br label %opened
opened:
{_OPENING}decide:
  %more = sub i64 %size, 1
  %last = add i64 %address, %more
  %first.allowed = call i1 @writable(i64 %address)
  %last.allowed = call i1 @writable(i64 %last)
  %allowed = and i1 %first.allowed, %last.allowed
  br i1 %allowed, label %claim.single, label %refuse
claim.single:
  %fits.single = call i1 @count_page(ptr %memory, i64 %page)
  br i1 %fits.single, label %mark, label %refuse
mark:
  ; No store that is allowed runs over the end of a page that cannot be opened.
  store i8 {WRITTEN}, ptr %dirty
  ret i1 true
refuse:
  ret i1 false
}}
"""
