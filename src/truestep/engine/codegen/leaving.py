"""The ways from one function into the next, through the entry table, and within one by a table of its own."""

from truestep.engine.analysis.flow import PINNED_MASK
from truestep.engine.codegen.frame import Frame, block_label, dispatch_name
from truestep.engine.codegen.support import CONTROLS, LIKELY
from truestep.engine.layout import CONTROL, CONTROL_PC, CONTROL_TABLE, ENTRY_BITS, ENTRY_MASK
from truestep.machine.layout import MEMORY_SIZE_BYTES


def write_dispatch(frame: Frame) -> None:
    """Write the single place from which indirect jumps go on within the function, if many by a table.

    An odd address is in no table; bit 0 is cleared where it goes astray.
    """
    emit = frame.emitter
    emit.label("dispatch")
    target = emit.value("load i64, ptr %indirect")
    if frame.flow.goes_by_table:
        places = frame.dispatch_places()
        low = emit.value(f"trunc i64 {target} to i32")
        distance = emit.value(f"sub i32 {low}, {places[0]}")
        place = emit.value(f"call i32 @llvm.fshr.i32(i32 {distance}, i32 {distance}, i32 2)")
        # A misaligned distance becomes a large number.
        is_own = emit.value(f"icmp ult i32 {place}, {len(places)}")
        emit.line(f"br i1 {is_own}, label %own, label %outside, {LIKELY}")
        emit.label("own")
        wide = emit.value(f"zext i32 {place} to i64")
        at = emit.value(f"getelementptr ptr, ptr {dispatch_name(frame.flow.start)}, i64 {wide}")
        frame.write_chosen(emit.value(f"load ptr, ptr {at}"))
    else:
        cases = " ".join(f"i64 {pc}, label %{block_label(pc)}" for pc in frame.flow.dispatched)
        address = emit.value(f"and i64 {target}, {MEMORY_SIZE_BYTES - 2}")
        emit.line(f"switch i64 {address}, label %outside [{cases}]")
    emit.label("outside")
    for register in frame.having(frame.indirect_changed & ~PINNED_MASK):
        value = emit.value(f"load i64, ptr %x{register}")
        emit.line(f"store i64 {value}, ptr %s{register}, {CONTROLS}")
    outward = emit.value("load i64, ptr %indirect")
    go_by_table(frame, outward, emit.value("load i64, ptr %count"), frame.pinned())


def write_shared_ways(frame: Frame) -> None:
    """Write the two ways out of baseline code (_go_shared)."""
    emit = frame.emitter
    emit.label("leaving")
    frame.leave(emit.value("load i64, ptr %count"), emit.value("load i64, ptr %indirect"), frame.pinned())
    emit.label("going")
    target = emit.value("load i64, ptr %indirect")
    go_by_table(frame, target, emit.value("load i64, ptr %count"), frame.pinned())


def go_by_table(frame: Frame, target: str, left: str, pinned: dict[int, str]) -> None:
    """Go on at an address that is known only now."""
    emit, code = frame.emitter, frame.code
    low = emit.value(f"trunc i64 {target} to i32")
    distance = emit.value(f"sub i32 {low}, {4 * code.table_first}")
    # A misaligned distance becomes a large number.
    slot = emit.value(f"call i32 @llvm.fshr.i32(i32 {distance}, i32 {distance}, i32 2)")
    is_code = emit.value(f"icmp ult i32 {slot}, {code.table_count}")
    astray, found = emit.name("astray"), emit.name("found")
    emit.line(f"br i1 {is_code}, label %{found}, label %{astray}, {LIKELY}")
    emit.label(astray)
    frame.leave(left, emit.value(f"and i64 {target}, {MEMORY_SIZE_BYTES - 2}"), pinned)
    emit.label(found)
    pc = emit.value(f"zext i32 {low} to i64")
    go_to_slot(frame, emit.value(f"zext i32 {slot} to i64"), pc, left, pinned)


def _entry_at(frame: Frame, slot: str) -> str:
    """What the entry table holds in a slot."""
    emit = frame.emitter
    table_at = emit.value(f"getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_TABLE}")
    table = emit.value(f"load ptr, ptr {table_at}, {CONTROLS}")
    first = emit.value(f"getelementptr i8, ptr {table}, i64 {8 * frame.code.table_first}")
    slot_at = emit.value(f"getelementptr i64, ptr {first}, i64 {slot}")
    return emit.value(f"load i64, ptr {slot_at}, {CONTROLS}")


def go_to_slot(frame: Frame, slot: str, pc: str, left: str, pinned: dict[int, str]) -> None:
    """Go on where an entry of the table leads; `leave_at` needs the pc."""
    emit = frame.emitter
    pc_at = emit.value(f"getelementptr i8, ptr %memory, i64 {CONTROL + 8 * CONTROL_PC}")
    emit.line(f"store i64 {pc}, ptr {pc_at}, {CONTROLS}")
    entry = _entry_at(frame, slot)
    address = emit.value(f"lshr i64 {entry}, {ENTRY_BITS}")
    function = emit.value(f"inttoptr i64 {address} to ptr")
    number = emit.value(f"and i64 {entry}, {ENTRY_MASK}")
    frame.go_on(function, left, number, pinned)
