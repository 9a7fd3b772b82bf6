"""The one instruction that a dispute came to, read from the call in its transaction."""

from dataclasses import dataclass

from truestep.adapters.chain.abi import SELECTOR_SIZE_BYTES, selector_of
from truestep.client.instruction_words import assembly, in_words
from truestep.contracts.artifacts import load_artifact

_LENGTH_BYTES = 32
_PC = slice(0, 8)
_CYCLE = slice(8, 16)
_INSTRUCTION_LEAF = slice(284, 316)
"""Offsets in the witness (docs/machine.md M6.2)."""
_LEAST_BYTES = _INSTRUCTION_LEAF.stop


@dataclass(frozen=True, slots=True, kw_only=True)
class LastStep:
    """An executed instruction."""

    number: int
    """Of the run, or of the micro-run of a float instruction, from 1."""
    pc: int
    assembly: str
    in_words: str


def last_step(call: bytes) -> LastStep | None:
    """The instruction in a call of `Disputes.step`. None for another call: a contract may have stepped."""
    (entry,) = (each for each in load_artifact("Disputes").abi if each.get("name") == "step")
    arguments = call[SELECTOR_SIZE_BYTES:]
    if call[:SELECTOR_SIZE_BYTES] != selector_of(entry):
        return None
    # The witness is the last argument, so its words are the last of the call.
    witness = _last_bytes(arguments)
    if witness is None or len(witness) < _LEAST_BYTES:
        return None
    pc, cycle = (int.from_bytes(witness[part], "big") for part in (_PC, _CYCLE))
    at = pc % _LENGTH_BYTES
    word = int.from_bytes(witness[_INSTRUCTION_LEAF][at : at + 4], "little")
    return LastStep(number=cycle + 1, pc=pc, assembly=assembly(word), in_words=in_words(word))


def _last_bytes(arguments: bytes) -> bytes | None:
    """The only dynamic argument: its offset is the only word of the head that leads to its length."""
    for place in range(0, len(arguments) - _LENGTH_BYTES + 1, _LENGTH_BYTES):
        start = int.from_bytes(arguments[place : place + _LENGTH_BYTES], "big")
        if place + _LENGTH_BYTES <= start <= len(arguments) - _LENGTH_BYTES and start % _LENGTH_BYTES == 0:
            size = int.from_bytes(arguments[start : start + _LENGTH_BYTES], "big")
            padded = -(-size // _LENGTH_BYTES) * _LENGTH_BYTES
            if size >= _LEAST_BYTES and start + _LENGTH_BYTES + padded == len(arguments):
                return arguments[start + _LENGTH_BYTES : start + _LENGTH_BYTES + size]
    return None
