"""Moves bare-metal test programs into the machine's ranges, as their segments say (docs/conformance.md).

A bare-metal test is linked for its author's memory, with the code first and the data after it:

```
0x8000_0000                    split
     ┌────────────┬───────────┬─────────┐             ┌────────────┬───────────┬─────────┐
     │ code       │ constants │ data    │    moved    │ code       │ constants │ data    │
     └────────────┴───────────┴─────────┘   ───────►  └────────────┴───────────┴─────────┘
                                                                         0x2000_0000
```

It is moved as a whole by one distance, so that its first data is at the beginning of the data range. Then
every part has the rights that its segment asks for (M3.3), and everything relative to the pc is unchanged.
"""

import struct
from dataclasses import dataclass, replace

from truestep.base.errors import Reject, Rejected
from truestep.machine.elf import ALL_PERMISSIONS, Executable, ProgramHeader, bad_entry, read_executable
from truestep.machine.layout import CODE_END, DATA_END, DATA_START, PAGE_SIZE_BYTES
from truestep.machine.prelude import rewrite_prelude
from truestep.machine.program import Program, Segment

_SECTION_TABLE = struct.Struct("<40xQ10xHH")
"""Offset, row size and row count of the section table, in the file header."""
_SECTION = struct.Struct("<4xIQQQQ24x")
_SECTION_SIZE_BYTES = _SECTION.size
_SECTION_WRITE, _SECTION_ALLOCATED, _SECTION_EXECUTE = 1, 2, 4
_ALIGNMENTS_BYTES = (PAGE_SIZE_BYTES, 64, 32, 16, 8, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class BareMetalTest:
    """A test as a program for this machine, and the distance by which it was moved."""

    program: Program
    distance: int
    """Added to every address; may be negative."""

    def original(self, address: int) -> int:
        """The address in the test's file that was moved to `address`."""
        return address - self.distance


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A stretch of memory with its rights."""

    start: int
    end: int
    is_executable: bool
    is_writable: bool


def load_bare_metal(file: bytes) -> BareMetalTest:
    """A bare-metal test's ELF file as a program for this machine, moved and with its prelude rewritten.

    A test with compressed instructions is not refused; they trap when they are executed. Raises `Rejected` if
    it is not an executable, or if its parts do not fit the machine's ranges at any distance.
    """
    executable = _with_rights(read_executable(file))
    if not executable.is_entry_executable():
        raise bad_entry(executable)
    parts = [part for segment in executable.segments for part in _parts(file, segment)]
    split = _split(parts)
    distance = _distance(parts, split, executable)
    code = [part for part in parts if part.is_executable]
    segments = [
        piece for segment in executable.segments for piece in _pieces(file, segment, split, distance, code)
    ]
    return BareMetalTest(
        program=Program(entry=executable.entry + distance, segments=tuple(segments)), distance=distance
    )


def _with_rights(executable: Executable) -> Executable:
    """Treat p_flags 0 (a linker script with PHDRS but no FLAGS) as all rights.

    The sections then say which part of the segment has which rights (docs/decisions/0010).
    """
    segments = (
        segment if segment.permissions & ALL_PERMISSIONS else replace(segment, permissions=ALL_PERMISSIONS)
        for segment in executable.segments
    )
    return replace(executable, segments=tuple(segments))


def _parts(file: bytes, segment: ProgramHeader) -> list[_Part]:
    """The rights of a segment or, if it has all of them at once, those of its sections."""
    if segment.is_executable and segment.is_writable:
        sections = [s for s in _sections(file) if segment.address <= s.start and s.end <= segment.end]
        if not any(section.is_executable for section in sections):
            raise Rejected(
                Reject.ELF_SEGMENT,
                f"segment at {segment.address:#x} has every right or none, and no section says which of it is"
                " code; link it without -N and do not strip it",
            )
        return sections
    return [
        _Part(
            start=segment.address,
            end=segment.end,
            is_executable=segment.is_executable,
            is_writable=segment.is_writable,
        )
    ]


def _sections(file: bytes) -> list[_Part]:
    """The sections that use memory, in the order of the section table; none if the table is not valid."""
    offset, row_size_bytes, count = _SECTION_TABLE.unpack_from(file)
    if row_size_bytes != _SECTION_SIZE_BYTES or offset + count * row_size_bytes > len(file):
        return []
    rows = (_SECTION.unpack_from(file, offset + row_size_bytes * index) for index in range(count))
    return [
        _Part(
            start=address,
            end=address + size_bytes,
            is_executable=bool(flags & _SECTION_EXECUTE),
            is_writable=bool(flags & _SECTION_WRITE),
        )
        for _, flags, address, _, size_bytes in rows
        if flags & _SECTION_ALLOCATED and size_bytes
    ]


def _split(parts: list[_Part]) -> int:
    """The address that becomes the beginning of the data range: after all code, at or before all data."""
    code_end = max(part.end for part in parts if part.is_executable)
    data = [part.start for part in parts if part.start >= code_end and part.is_writable]
    data_start = min(data, default=code_end + -code_end % PAGE_SIZE_BYTES)
    for alignment_bytes in _ALIGNMENTS_BYTES:
        split = data_start - data_start % alignment_bytes
        if split >= code_end:
            return split
    raise Rejected(
        Reject.ELF_SEGMENT,
        f"expected a multiple of 4 between the end of the code, {code_end:#x}, and the data, {data_start:#x}",
    )


def _distance(parts: list[_Part], split: int, executable: Executable) -> int:
    """How far the program must be moved."""
    is_at_home = all(
        (part.end <= CODE_END and not part.is_writable)
        or (part.start >= DATA_START and part.end <= DATA_END and not part.is_executable)
        for part in parts
    )
    distance = 0 if is_at_home else DATA_START - split
    first, end = executable.segments[0].address, max(segment.end for segment in executable.segments)
    if first + distance < 0 or end + distance > DATA_END:
        raise Rejected(
            Reject.ELF_SEGMENT,
            f"expected at most {CODE_END:#x} bytes of code and {DATA_END - DATA_START:#x} of data in a row,"
            f" got segments from {first:#x} to {end:#x} with the first data at {split:#x}",
        )
    return distance


def _pieces(
    file: bytes, segment: ProgramHeader, split: int, distance: int, code: list[_Part]
) -> list[Segment]:
    """The parts of a segment that are in the code range and in the data range after the move."""
    boundary = DATA_START - distance
    content = bytearray(segment.content(file))
    for part in code:
        if segment.address <= part.start < segment.end:
            _rewrite(content, part.start - segment.address, part.end - segment.address, segment.address)
    cut = min(max(boundary - segment.address, 0), len(content))
    pieces = (
        (segment.address, bytes(content[:cut]), segment.is_executable),
        (segment.address + cut, bytes(content[cut:]), False),
    )
    return [
        Segment(address=address + distance, content=piece, is_executable=is_executable)
        for address, piece, is_executable in pieces
        if piece
    ]


def _rewrite(content: bytearray, start: int, end: int, address: int) -> None:
    """Rewrite the aligned words of [start, end) in a segment's content that begins at `address`."""
    start += -(address + start) % 4
    count = max(min(end, len(content)) - start, 0) // 4
    if count:
        words = struct.unpack_from(f"<{count}I", content, start)
        struct.pack_into(f"<{count}I", content, start, *rewrite_prelude(words, address + start))
