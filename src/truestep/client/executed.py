"""The one instruction that a dispute came to, read from the call that had a contract execute it."""

from dataclasses import dataclass

from truestep.adapters.chain.answers import Junk
from truestep.adapters.chain.sent_calls import bytes_in
from truestep.client.instruction_words import assembly, in_words

_PC = slice(0, 8)
_CYCLE = slice(8, 16)
_INSTRUCTION_LEAF = slice(284, 316)
"""Offsets in the witness (docs/machine.md M6.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """An executed instruction."""

    cycle: int
    """Of the state before it: in the run, or in the micro-run of a float instruction."""
    pc: int
    assembly: str
    in_words: str

    @property
    def number(self) -> int:
        """Which instruction it is, from 1."""
        return self.cycle + 1


def executed(call: bytes) -> Executed | None:
    """The instruction in a call of Disputes. None for any other call: a contract may have made the step."""
    try:
        witness = bytes_in(call, "Disputes", "witness")
    except Junk:
        return None
    if len(witness) < _INSTRUCTION_LEAF.stop:
        return None
    pc, cycle = (int.from_bytes(witness[part], "big") for part in (_PC, _CYCLE))
    at = pc % 32
    word = int.from_bytes(witness[_INSTRUCTION_LEAF][at : at + 4], "little")
    return Executed(cycle=cycle, pc=pc, assembly=assembly(word), in_words=in_words(word))
