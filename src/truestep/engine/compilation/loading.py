"""Loads object code of this program's own compiler into the process, without LLVM.

LLVM takes 60 MB and 0.2 s to load, which a run whose code is on disk need not spend. Of the ELF format
(System V ABI, x86-64 supplement) only what LLVM writes for the large code model is supported: sections that
refer to each other by 64-bit addresses. Everything else is left to LLVM's own linker.
"""

import ctypes
import mmap
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_MAGIC = b"\x7fELF\x02\x01\x01"
_RELOCATABLE, _X86_64 = 1, 62
_SYMBOLS, _RELA, _NOTHING, _REL = 2, 4, 8, 9
_WRITE, _ALLOCATE, _EXECUTE, _THREAD_LOCAL = 1, 2, 4, 0x400
_ABSOLUTE_64, _RELATIVE_64 = 1, 24
"""R_X86_64_64: the symbol's value plus the addend. R_X86_64_PC64: that, as a distance from the place."""


class NotLoadable(Exception):
    """Object code that only LLVM can load."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """A section, without its name."""

    kind: int
    flags: int
    offset: int
    size: int
    link: int
    target: int
    alignment: int


class LoadedObject:
    """Object code in memory; it lives as long as this object. Raises `NotLoadable`."""

    def __init__(self, content: bytes) -> None:
        if len(content) < _HEADER.size:
            raise NotLoadable("not an ELF file")
        header = _HEADER.unpack_from(content)
        if header[0][: len(_MAGIC)] != _MAGIC or header[1:3] != (_RELOCATABLE, _X86_64):
            raise NotLoadable("not a relocatable object for x86-64")
        self._content = content
        self._sections = list(_sections(content, header[6], header[12]))
        places, code_size, size = _layout(self._sections)
        self._mapping = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._mapping))
        self._addresses = {number: base + place for number, place in places.items()}
        for number, place in places.items():
            section = self._sections[number]
            if section.kind != _NOTHING:
                end = section.offset + section.size
                self._mapping[place : place + section.size] = content[section.offset : end]
        self._symbols: dict[str, int] = {}
        self._relocate(places)
        _protect(base, code_size)

    def address(self, name: str) -> int:
        """The address of a symbol. Raises `KeyError`."""
        return self._symbols[name]

    def _relocate(self, places: dict[int, int]) -> None:
        for section in self._sections:
            if section.kind == _SYMBOLS:
                self._note_symbols(section)
            if section.kind == _REL and section.target in places:
                raise NotLoadable("relocations without addends")
            if section.kind != _RELA or section.target not in places:
                continue
            values = self._values(self._sections[section.link])
            place = places[section.target]
            table = self._content[section.offset : section.offset + section.size]
            for offset, information, addend in _relocations(table):
                value, kind = values[information >> 32], information & 0xFFFFFFFF
                if kind not in (_ABSOLUTE_64, _RELATIVE_64) or value is None:
                    raise NotLoadable(f"relocation {information:#x}")
                origin = self._addresses[section.target] + offset if kind == _RELATIVE_64 else 0
                word = value + addend - origin & (1 << 64) - 1
                struct.pack_into("<Q", self._mapping, place + offset, word)

    def _values(self, symbols: _Section) -> list[int | None]:
        """The addresses of all symbols of a table; None for those that are elsewhere."""
        table = self._content[symbols.offset : symbols.offset + symbols.size]
        places: list[tuple[int, int]] = [fields[3:5] for fields in _SYMBOL.iter_unpack(table)]
        return [
            self._addresses[section] + value if section in self._addresses else None
            for section, value in places
        ]

    def _note_symbols(self, symbols: _Section) -> None:
        names = self._sections[symbols.link]
        table = self._content[symbols.offset : symbols.offset + symbols.size]
        offsets: list[int] = [fields[0] for fields in _SYMBOL.iter_unpack(table)]
        for offset, value in zip(offsets, self._values(symbols), strict=True):
            if offset and value is not None:
                start = names.offset + offset
                self._symbols[self._content[start : self._content.index(b"\0", start)].decode()] = value


class ExecutableCode:
    """Machine code in memory of its own; it lives as long as this object.

    `tables` says where 64-bit offsets within it lie, and how many, that are to be addresses.
    """

    def __init__(self, content: bytes, tables: Iterable[tuple[int, int]] = ()) -> None:
        self._mapping = mmap.mmap(-1, max(len(content), 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._mapping[: len(content)] = content
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self._mapping))
        """Where it begins."""
        for place, count in tables:
            words = np.frombuffer(self._mapping, np.uint64, count, place)
            words += np.uint64(self.address)
            del words  # which keeps the mapping from being closed
        _protect(self.address, len(self._mapping))


def _sections(content: bytes, start: int, count: int) -> Iterator[_Section]:
    for number in range(count):
        fields = _SECTION.unpack_from(content, start + number * _SECTION.size)
        _, kind, flags, _, offset, size, link, target, alignment, _ = fields
        yield _Section(
            kind=kind, flags=flags, offset=offset, size=size, link=link, target=target, alignment=alignment
        )


def _relocations(table: bytes) -> Iterator[tuple[int, int, int]]:
    """(offset, symbol and kind, addend) of each."""
    for offset, information, addend in _RELOCATION.iter_unpack(table):
        yield int(offset), int(information), int(addend)


def _layout(sections: list[_Section]) -> tuple[dict[int, int], int, int]:
    """(where each section lies, the size of the pages with code, which come first, the size of all)."""
    places: dict[int, int] = {}
    end = code_size = 0
    for is_code in (True, False):
        for number, section in enumerate(sections):
            if section.flags & _ALLOCATE and bool(section.flags & _EXECUTE) == is_code:
                if section.flags & _THREAD_LOCAL or section.alignment > mmap.PAGESIZE:
                    raise NotLoadable("thread-local data, or data aligned to more than a page")
                alignment = max(section.alignment, 1)
                places[number] = -(-end // alignment) * alignment
                end = places[number] + section.size
        end = -(-end // mmap.PAGESIZE) * mmap.PAGESIZE
        code_size = code_size or end
    return places, code_size, max(end, mmap.PAGESIZE)


def _protect(base: int, code_size: int) -> None:
    """Make code executable and no longer writable."""
    if code_size and _mprotect()(base, code_size, mmap.PROT_READ | mmap.PROT_EXEC):
        raise NotLoadable(f"mprotect failed: {ctypes.get_errno()}")


@cache
def _mprotect() -> Callable[[int, int, int], int]:
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return protect
