"""The ways into a unit's code and out: by the entry table, to `run`, by a trap; and the slow path of stores.

The budget is what is left beyond `WINDOW_CYCLES` (support.PARAMETERS), so that a block which takes its cycles
sees by the sign whether enough are left.
"""

from truestep.engine.layout import (
    CONTROL,
    CONTROL_LEAVE,
    CONTROL_PC,
    CONTROL_STORE_CHECK,
    CONTROL_TABLE,
    ENTRY_BITS,
    register_offset,
)
from truestep.engine.templates.encoding import (
    MOVE,
    MOVE_TO,
    RAX,
    RDX,
    RSI,
    Registers,
    between,
    set_low,
    shift_number,
    sum_of,
    with_control,
    with_number,
    word,
)

_PC_AT, _TABLE_AT = CONTROL + 8 * CONTROL_PC, CONTROL + 8 * CONTROL_TABLE
_LEAVE = with_control(b"\xff", 4, CONTROL + 8 * CONTROL_LEAVE, is_wide=False)
_ENTER = between(b"\x0f\xb7", RDX, RAX, is_wide=False) + shift_number(5, RAX, ENTRY_BITS) + b"\xff\xe0"
"""Go on where the entry in RAX says: 16 bits of it are the number of the entry."""


ENTER = b"\x55\xff\xd0\x5d\xc3"
"""Call the function whose address is in RAX, after all arguments; keep RBP, which templates use and the
convention of translated code gives back as it was."""


def way_in(at: Registers) -> bytes:
    """What an entry does first: take what the unit keeps in host registers."""
    return b"".join(with_control(MOVE, at.hosts[each], register_offset(each)) for each in at.kept)


def way_out(at: Registers) -> bytes:
    """What is done last: put it back."""
    return b"".join(with_control(MOVE_TO, at.hosts[each], register_offset(each)) for each in at.kept)


def leave_at(at: Registers, pc: int) -> bytes:
    """Return to `run`, which goes on at `pc`."""
    return way_out(at) + set_low(RDX, pc) + _LEAVE


def trap(marker: int) -> bytes:
    """Return to `run` with a trap (support.trap_marker); a final state has no registers."""
    return b"\x48\xba" + marker.to_bytes(8, "little") + _LEAVE


def go_by_table(at: Registers, pc: int) -> bytes:
    """Go on at a pc that has a slot in the entry table."""
    note = with_control(b"\xc7", 0, _PC_AT) + word(pc)
    return way_out(at) + note + with_control(MOVE, RAX, _TABLE_AT) + b"\x48\x8b\x80" + word(2 * pc) + _ENTER


def slot_of_target(at: Registers, first: int, count: int) -> bytes:
    """Find the slot of the pc in RAX, of `count` from `first` on; the jump is taken if it has none."""
    note = way_out(at) + with_control(MOVE_TO, RAX, _PC_AT)
    # A misaligned distance becomes a large number, that of an odd address too.
    slot = sum_of(RDX, RAX, -4 * first, is_wide=False) + between(b"\xc1", 1, RDX, is_wide=False) + b"\2"
    return note + slot + with_number(7, RDX, count, is_wide=False) + b"\x0f\x83"


def go_by_slot(first: int) -> bytes:
    """Go on where the entry in a slot says."""
    return with_control(MOVE, RAX, _TABLE_AT) + b"\x48\x8b\x84\xd0" + word(8 * first) + _ENTER


def place_of_target(at: Registers, guest: int, offset: int, first: int, last: int) -> bytes:
    """Find in EDX the place, between two pcs, of a register plus an offset.

    The jump is taken if it is not between them. A misaligned distance becomes a large number.
    """
    host = at.hosts.get(guest)
    if host is None:
        distance = at.load(RDX, guest, is_wide=False) + with_number(0, RDX, offset - first, is_wide=False)
    else:
        distance = sum_of(RDX, host, offset - first, is_wide=False)
    place = distance + between(b"\xc1", 1, RDX, is_wide=False) + b"\2"
    return place + with_number(7, RDX, (last - first) // 4, is_wide=False) + b"\x0f\x87"


def target_of_place(first: int) -> bytes:
    """The pc, to RAX, of which `place_of_target` has found that it is not between two others."""
    return between(b"\xc1", 0, RDX, is_wide=False) + b"\2" + sum_of(RAX, RDX, first, is_wide=False)


TABLE_OF_TARGETS = b"\x4c\x8d\x15"
"""The address of a table to R10: its distance from what follows the hole comes next."""
GO_BY_PLACE = b"\x41\xff\x24\xd2"
"""Go on at the address that lies at a place in that table."""
GO_ASTRAY = with_number(4, RAX, -2, is_wide=False) + between(MOVE, RDX, RAX, is_wide=False) + _LEAVE
"""Return to `run`, which goes on at the pc in RAX: it has no slot."""
STORE_SLOWLY = (
    b"\x41\x53\x56\x50\x48\x83\xec\x08"  # push r11, rsi, rax; align the stack
    + between(MOVE, RSI, RAX)
    + with_control(b"\xff", 2, CONTROL + 8 * CONTROL_STORE_CHECK, is_wide=False)
    + b"\x48\x83\xc4\x08\x89\xc2\x58\x5e\x41\x5b"  # the answer to edx; pop all
    + b"\xf6\xc2\x01\xc3"  # test dl, 1; ret
)
"""Called with an address in RAX and a size in RDX: whether the store is allowed, as a flag. Keeps RAX."""
