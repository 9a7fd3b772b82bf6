"""The layout of a run's memory mapping, as distances from the first byte of guest memory.

Translated code gets a single pointer, the address of guest memory. All else is at a fixed distance below it:

```
-12 MiB     -4 MiB      -3 MiB      -2 MiB    -1 MiB      0                    4 GiB
┌───────────┬───────────┬───────────┬─────────┬───────────┬─────────────────────┬───────┐
│ heads     │ dirty     │ open      │ control │ counted   │ guest memory        │ guard │
│ 8 B/page  │ 1 B/page  │ 1 B/page  │         │ 1 B/page  │                     │       │
└───────────┴───────────┴───────────┴─────────┴───────────┴─────────────────────┴───────┘
```

- open[page] is OPEN_ALONE if a store that begins in `page` needs no check: it may be written, so may the page
  after it, and both are marked dirty. It is OPEN_WITH_NEXT if the same holds for the page after it.
- dirty[page] is WRITTEN if the page must be hashed again, NEIGHBOUR if only its first 7 bytes may have
  changed, by stores that straddle in from the page below; heads[page] is its first 8 bytes before that.
- counted[page] is 1 if `page` counts as one that the guest has written, against its limit.
"""

from truestep.machine.layout import (
    DATA_END,
    DATA_START,
    MEMORY_SIZE_BYTES,
    OUTPUT_START,
    PAGE_SHIFT,
)

PAGE_COUNT = MEMORY_SIZE_BYTES >> PAGE_SHIFT
MEBIBYTE = 1 << 20

HEADS = -12 * MEBIBYTE
DIRTY = -4 * MEBIBYTE
OPEN = -3 * MEBIBYTE
CONTROL = -2 * MEBIBYTE
COUNTED = -1 * MEBIBYTE
GUEST_START = -HEADS
"""The offset of guest memory in the mapping."""
GUARD_SIZE_BYTES = 1 << 16
MAPPING_SIZE_BYTES = GUEST_START + MEMORY_SIZE_BYTES + GUARD_SIZE_BYTES

MAP_NORESERVE = 0x4000
"""Linux's flag for memory that uses nothing until it is touched; in `mmap` from Python 3.13 on."""

OPEN_ALONE, OPEN_WITH_NEXT = 1, 2
WRITTEN = 1
NEIGHBOUR = 2

CONTROL_PC = 32
CONTROL_CYCLE = 33
CONTROL_TABLE = 34
CONTROL_PAGES = 35
CONTROL_PAGES_LIMIT = 36
CONTROL_OVER_LIMIT = 37
CONTROL_ENTRY = 38
CONTROL_WALKS_LEFT = 39
CONTROL_WALK_START = 40
CONTROL_LEAVE = 41
CONTROL_STORE_CHECK = 42
CONTROL_OPEN_PAGE = 43
CONTROL_FLOATS = 44
CONTROL_ENTER = 45
CONTROL_WORDS = 46
"""The control block: 64-bit words 0..31 are the registers, then these: how many pages the guest has written
and how many it may, 1 once it wanted more, the entry that a function is on its way to, else 0, how many
instructions may be walked, where the last walk began (engine.walk), and the addresses of what all translated
code shares (codegen.support, templates.floats, templates.leaving)."""

OPENABLE = (
    (DATA_START >> PAGE_SHIFT, (DATA_END >> PAGE_SHIFT) - 1),
    (OUTPUT_START >> PAGE_SHIFT, PAGE_COUNT - 1),
)
"""Pages [first, end) that can be opened: writable, and followed by a writable page. Stores to the last page
of a range and to the page of the output size (8 writable bytes) are checked each time."""

TABLE_ENTRIES = DATA_START >> 2
"""The entry table has 64 bits for each word of the code range: the address of the function that goes on
there, shifted, plus which of its entries that is, from 1 on. Where nothing is translated there is entry 0 of
`leave_at` (codegen.support). Outside of the program's code it is 0; only `run` and the walk look there."""
TABLE_SIZE_BYTES = 8 * (TABLE_ENTRIES + 1)
ENTRY_BITS = 16
"""The low bits of an entry of the table: the number of the entry within its function."""
ENTRY_MASK = (1 << ENTRY_BITS) - 1

PINNED = (1, 2, 8, 9, 10, 11, 12, 13)
"""Guest registers that are in host registers wherever a function goes on in another: those that compiled code
uses most (ra, sp, s0, s1, a0 to a3). All others are in the control block there."""


def register_offset(register: int) -> int:
    """Where a guest register lies in the control block."""
    return CONTROL + 8 * register
