"""The ELF loader (docs/machine.md M7; ELF-64 object file format): each field is checked."""

import struct
from dataclasses import dataclass
from itertools import pairwise

from truestep.base.errors import Reject, Rejected
from truestep.machine.layout import CODE_END, DATA_END, DATA_START, may_fetch
from truestep.machine.program import Program, Segment

FILE_LIMIT_BYTES = 64 * 2**20
"""Far above any useful program; keeps a hostile file from filling the memory of who loads it."""
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
_PERMISSION_EXECUTE = 1

_BUILD_HINT = "build it with `truestep build`, or link statically for rv64im"


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProgramHeader:
    kind: int
    permissions: int
    offset: int
    address: int
    file_size_bytes: int
    memory_size_bytes: int

    @property
    def end(self) -> int:
        return self.address + self.memory_size_bytes


def load_elf(file: bytes) -> Program:
    """The program in an ELF file.

    Raises `Rejected` with the reason if the file is not a static RV64IM executable for this machine (M7).
    """
    if len(file) > FILE_LIMIT_BYTES:
        raise Rejected(
            Reject.ELF_TOO_LARGE,
            f"expected at most {FILE_LIMIT_BYTES} bytes, got {len(file)}",
        )
    entry, headers = _read_headers(file)
    loadable = sorted(
        (h for h in headers if h.kind == _SEGMENT_LOAD and h.memory_size_bytes),
        key=lambda h: h.address,
    )
    for header in loadable:
        _check_segment(header, len(file))
    for lower, upper in pairwise(loadable):
        if lower.end > upper.address:
            raise Rejected(
                Reject.ELF_OVERLAP,
                f"segments at {lower.address:#x} and {upper.address:#x} share bytes",
            )
    _check_entry(entry, loadable)
    return Program(
        entry=entry,
        segments=tuple(
            Segment(
                address=header.address,
                content=file[header.offset : header.offset + header.file_size_bytes],
                is_executable=bool(header.permissions & _PERMISSION_EXECUTE),
            )
            for header in loadable
            if header.file_size_bytes
        ),
    )


def _read_headers(file: bytes) -> tuple[int, list[_ProgramHeader]]:
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
    if flags & _FLAG_COMPRESSED:
        raise Rejected(
            Reject.ELF_ARCHITECTURE,
            f"it uses compressed instructions (the C extension); {_BUILD_HINT}",
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
    return entry, [_read_program_header(file, table + i * _PROGRAM_HEADER.size) for i in range(count)]


def _read_program_header(file: bytes, offset: int) -> _ProgramHeader:
    kind, permissions, content, address, _, file_size, memory_size, _ = _PROGRAM_HEADER.unpack_from(
        file, offset
    )
    if kind in (_SEGMENT_DYNAMIC, _SEGMENT_INTERPRETER):
        raise Rejected(Reject.ELF_TYPE, f"it is dynamically linked; {_BUILD_HINT}")
    return _ProgramHeader(
        kind=kind,
        permissions=permissions,
        offset=content,
        address=address,
        file_size_bytes=file_size,
        memory_size_bytes=memory_size,
    )


def _check_segment(header: _ProgramHeader, file_size_bytes: int) -> None:
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
    is_code = header.end <= CODE_END
    is_data = header.address >= DATA_START and header.end <= DATA_END
    if not (is_code or is_data) or (header.permissions & _PERMISSION_EXECUTE and not is_code):
        raise Rejected(
            Reject.ELF_SEGMENT,
            f"segment {header.address:#x}..{header.end:#x} must lie below {CODE_END:#x} if it holds code or"
            f" constants, in {DATA_START:#x}..{DATA_END:#x} if it holds data; {_BUILD_HINT}",
        )


def _check_entry(entry: int, loadable: list[_ProgramHeader]) -> None:
    executable = (h for h in loadable if h.permissions & _PERMISSION_EXECUTE)
    if not may_fetch(entry) or not any(h.address <= entry < h.end for h in executable):
        raise Rejected(
            Reject.ELF_ENTRY,
            f"entry point {entry:#x} is not an aligned address in an executable segment",
        )
