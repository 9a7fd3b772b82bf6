"""The machine's address space: ranges and rights (docs/machine.md M3)."""

MEMORY_SIZE_BYTES = 2**32
TREE_DEPTH = 27
PAGE_SHIFT = 12
PAGE_SIZE_BYTES = 1 << PAGE_SHIFT
LEAF_SHIFT = 5
LEAF_SIZE_BYTES = 1 << LEAF_SHIFT

RANGE_SHIFT = 29
"""A range is an eighth of the memory, 512 MiB."""
RANGE_SIZE_BYTES = 1 << RANGE_SHIFT
RANGE_LEVEL = 24

CODE_END = 0x2000_0000
DATA_START = 0x2000_0000
DATA_END = 0x8000_0000
HEADER_START = 0x8000_0000
INPUT_START = 0xA000_0000
INPUT_LIMIT_BYTES = RANGE_SIZE_BYTES
OUTPUT_SIZE_START = 0xC000_0000
OUTPUT_SIZE_END = OUTPUT_SIZE_START + 8
OUTPUT_START = 0xE000_0000
OUTPUT_LIMIT_BYTES = RANGE_SIZE_BYTES

PROGRAM_NODE = (26, 0)
LEFT_NODE = (26, 0)
INNER_NODE = (25, 2)
INPUT_NODE = (24, 5)
OUTPUT_NODE = (24, 7)
"""(level, index) of the subtrees that have names (M3.7)."""


def readable_size(address: int, size_bytes: int) -> int:
    """How many of `size_bytes` at the 32-bit `address` are in memory; a load reads 0 beyond (M3.4)."""
    return min(size_bytes, MEMORY_SIZE_BYTES - address)


def may_store(address: int, size_bytes: int) -> bool:
    """Whether a store of `size_bytes` at the 32-bit `address` is allowed (M3.3, M3.4)."""
    last = address + size_bytes - 1
    return last < MEMORY_SIZE_BYTES and _is_writable(address) and _is_writable(last)


def may_fetch(pc: int) -> bool:
    """Whether an instruction can be fetched from `pc` (M5.1, code 1)."""
    return pc < CODE_END and pc % 4 == 0


def _is_writable(address: int) -> bool:
    return (
        DATA_START <= address < DATA_END
        or OUTPUT_SIZE_START <= address < OUTPUT_SIZE_END
        or address >= OUTPUT_START
    )
