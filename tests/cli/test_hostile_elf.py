"""Every kind of file that is no program for this machine: refused in words, before it runs."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.machine.elf import FILE_LIMIT_BYTES

PROGRAM_HEADER_SIZE = 56


def _poke(offset: int, layout: str, *values: int) -> Callable[[bytearray], None]:
    def change(elf: bytearray) -> None:
        struct.pack_into(layout, elf, offset, *values)

    return change


def _cut(size: int) -> Callable[[bytearray], None]:
    def change(elf: bytearray) -> None:
        del elf[size:]

    return change


def _overlap(elf: bytearray) -> None:
    """Put every loadable segment where the first one is."""
    (table,) = struct.unpack_from("<Q", elf, 32)
    (count,) = struct.unpack_from("<H", elf, 56)
    loads = [
        start
        for start in (table + PROGRAM_HEADER_SIZE * number for number in range(count))
        if struct.unpack_from("<I", elf, start) == (1,)
    ]
    assert len(loads) > 1
    for start in loads[1:]:
        elf[start : start + PROGRAM_HEADER_SIZE] = elf[loads[0] : loads[0] + PROGRAM_HEADER_SIZE]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_poke(0, "<I", 0), "not an ELF file"),
        (_cut(0), "not an ELF file"),
        (_cut(40), "ELF file is truncated"),
        (_cut(200), "ELF file is truncated"),
        (_poke(18, "<H", 62), "ELF file is not for 64-bit little-endian RISC-V"),
        (_poke(4, "<B", 1), "ELF file is not for 64-bit little-endian RISC-V"),
        (_poke(48, "<I", 1), "ELF file is not for 64-bit little-endian RISC-V"),
        (_poke(16, "<H", 3), "ELF file is not a static executable"),
        (_poke(56, "<H", 0xFFFF), "ELF file is not a static executable"),
        (_poke(24, "<Q", 0x7000_0000), "ELF entry point is not a code address"),
        (_overlap, "ELF segments overlap"),
    ],
)
@pytest.mark.parametrize("command", [("run",), ("prove-step", "--cycle", "1")])
def test_refused_with_its_reason(
    truestep: Invoke,
    hello_elf: Path,
    tmp_path: Path,
    change: Callable[[bytearray], None],
    reason: str,
    command: tuple[str, ...],
) -> None:
    elf = bytearray(hello_elf.read_bytes())
    change(elf)
    hostile = tmp_path / "hostile.elf"
    hostile.write_bytes(elf)
    finished = truestep(*command, hostile, "--json")
    assert finished.exit_code == 1
    assert finished.fields()["error"]["reason"] == reason
    assert "Traceback" not in finished.stderr


def test_an_oversized_file_is_refused_unread(truestep: Invoke, tmp_path: Path) -> None:
    huge = tmp_path / "huge.elf"
    with huge.open("wb") as file:
        file.truncate(FILE_LIMIT_BYTES + 1)
    finished = truestep("run", huge, "--json")
    assert finished.exit_code == 1
    assert finished.fields()["error"]["reason"] == "ELF file is too large"
