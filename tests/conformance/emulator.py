"""The same ELF files on QEMU's RISC-V (unicorn): with CSRs and privileges, where they are linked."""

from __future__ import annotations

import struct

from unicorn import riscv_const
from unicorn.unicorn import UcError
from unicorn.unicorn_const import UC_ARCH_RISCV, UC_HOOK_CODE, UC_MODE_RISCV64
from unicorn.unicorn_py3.unicorn import Uc

START, SIZE_BYTES = 0x8000_0000, 0x1_0000
STEPS_LIMIT = 100_000
ECALL = (0x73).to_bytes(4, "little")
GP, A0, A7 = (getattr(riscv_const, f"UC_RISCV_REG_X{register}") for register in (3, 10, 17))


def run_emulated(file: bytes) -> tuple[int, int, int]:
    """(gp, a0, a7) at the first `ecall` of a test."""
    emulator = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
    emulator.mem_map(START, SIZE_BYTES)
    for address, content in _segments(file):
        emulator.mem_write(address, content)
    ends: list[int] = []

    def watch(emulator: Uc, address: int, size_bytes: int, _: object) -> None:
        if emulator.mem_read(address, 4) == ECALL:
            ends.append(address)
            emulator.emu_stop()

    emulator.hook_add(UC_HOOK_CODE, watch)
    pc = START
    while not ends:
        try:
            emulator.emu_start(pc, 2**64 - 1, count=STEPS_LIMIT)
            assert ends, f"no ecall after {STEPS_LIMIT} steps"
        except UcError:
            # Unicorn hands every trap to its caller: go where the test's own vector points.
            before, pc = pc, int(emulator.reg_read(riscv_const.UC_RISCV_REG_MTVEC))
            assert pc > before, f"trap at {emulator.reg_read(riscv_const.UC_RISCV_REG_PC):#x}"
    gp, a0, a7 = (int(emulator.reg_read(register)) for register in (GP, A0, A7))
    return gp, a0, a7


def _segments(file: bytes) -> list[tuple[int, bytes]]:
    (table,), (count,) = struct.unpack_from("<Q", file, 32), struct.unpack_from("<H", file, 56)
    rows = [struct.unpack_from("<IIQQQQ", file, table + 56 * index) for index in range(count)]
    return [
        (address, file[offset : offset + size]) for kind, _, offset, address, _, size in rows if kind == 1
    ]
