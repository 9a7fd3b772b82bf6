"""The tables of object files (ELF-64 object file format), as far as linking a guest needs them."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_SECTION_TABLE_AT = 40
_SECTION_COUNTS_AT = 58
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_SYMBOL_SIZE_BYTES = 24
_SYMBOL = struct.Struct("<IBBH")
_SYMBOL_INFO_OFFSET_BYTES = 4
_SYMBOL_TABLE, _ZEROED = 2, 8
_GLOBAL, _WEAK = 1, 2

_FLAG_WRITE, _FLAG_ALLOCATE, _FLAG_EXECUTE, _FLAG_EXCLUDE = 1, 2, 4, 1 << 31
_SECTION_FLAGS_OFFSET_BYTES = 8

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
    link: int = 0
    """The number of another section, which the kind of this one gives a meaning."""

    @property
    def end(self) -> int:
        """The first address after the section."""
        return self.address + self.size_bytes

    @property
    def stored_bytes(self) -> int:
        """Its size in the file: zeroed variables take none."""
        return 0 if self.kind == _ZEROED else self.size_bytes

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
            link=row[6],
        )
        for row in rows
    ]


def with_weak_definitions(archive: bytes) -> bytes:
    """The archive with its definitions weak, except those that are there to replace a weak one.

    So a program that defines one of these names itself can still use what stands beside it in its member.
    """
    changed = bytearray(archive)
    definitions = list(_definitions(archive))
    replaceable = {each.name for each in definitions if each.is_weak}
    for each in definitions:
        if not each.is_weak and each.name not in replaceable:
            changed[each.info_at] = 16 * _WEAK + changed[each.info_at] % 16
    return bytes(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definition:
    """A name that a member of an archive defines for others."""

    name: bytes
    is_weak: bool
    info_at: int
    """Where its binding and type stand."""


def _definitions(archive: bytes) -> Iterator[_Definition]:
    for start in _objects_of(archive):
        sections = read_sections(archive, start)
        for symbols in sections:
            if symbols.kind == _SYMBOL_TABLE:
                names = start + sections[symbols.link].offset
                table = start + symbols.offset
                yield from _definitions_in(
                    archive, range(table, table + symbols.size_bytes, _SYMBOL_SIZE_BYTES), names
                )


def _definitions_in(file: bytes, rows: range, names: int) -> Iterator[_Definition]:
    for row in rows:
        name_offset, info, _, section = _SYMBOL.unpack_from(file, row)
        if section and info // 16 in {_GLOBAL, _WEAK}:
            name = names + name_offset
            yield _Definition(
                name=file[name : file.index(0, name)],
                is_weak=info // 16 == _WEAK,
                info_at=row + _SYMBOL_INFO_OFFSET_BYTES,
            )


def without_unwind_tables(archive: bytes) -> bytes:
    """The archive with its unwind tables left out of links.

    On RISC-V they refer to each function that has handlers, so that the linker would keep all of those.
    """
    changed = bytearray(archive)
    for start in _objects_of(archive):
        (table,) = struct.unpack_from("<Q", archive, start + _SECTION_TABLE_AT)
        for index, section in enumerate(read_sections(archive, start)):
            if section.name == ".eh_frame":
                place = start + table + index * _SECTION_HEADER.size + _SECTION_FLAGS_OFFSET_BYTES
                struct.pack_into("<Q", changed, place, section.flags | _FLAG_EXCLUDE)
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
