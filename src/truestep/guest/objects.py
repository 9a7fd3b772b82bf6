"""The tables of object files (ELF-64 object file format), as far as linking a guest needs them."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SECTION_TABLE_AT = 40
_SECTION_COUNTS_AT = 58
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_SYMBOL_SIZE_BYTES = 24
_SYMBOL_INFO_OFFSET_BYTES = 4
_SYMBOL_SECTION_OFFSET_BYTES = 6
_SYMBOL_TABLE = 2
_GLOBAL, _WEAK = 1, 2

_FLAG_WRITE, _FLAG_ALLOCATE, _FLAG_EXECUTE = 1, 2, 4

_ARCHIVE_MAGIC = b"!<arch>\n"
_MEMBER_HEADER_SIZE_BYTES = 60
_MEMBER_SIZE_TEXT = slice(48, 58)
_ELF_MAGIC = b"\x7fELF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One row of a section header table."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size_bytes: int

    @property
    def end(self) -> int:
        """The first address after the section."""
        return self.address + self.size_bytes

    @property
    def is_in_memory(self) -> bool:
        """Whether it has addresses when the program runs."""
        return bool(self.flags & _FLAG_ALLOCATE) and self.size_bytes > 0

    @property
    def is_writable(self) -> bool:
        """Whether it holds variables."""
        return bool(self.flags & _FLAG_WRITE)

    @property
    def is_executable(self) -> bool:
        """Whether it holds code."""
        return bool(self.flags & _FLAG_EXECUTE)


def read_sections(file: bytes | bytearray, start: int = 0) -> list[Section]:
    """The sections of the object file or program that begins at `start`. It comes from our own linker."""
    (table,) = struct.unpack_from("<Q", file, start + _SECTION_TABLE_AT)
    row_size, count, names_index = struct.unpack_from("<HHH", file, start + _SECTION_COUNTS_AT)
    rows = [_SECTION_HEADER.unpack_from(file, start + table + row_size * index) for index in range(count)]
    names_start = start + rows[names_index][4] if rows else 0
    return [
        Section(
            name=bytes(file[names_start + row[0] : file.index(0, names_start + row[0])]).decode(),
            kind=row[1],
            flags=row[2],
            address=row[3],
            offset=row[4],
            size_bytes=row[5],
        )
        for row in rows
    ]


def with_weak_definitions(archive: bytes) -> bytes:
    """The archive with all of its definitions weak.

    So a program that defines one of these names itself can still use what stands beside it in its member.
    """
    changed = bytearray(archive)
    for start in _objects_of(archive):
        for symbols in read_sections(changed, start):
            if symbols.kind == _SYMBOL_TABLE:
                _weaken(changed, start + symbols.offset, symbols.size_bytes)
    return bytes(changed)


def _objects_of(archive: bytes) -> Iterator[int]:
    """Where the object files in an archive begin (System V's format)."""
    place = len(_ARCHIVE_MAGIC)
    while place < len(archive):
        header = archive[place : place + _MEMBER_HEADER_SIZE_BYTES]
        start = place + _MEMBER_HEADER_SIZE_BYTES
        if archive.startswith(_ELF_MAGIC, start):
            yield start
        size_bytes = int(header[_MEMBER_SIZE_TEXT])
        place = start + size_bytes + size_bytes % 2


def _weaken(file: bytearray, table: int, size_bytes: int) -> None:
    for symbol in range(table, table + size_bytes, _SYMBOL_SIZE_BYTES):
        binding, kind = divmod(file[symbol + _SYMBOL_INFO_OFFSET_BYTES], 16)
        (section,) = struct.unpack_from("<H", file, symbol + _SYMBOL_SECTION_OFFSET_BYTES)
        if binding == _GLOBAL and section:
            file[symbol + _SYMBOL_INFO_OFFSET_BYTES] = 16 * _WEAK + kind
