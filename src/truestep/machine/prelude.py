"""Replaces the privileged instructions of a bare-metal test's prelude by standard ones (docs/conformance.md).

The machine has no CSRs (M1.1), so a test's words are rewritten before it is loaded. The result is an ordinary
program, the same for every implementation. Used only by the conformance runner.
"""

from collections.abc import Sequence

from truestep.base.integers import wrap64
from truestep.machine.decode import Instruction, Kind, decode

MRET_WORD = 0x3020_0073
_ADDI, _AUIPC, _JALR, _SYSTEM = 0x13, 0x17, 0x67, 0x73
_CSRRW, _CSRRWI = 1, 5
_MEPC = 0x341
_READ_ONLY = 3
"""The two highest bits of the number of a CSR that cannot be written (privileged specification, 2.1)."""
_FLOW = (Kind.BRANCH, Kind.JUMP, Kind.JUMP_REGISTER, Kind.SYSTEM)


def rewrite_prelude(words: Sequence[int], address: int) -> list[int]:
    """The executable words that begin at `address`, for a machine without CSRs.

    1. A CSR instruction becomes `rd = 0`: reads are 0, writes do nothing. A write to a read-only CSR stays
       illegal: it is how assemblers encode `unimp`.
    2. `mret` becomes a jump to the register last written to mepc, if that is certain; otherwise it stays.
    3. `auipc` and `addi` that together make address 0 (an undefined weak symbol) become `rd = 0`.
    """
    targets = _jump_targets(words)
    rewritten = [_without_csr(word) for word in words]  # 1
    for index, word in enumerate(words):
        source = _mepc_source(words, index, targets) if word == MRET_WORD else None  # 2
        if source is not None:
            rewritten[index] = source << 15 | _JALR
        if word & 0x7F == _AUIPC and _gives_zero(words[index : index + 2], address + 4 * index):  # 3
            rewritten[index] = rewritten[index + 1] = _zero(_rd(word))
    return rewritten


def _rd(word: int) -> int:
    return word >> 7 & 31


def _rs1(word: int) -> int:
    return word >> 15 & 31


def _zero(rd: int) -> int:
    """`addi rd, x0, 0`."""
    return rd << 7 | _ADDI


def _is_csr(word: int) -> bool:
    """Whether a word is a CSR instruction that a machine with every CSR would execute."""
    funct3 = word >> 12 & 7
    if word & 0x7F != _SYSTEM or funct3 in (0, 4):
        return False
    writes = funct3 in (_CSRRW, _CSRRWI) or _rs1(word) != 0
    return not (writes and word >> 30 == _READ_ONLY)


def _without_csr(word: int) -> int:
    return _zero(_rd(word)) if _is_csr(word) else word


def _writes_mepc(word: int) -> bool:
    return _is_csr(word) and word >> 20 == _MEPC and word >> 12 & 7 == _CSRRW


def _jump_targets(words: Sequence[int]) -> set[int]:
    """The indices of the words that a branch or a `jal` goes to."""
    return {
        index + instruction.immediate // 4
        for index, word in enumerate(words)
        if (instruction := decode(word)) is not None and instruction.kind in (Kind.BRANCH, Kind.JUMP)
    }


def _mepc_source(words: Sequence[int], mret: int, targets: set[int]) -> int | None:
    """The register that holds mepc when the `mret` at index `mret` runs; None if that is not certain.

    Looks back over straight-line code, into which nothing jumps, for the last write to mepc.
    """
    overwritten = 0
    for index in range(mret - 1, -1, -1):
        word = words[index]
        if index + 1 in targets:
            return None
        if _writes_mepc(word):
            source = _rs1(word)
            kept = not (overwritten | _written(word)) >> source & 1
            return source if kept else None
        instruction = decode(word)
        if not _is_csr(word) and (instruction is None or instruction.kind in _FLOW):
            return None
        overwritten |= _written(word, instruction)
    return None


def _written(word: int, instruction: Instruction | None = None) -> int:
    """The register that an instruction writes, as a bit; 0 if it writes none."""
    register = instruction.rd if instruction is not None else _rd(word)
    return 1 << register & ~1


def _gives_zero(pair: Sequence[int], pc: int) -> bool:
    """Whether `auipc rd, high` and `addi rd, rd, low` at `pc` make address 0."""
    instructions = [decode(word) for word in pair]
    match instructions:
        case [Instruction(name="auipc") as upper, Instruction(name="addi") as low]:
            is_pair = upper.rd == low.rs1 == low.rd != 0
            return is_pair and wrap64(pc + upper.immediate + low.immediate) == 0
        case _:
            return False
