"""ELF files made field by field, so that a test can spoil any of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

HEADER_SIZE_BYTES, TABLE_ROW_SIZE_BYTES = 64, 56
CONTENT_OFFSET = 0x200
EXECUTE, WRITE, READ = 1, 2, 4


@dataclass(slots=True, kw_only=True)
class Row:
    """One program header; its content follows the table."""

    kind: int = 1
    permissions: int = READ | EXECUTE
    address: int = 0x1_0000
    content: bytes = b"\x13\0\0\0" * 4
    offset: int | None = None
    file_size_bytes: int | None = None
    memory_size_bytes: int | None = None
    physical_address: int | None = None


@dataclass(slots=True, kw_only=True)
class Elf:
    """A valid file unless a field says otherwise."""

    rows: list[Row] = field(default_factory=lambda: [Row()])
    magic: bytes = b"\x7fELF"
    elf_class: int = 2
    byte_order: int = 1
    kind: int = 2
    machine: int = 243
    entry: int = 0x1_0000
    flags: int = 0
    table_offset: int = HEADER_SIZE_BYTES
    row_size_bytes: int = TABLE_ROW_SIZE_BYTES
    row_count: int | None = None

    def pack(self) -> bytes:
        count = len(self.rows) if self.row_count is None else self.row_count
        ident = self.magic + bytes([self.elf_class, self.byte_order, 1, 0]) + bytes(8)
        header = ident + struct.pack(
            "<HHIQQQIHHHHHH",
            *(self.kind, self.machine, 1, self.entry, self.table_offset, 0, self.flags),
            *(HEADER_SIZE_BYTES, self.row_size_bytes, count, 64, 0, 0),
        )
        table, contents = b"", b""
        for row in self.rows:
            offset = CONTENT_OFFSET + len(contents) if row.offset is None else row.offset
            file_size = len(row.content) if row.file_size_bytes is None else row.file_size_bytes
            memory_size = file_size if row.memory_size_bytes is None else row.memory_size_bytes
            physical = row.address if row.physical_address is None else row.physical_address
            table += struct.pack(
                "<IIQQQQQQ",
                *(row.kind, row.permissions, offset, row.address, physical, file_size, memory_size, 4096),
            )
            contents += row.content
        return (header + table).ljust(CONTENT_OFFSET, b"\0") + contents
