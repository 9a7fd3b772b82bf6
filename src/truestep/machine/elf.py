"""The ELF loader (docs/machine.md M7; ELF-64 object file format): each field is checked."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from truestep.base.errors import Reject, Rejected
from truestep.machine.layout import CODE_END, DATA_END, DATA_START, may_fetch
from truestep.machine.program import Program, Segment

FILE_LIMIT_BYTES = 64 * 2**20
"""Far above any useful program. A hostile file must not fill the loader's memory."""
SEGMENT_LIMIT = 64
"""Linkers make fewer than ten."""

_FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
_MAGIC = b"\x7fELF"
_CLASS_64_LITTLE = b"\x02\x01"
_TYPE_EXECUTABLE = 2
_MACHINE_RISCV = 243
_FLAG_COMPRESSED = 1
_SEGMENT_LOAD, _SEGMENT_DYNAMIC, _SEGMENT_INTERPRETER = 1, 2, 3
_PERMISSION_EXECUTE, _PERMISSION_WRITE = 1, 2
ALL_PERMISSIONS = 7

_BUILD_HINT = "build it with `truestep build`, or link statically for rv64im"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramHeader:
    """One row of the program header table."""

    kind: int
    permissions: int
    offset: int
    address: int
    physical_address: int
    """Where a copy is kept, if it is not `address`."""
    file_size_bytes: int
    memory_size_bytes: int

    @property
    def end(self) -> int:
        """The first address after the segment."""
        return self.address + self.memory_size_bytes

    def content(self, file: bytes) -> bytes:
        """The segment's bytes in the file; the rest of its memory is zero."""
        return file[self.offset : self.offset + self.file_size_bytes]

    @property
    def is_executable(self) -> bool:
        """Whether it asks to be executed."""
        return bool(self.permissions & _PERMISSION_EXECUTE)

    @property
    def is_writable(self) -> bool:
        """Whether it asks to be written."""
        return bool(self.permissions & _PERMISSION_WRITE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """The headers of a static executable, with its loadable segments in address order."""

    entry: int
    has_compressed_instructions: bool
    segments: tuple[ProgramHeader, ...]

    def is_entry_executable(self) -> bool:
        """Whether the entry point is an aligned address in an executable segment."""
        inside = (s for s in self.segments if s.is_executable and s.address <= self.entry < s.end)
        return self.entry % 4 == 0 and any(inside)


def load_elf(file: bytes) -> Program:
    """The program in an ELF file.

    Raises `Rejected` with the reason if the file is not a static RV64IM executable for this machine (M7).
    """
    executable = read_executable(file)
    if executable.has_compressed_instructions:
        raise Rejected(
            Reject.ELF_ARCHITECTURE,
            f"it uses compressed instructions (the C extension); {_BUILD_HINT}",
        )
    for segment in executable.segments:
        _check_ranges(segment)
    if not may_fetch(executable.entry) or not executable.is_entry_executable():
        raise bad_entry(executable)
    placed = [
        Segment(address=segment.address, content=segment.content(file), is_executable=segment.is_executable)
        for segment in executable.segments
        if segment.file_size_bytes
    ]
    placed += [
        Segment(address=segment.physical_address, content=segment.content(file), is_executable=False)
        for segment in kept_copies(executable)
    ]
    return Program(entry=executable.entry, segments=tuple(sorted(placed, key=lambda each: each.address)))


def kept_copies(executable: Executable) -> list[ProgramHeader]:
    """Variables whose initial values are in the code range too, for start-up code that copies them (M7.4)."""
    taken = [(segment.address, segment.end) for segment in executable.segments]
    copies: list[ProgramHeader] = []
    for segment in executable.segments:
        start, end = segment.physical_address, segment.physical_address + segment.file_size_bytes
        is_kept = segment.file_size_bytes > 0 and segment.address >= DATA_START and end <= CODE_END
        if is_kept and all(end <= other[0] or other[1] <= start for other in taken):
            taken.append((start, end))
            copies.append(segment)
    return copies


def bad_entry(executable: Executable) -> Rejected:
    """Why a program cannot begin at the entry point of its file."""
    if any(segment.is_executable for segment in executable.segments):
        why = f"entry point {executable.entry:#x} is not an aligned address in an executable segment"
    else:
        flags = ", ".join(f"{segment.permissions:#x}" for segment in executable.segments) or "none"
        why = (
            f"none of its segments is executable (p_flags: {flags}); link it so that the code's segment"
            " is, as by PHDRS { text PT_LOAD FLAGS(5); } in a linker script"
        )
    return Rejected(Reject.ELF_ENTRY, why)


def loading_notes(file: bytes) -> tuple[str, ...]:
    """Notes for a person about a file that `load_elf` accepts, one sentence each."""
    return tuple(
        f"the segment {segment.address:#x}..{segment.end:#x} is marked writable but lies in the code range,"
        f" which never changes: a store to it traps; link variables at {DATA_START:#x} or above"
        for segment in read_executable(file).segments
        if segment.is_writable and segment.end <= CODE_END
    )


def read_executable(file: bytes) -> Executable:
    """The headers of a static executable for 64-bit RISC-V, with complete, disjoint segments at any address.

    Raises `Rejected` with the reason if the file is not one.
    """
    if len(file) > FILE_LIMIT_BYTES:
        raise Rejected(
            Reject.ELF_TOO_LARGE,
            f"expected at most {FILE_LIMIT_BYTES} bytes, got {len(file)}",
        )
    entry, flags, headers = _read_headers(file)
    loadable = [header for header in headers if header.kind == _SEGMENT_LOAD]
    for segment in loadable:
        _check_sizes(segment, len(file))
    _check_content(loadable, len(file))
    segments = sorted((h for h in loadable if h.memory_size_bytes), key=lambda h: h.address)
    for lower, upper in pairwise(segments):
        if lower.end > upper.address:
            raise Rejected(
                Reject.ELF_OVERLAP,
                f"segments at {lower.address:#x} and {upper.address:#x} share bytes",
            )
    return Executable(
        entry=entry,
        has_compressed_instructions=bool(flags & _FLAG_COMPRESSED),
        segments=tuple(segments),
    )


def _read_headers(file: bytes) -> tuple[int, int, list[ProgramHeader]]:
    """(entry, flags, rows of the program header table)."""
    if file[:4] != _MAGIC:
        raise Rejected(
            Reject.ELF_NOT_ELF,
            f"expected it to begin with 7f454c46, got {file[:4].hex() or 'nothing'}",
        )
    if len(file) < _FILE_HEADER.size:
        raise Rejected(Reject.ELF_TRUNCATED, f"expected a header of 64 bytes, got {len(file)}")
    ident, kind, machine, _, entry, table, _, flags, _, entry_size, count, *_ = _FILE_HEADER.unpack_from(file)
    if ident[4:6] != _CLASS_64_LITTLE or machine != _MACHINE_RISCV:
        raise Rejected(
            Reject.ELF_ARCHITECTURE,
            f"got class/order {ident[4:6].hex()}, machine {machine}; {_BUILD_HINT}",
        )
    if kind != _TYPE_EXECUTABLE:
        raise Rejected(
            Reject.ELF_TYPE,
            f"expected ELF type 2 (executable), got {kind}; {_BUILD_HINT}",
        )
    if entry_size != _PROGRAM_HEADER.size or not 0 < count <= SEGMENT_LIMIT:
        raise Rejected(
            Reject.ELF_TYPE,
            f"expected 1 to {SEGMENT_LIMIT} program headers of 56 bytes, got {count} of {entry_size}",
        )
    if table + count * _PROGRAM_HEADER.size > len(file):
        raise Rejected(
            Reject.ELF_TRUNCATED,
            "the program header table runs past the end of the file",
        )
    return entry, flags, [_read_program_header(file, table + i * _PROGRAM_HEADER.size) for i in range(count)]


def _read_program_header(file: bytes, offset: int) -> ProgramHeader:
    kind, permissions, content, address, physical_address, file_size, memory_size, _ = (
        _PROGRAM_HEADER.unpack_from(file, offset)
    )
    if kind in (_SEGMENT_DYNAMIC, _SEGMENT_INTERPRETER):
        raise Rejected(Reject.ELF_TYPE, f"it is dynamically linked; {_BUILD_HINT}")
    return ProgramHeader(
        kind=kind,
        permissions=permissions,
        offset=content,
        address=address,
        physical_address=physical_address,
        file_size_bytes=file_size,
        memory_size_bytes=memory_size,
    )


def _check_sizes(header: ProgramHeader, file_size_bytes: int) -> None:
    if header.offset + header.file_size_bytes > file_size_bytes:
        raise Rejected(
            Reject.ELF_TRUNCATED,
            f"segment at {header.address:#x} runs past the end of the file",
        )
    if header.file_size_bytes > header.memory_size_bytes:
        raise Rejected(
            Reject.ELF_SEGMENT,
            f"segment at {header.address:#x} is larger in the file than in memory",
        )


def _check_content(headers: Iterable[ProgramHeader], file_size_bytes: int) -> None:
    """A small file must not fill the loader's memory by using the same bytes many times."""
    content_bytes = sum(header.file_size_bytes for header in headers)
    if content_bytes > file_size_bytes:
        raise Rejected(
            Reject.ELF_OVERLAP,
            f"its segments share bytes of the file: they have {content_bytes}, the file {file_size_bytes}",
        )


def _check_ranges(header: ProgramHeader) -> None:
    is_code = header.end <= CODE_END
    is_data = header.address >= DATA_START and header.end <= DATA_END
    if not (is_code or is_data) or (header.is_executable and not is_code):
        raise Rejected(
            Reject.ELF_SEGMENT,
            f"segment {header.address:#x}..{header.end:#x} must lie below {CODE_END:#x} if it holds code or"
            f" constants, in {DATA_START:#x}..{DATA_END:#x} if it holds data; {_BUILD_HINT}",
        )
