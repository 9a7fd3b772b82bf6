"""The world that bare-metal tests expect, and the compiler that makes ELF files of them.

The prelude does what the one of the official tests does, in the same order, because that is what the runner
must survive: registers cleared, harts parked, CSRs probed behind a trap vector, memory protection opened,
traps delegated, weak handlers asked for, and a return from a trap into the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from truestep.guest.toolchain import find_toolchain

_CLEAR = "\n".join(f"    li x{register}, 0" for register in range(1, 32))


def _probe(*instructions: str) -> str:
    """CSR writes that a machine may refuse: the trap vector points behind them."""
    body = "\n".join(f"    {instruction}" for instruction in instructions)
    return f"    la t0, 1f\n    csrw mtvec, t0\n{body}\n    .balign 4\n1:"


PRELUDE = f"""
    .section .text.init, "ax", @progbits
    .balign 64
    .globl _start
    .weak user_handler
    .weak machine_handler
_start:
    j boot
    .balign 4
trapped:
    csrr t5, mcause
    li t6, 8
    beq t5, t6, report
    li t6, 11
    beq t5, t6, report
    la t5, machine_handler
    beqz t5, 1f
    jr t5
1:  csrr t5, mcause
    bgez t5, 2f
2:  ori gp, gp, 1337
report:
    sw gp, tohost, t5
    sw zero, tohost + 4, t5
    j report
boot:
{_CLEAR}
    csrr a0, mhartid
park:
    bnez a0, park
{_probe("csrwi 0x744, 8")}
{_probe("csrwi satp, 0")}
{_probe("li t0, (1 << 53) - 1", "csrw pmpaddr0, t0", "li t0, 31", "csrw pmpcfg0, t0")}
    csrwi mie, 0
{_probe("csrwi medeleg, 0", "csrwi mideleg, 0")}
    li gp, 0
    la t0, trapped
    csrw mtvec, t0
    li a0, 1
    slli a0, a0, 31
    bgez a0, 1f
    fence
    li gp, 1
    li a7, 93
    li a0, 0
    ecall
1:  la t0, user_handler
    beqz t0, 1f
    csrw stvec, t0
    li t0, 0xb109
    csrw medeleg, t0
    csrr t1, medeleg
    bne t0, t1, 2b
1:  csrwi mstatus, 0
    la t0, 1f
    csrw mepc, t0
    csrr a0, mhartid
    mret
    {{section}}
1:
"""

ENDING = """
    bne x0, gp, pass
fail:
    fence
1:  beqz gp, 1b
    sll gp, gp, 1
    or gp, gp, 1
    li a7, 93
    addi a0, gp, 0
    ecall
pass:
    fence
    li gp, 1
    li a7, 93
    li a0, 0
    ecall
    unimp
"""
OLD_ENDING = (
    ENDING.replace("    li a7, 93\n", "").replace("    li a0, 0\n", "").replace("addi a0, gp, 0", "nop")
)
"""Before the exit code was a system call: gp alone tells."""

TOHOST = """
    .section .tohost, "aw", @progbits
    .balign 64
    .globl tohost
tohost: .dword 0
    .balign 64
    .globl fromhost
fromhost: .dword 0
"""

LINKER_SCRIPT = """
OUTPUT_ARCH(riscv)
ENTRY(_start)
SECTIONS {
    . = 0x80000000;
    .text.init : { *(.text.init) }
    . = ALIGN(0x1000);
    .tohost : { *(.tohost) }
    . = ALIGN(0x1000);
    .text : { *(.text) }
    . = ALIGN(0x1000);
    .data : { *(.data) }
    .bss : { *(.bss) }
    _end = .;
}
"""
TARGET = ("-target", "riscv64-freestanding-none")
INSTRUCTION_SET = "generic_rv64+m+zicsr+zifencei"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One test program."""

    code: str
    data: str = ""
    section: str = ""
    """Where the test goes after the prelude: nowhere else, or `.section .text`, as newer builds have it."""
    prelude: str = PRELUDE
    ending: str = ENDING
    linker_script: str = LINKER_SCRIPT
    link_flags: tuple[str, ...] = ()
    instruction_set: str = INSTRUCTION_SET

    def text(self) -> str:
        """The assembler file."""
        prelude = self.prelude.replace("{section}", self.section)
        return "\n".join(
            (prelude, self.code, self.ending, TOHOST, "    .data\n    .balign 4096", self.data, "")
        )


def build(sources: Mapping[str, Source], folder: Path) -> None:
    """An ELF file in `folder` for each source, by its name."""
    zig = find_toolchain()
    work = folder.with_name(folder.name + "-objects")
    for directory in (folder, work):
        directory.mkdir(parents=True)

    def make(name: str) -> None:
        source = sources[name]
        (work / f"{name}.S").write_text(source.text())
        (work / f"{name}.ld").write_text(source.linker_script)
        compiled = ("-c", f"{name}.S", "-o", f"{name}.o")
        zig.run("cc", *TARGET, f"-mcpu={source.instruction_set}", *compiled, directory=work)
        linked = ("-T", f"{name}.ld", f"{name}.o", "-o", str(folder / name))
        zig.run("ld.lld", *source.link_flags, *linked, directory=work)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(make, sources))
