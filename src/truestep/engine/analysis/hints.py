"""Instructions that change nothing, and say what the processor may do ahead of time.

Compilers have `__builtin_prefetch` as an instruction of the extension Zicbop, which takes its words from
those of ORI to register 0 (RISC-V ISA manual, "Cache-block management"). For the machine that is ORI
(docs/machine.md M4); the engine has the host fetch what lies there.
"""

from truestep.machine.decode import Instruction

_DATA = (1, 3)
"""In the low bits of the number: to be read, to be written. 0 is of code."""
_KINDS = 32


def prefetched_offset(instruction: Instruction) -> int | None:
    """How far from the address in `rs1` lies the data that will soon be used; None if it is no such hint."""
    number = instruction.immediate
    is_hint = instruction.name == "ori" and instruction.rd == 0 and number % _KINDS in _DATA
    return number - number % _KINDS if is_hint else None
