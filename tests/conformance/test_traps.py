"""Every way in which a test can end that is no pass, and the words for it."""

from __future__ import annotations

import re

import pytest

from tests.conformance.conftest import Judge
from tests.conformance.environment import Source
from tests.conformance.instructions import data
from tests.machine.encode import encode, encode_float

AT = r"0x80000[0-9a-f]{3}"
CODE_NEVER_CHANGES = "only the data range can be written; code never changes (M3.3)"
NEVER_EXECUTED = "only memory that cannot be written is executed (M3.3)"

TRAPS = {
    "illegal word": (".word 0x0000007b", rf"trap illegal instruction at {AT}: 0x0000007b"),
    "unimp": ("unimp", rf"trap illegal instruction at {AT}: 0xc0001073"),
    "zero": (
        ".word 0",
        rf"trap illegal instruction at {AT}: 0x00000000, a compressed instruction; .* none \(M1.1\)",
    ),
    "float load": (
        ".word 0x00052507",
        rf"trap illegal instruction at {AT}: 0x00052507, of the registers f0.*",
    ),
    "float store": (
        ".word 0x00a53027",
        rf"trap illegal instruction at {AT}: 0x00a53027, of the registers f0.*",
    ),
    "float move": (
        ".word 0xf2050553",
        rf"trap illegal instruction at {AT}: 0xf2050553, of the registers f0.*",
    ),
    "float that rounds down": (
        f".word {encode_float('fadd.d', rd=10, rounding=2):#x}",
        rf"trap illegal instruction at {AT}: 0x02002553, fadd.d with a rounding mode that .*",
    ),
    "half float": (".word 0x04b50553", rf"trap illegal instruction at {AT}: 0x04b50553"),
    "atomic": (".word 0x00b5252f", rf"trap illegal instruction at {AT}: 0x00b5252f"),
    "write to a read-only CSR": (
        ".word 0xf1459573",
        rf"trap illegal instruction at {AT}: 0xf1459573",
    ),
    "wfi": ("wfi", rf"trap illegal instruction at {AT}: 0x10500073"),
    "breakpoint": ("ebreak", rf"trap breakpoint at {AT}"),
    "misaligned jump": ("la t0, 1f + 2\n1:  jr t0", rf"trap jump misaligned at {AT}"),
    "misaligned call": (f".word {encode('jal', rd=1, immediate=6):#x}", rf"trap jump misaligned at {AT}"),
    "misaligned branch": (f".word {encode('beq', immediate=6):#x}", rf"trap jump misaligned at {AT}"),
    "jump into data": ("la t0, middle\n    jr t0", r"trap fetch access at 0x800020[0-9a-f]{2}: .*executed.*"),
    "jump past the memory": (
        "li t0, 0xfffffffc\n    jr t0",
        r"trap fetch access at 0x[0-9a-f]+: .*executed.*",
    ),
    "store past the end": ("li t0, 0xfffffffe\n    sw a0, 0(t0)", rf"trap store access at {AT}: .*"),
    "store to code": (
        "la t0, _start\n    sw a0, 0(t0)",
        rf"trap store access at {AT}: .*code never changes.*",
    ),
    "store over code's end": ("la t0, tohost\n    sd a0, -1(t0)", rf"trap store access at {AT}: .*"),
    "unknown ecall": (
        "li a7, 1\n    li gp, 4\n    ecall",
        r"expected an ecall with a7 = 93 .*, got code 4",
    ),
    "exit code": (
        "li a7, 93\n    li a0, 2\n    li gp, 1\n    ecall",
        r"expected an ecall with a7 = 93 and a0 = 0, or with gp = 1, got code 2",
    ),
    "failed case": ("li gp, 7\n    j fail", "case 7 failed"),
    "mret without mepc": (
        "mret",
        rf"trap illegal instruction at {AT}: 0x30200073, mret: expected a plain csrw to mepc just before it",
    ),
    "endless": ("1:  j 1b", rf"no end after 20,000 steps, at {AT}"),
}


@pytest.mark.parametrize("name", TRAPS)
def test_ends_that_are_no_pass(judge: Judge, name: str) -> None:
    """Both engines end in the same state, and the reason names addresses as they are in the file."""
    code, pattern = TRAPS[name]
    reason = judge(Source(code=f"    li gp, 9\n    {code}", data=data())).reason
    assert reason is not None
    assert re.fullmatch(pattern, reason), reason


OLDER_SELF_MODIFICATION = """
    li gp, 2
    la a1, 1f
    lw a0, 2f
    sw a0, 0(a1)
    fence.i
1:  addi a3, a3, 222
2:  addi a3, a3, 333
"""
NEWER_SELF_MODIFICATION = """
    li gp, 2
    la a1, patched
    lh a0, patch
    sh a0, 0(a1)
    fence.i
    jalr t1, 0(a1)
"""


def test_self_modification_is_refused_in_words(judge: Judge) -> None:
    """What the official `fence_i` does, in its two versions: this machine's code never changes."""
    reason = judge(Source(code=OLDER_SELF_MODIFICATION)).reason or ""
    assert reason.endswith(CODE_NEVER_CHANGES)


def test_execution_of_data_is_refused_in_words(judge: Judge) -> None:
    code_in_data = "patch: addi a3, a3, 333\npatched: addi a3, a3, 222\n    jalr a5, 0(t1)"
    reason = judge(Source(code=NEWER_SELF_MODIFICATION, data=code_in_data)).reason or ""
    assert reason.endswith(NEVER_EXECUTED)
